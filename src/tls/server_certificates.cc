// Parsing certificates with their keys, and finding them by name.
#include "tls/server_certificates.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <utility>

#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include "base/ascii.h"
#include "base/check.h"
#include "tls/certificate_facts.h"
#include "tls/pem.h"
#include "tls/random.h"

namespace tls {
namespace {

std::string_view text_of(const mbedtls_x509_buf& bytes) {
  return {reinterpret_cast<const char*>(bytes.p), bytes.len};
}

// RFC 6125 6.4.4: the common name counts only where no other name is given.
std::vector<std::string> names_of(const mbedtls_x509_crt& certificate) {
  std::vector<std::string> names;
  for (const mbedtls_x509_sequence* entry = &certificate.subject_alt_names; entry != nullptr;
       entry = entry->next) {
    const bool is_name =
        (entry->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK) == MBEDTLS_X509_SAN_DNS_NAME;
    if (is_name && entry->buf.len > 0) names.push_back(base::in_lower_case(text_of(entry->buf)));
  }
  if (!names.empty()) return names;
  for (const mbedtls_x509_name* part = &certificate.subject; part != nullptr; part = part->next) {
    if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &part->oid) == 0) {
      names.push_back(base::in_lower_case(text_of(part->val)));
    }
  }
  return names;
}

}  // namespace

struct ServerCertificates::State {
  struct Entry {
    mbedtls_x509_crt certificate;
    mbedtls_pk_context key;

    Entry() {
      mbedtls_x509_crt_init(&certificate);
      mbedtls_pk_init(&key);
    }
    ~Entry() {
      mbedtls_pk_free(&key);
      mbedtls_x509_crt_free(&certificate);
    }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    Entry(Entry&&) = delete;
    Entry& operator=(Entry&&) = delete;

    // What is wrong; empty if nothing is.
    [[nodiscard]] std::string parse(const CertificatePem& pem);
  };

  std::vector<std::unique_ptr<Entry>> entries;
  std::map<std::string, std::vector<size_t>, std::less<>> by_name;  // "*.x" as it stands
  std::vector<size_t> of_first;
};

std::string ServerCertificates::State::Entry::parse(const CertificatePem& pem) {
  const std::string certificate_text = tidy_pem(pem.certificate);
  const std::string key_text = tidy_pem(pem.key);
  if (const std::string why = pem_trouble(certificate_text, PemKind::certificate); !why.empty()) {
    return "the certificate " + why;
  }
  if (const std::string why = pem_trouble(key_text, PemKind::key); !why.empty()) {
    return "the private key " + why;
  }
  // mbedTLS wants the NUL counted.
  const auto bytes = [](const std::string& text) {
    return reinterpret_cast<const unsigned char*>(text.c_str());
  };
  int result =
      mbedtls_x509_crt_parse(&certificate, bytes(certificate_text), certificate_text.size() + 1);
  if (result < 0) return "the certificate " + unreadable_text(result);
  if (result > 0) return "one of the certificate's issuers is of a kind that cannot be used here";
  result = mbedtls_pk_parse_key(
      &key, bytes(key_text), key_text.size() + 1, nullptr, 0, random_bytes, nullptr);
  if (result != 0) return "the private key " + unreadable_text(result);
  const auto has_key = [&](mbedtls_x509_crt& one) {
    return mbedtls_pk_check_pair(&one.pk, &key, random_bytes, nullptr) == 0;
  };
  if (has_key(certificate)) return {};
  for (mbedtls_x509_crt* one = certificate.next; one != nullptr; one = one->next) {
    if (has_key(*one)) {
      return "the chain is in the wrong order: the certificate that the private key belongs to "
             "must "
             "stand first, then its issuer";
    }
  }
  return "the private key does not belong to the certificate: take the pair that was made together";
}

ServerCertificates::ServerCertificates() : state_(std::make_unique<State>()) {}
ServerCertificates::~ServerCertificates() = default;

ServerCertificates::Loaded ServerCertificates::from_pem(std::span<const CertificatePem> pems) {
  CHECK(!pems.empty());
  const std::shared_ptr<ServerCertificates> made(new ServerCertificates);
  State& state = *made->state_;
  for (const CertificatePem& pem : pems) {
    const size_t index = state.entries.size();
    state.entries.push_back(std::make_unique<State::Entry>());
    State::Entry& entry = *state.entries.back();
    if (std::string why = entry.parse(pem); !why.empty()) return Error{index, std::move(why)};
    for (const std::string& name : names_of(entry.certificate)) {
      std::vector<size_t>& having = state.by_name[name];
      if (having.empty() || having.back() != index) having.push_back(index);
    }
  }
  const auto names = names_of(state.entries.front()->certificate);
  state.of_first = names.empty() ? std::vector<size_t>{0} : state.by_name.at(names.front());
  return std::shared_ptr<const ServerCertificates>(made);
}

const std::vector<size_t>& ServerCertificates::find(std::string_view name) const {
  const std::string lower = base::in_lower_case(name);
  if (const auto exact = state_->by_name.find(lower); exact != state_->by_name.end()) {
    return exact->second;
  }
  // A wildcard stands for one whole label (RFC 6125 6.4.3).
  if (const size_t dot = lower.find('.'); dot != std::string::npos && dot > 0) {
    const auto wildcard = state_->by_name.find("*" + lower.substr(dot));
    if (wildcard != state_->by_name.end()) return wildcard->second;
  }
  return state_->of_first;
}

std::vector<CertificateFacts> ServerCertificates::facts() const {
  std::vector<CertificateFacts> facts;
  for (const auto& entry : state_->entries)
    facts.push_back(facts_of(entry->certificate));
  return facts;
}

int ServerCertificates::offer(mbedtls_ssl_context& ssl, std::string_view name) const {
  for (const size_t index : find(name)) {
    State::Entry& entry = *state_->entries[index];
    const int result = mbedtls_ssl_set_hs_own_cert(&ssl, &entry.certificate, &entry.key);
    if (result != 0) return result;
  }
  return 0;
}

}  // namespace tls
