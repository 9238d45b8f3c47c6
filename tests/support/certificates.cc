// Keys and X.509 certificates by mbedTLS. Failures abort: a test without them proves nothing.
#include "support/certificates.h"

#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <ctime>
#include <deque>
#include <utility>
#include <vector>

#include <mbedtls/ecp.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/rsa.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>

#include "base/check.h"
#include "tls/random.h"

namespace test {
namespace {

// Holds a key pair. RSA keys are made once per process: they cost a second each.
struct Key {
  mbedtls_pk_context pk{};

  explicit Key(KeyKind kind) {
    CHECK(psa_crypto_init() == PSA_SUCCESS);
    mbedtls_pk_init(&pk);
    if (kind == KeyKind::rsa_2048) {
      const std::string& pem = rsa_pem();
      CHECK(mbedtls_pk_parse_key(&pk,
                                 reinterpret_cast<const unsigned char*>(pem.c_str()),
                                 pem.size() + 1,
                                 nullptr,
                                 0,
                                 tls::random_bytes,
                                 nullptr) == 0);
      return;
    }
    CHECK(mbedtls_pk_setup(&pk, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) == 0);
    CHECK(mbedtls_ecp_gen_key(
              MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(pk), tls::random_bytes, nullptr) == 0);
  }
  ~Key() { mbedtls_pk_free(&pk); }
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  Key(Key&&) = delete;
  Key& operator=(Key&&) = delete;

  [[nodiscard]] std::string pem() const {
    std::array<unsigned char, 8192> text{};
    CHECK(mbedtls_pk_write_key_pem(&pk, text.data(), text.size()) == 0);
    return reinterpret_cast<const char*>(text.data());
  }

 private:
  static const std::string& rsa_pem() {
    static const std::string pem = [] {
      mbedtls_pk_context key;
      mbedtls_pk_init(&key);
      CHECK(mbedtls_pk_setup(&key, mbedtls_pk_info_from_type(MBEDTLS_PK_RSA)) == 0);
      CHECK(mbedtls_rsa_gen_key(mbedtls_pk_rsa(key), tls::random_bytes, nullptr, 2048, 65537) == 0);
      std::array<unsigned char, 8192> text{};
      CHECK(mbedtls_pk_write_key_pem(&key, text.data(), text.size()) == 0);
      mbedtls_pk_free(&key);
      return std::string(reinterpret_cast<const char*>(text.data()));
    }();
    return pem;
  }
};

std::string day_text(int days_from_today) {
  const time_t when = time(nullptr) + static_cast<time_t>(days_from_today) * 24 * 60 * 60;
  tm parts{};
  CHECK(gmtime_r(&when, &parts) != nullptr);
  std::array<char, 32> text{};
  CHECK(strftime(text.data(), text.size(), "%Y%m%d%H%M%S", &parts) > 0);
  return text.data();
}

// The subjectAltName list in mbedTLS's linked form; the object owns what it points to.
class AlternativeNames {
 public:
  explicit AlternativeNames(const std::vector<std::string>& names) {
    for (const std::string& name : names)
      add(name);
  }
  [[nodiscard]] mbedtls_x509_san_list* list() { return nodes_.empty() ? nullptr : &nodes_.front(); }

 private:
  void add(const std::string& name) {
    std::array<unsigned char, 16> address{};
    std::string& bytes = bytes_.emplace_back(name);
    int type = MBEDTLS_X509_SAN_DNS_NAME;
    for (const auto& [family, size] : {std::pair<int, size_t>{AF_INET, 4}, {AF_INET6, 16}}) {
      if (inet_pton(family, name.c_str(), address.data()) != 1) continue;
      type = MBEDTLS_X509_SAN_IP_ADDRESS;
      bytes.assign(reinterpret_cast<const char*>(address.data()), size);
    }
    mbedtls_x509_san_list node{};
    node.node.type = type;
    node.node.san.unstructured_name.p = reinterpret_cast<unsigned char*>(bytes.data());
    node.node.san.unstructured_name.len = bytes.size();
    nodes_.push_back(node);
    if (nodes_.size() > 1) nodes_[nodes_.size() - 2].next = &nodes_.back();
  }

  std::deque<std::string> bytes_;  // deques: growing moves nothing
  std::deque<mbedtls_x509_san_list> nodes_;
};

struct Certificate {
  std::string subject;
  std::string issuer;
  bool is_authority = false;
  LeafOptions options;
  std::vector<Extension> extensions = {};
};

std::string write_certificate(const Certificate& what, const Key& subject, const Key& issuer) {
  mbedtls_x509write_cert crt;
  mbedtls_x509write_crt_init(&crt);
  mbedtls_x509write_crt_set_version(&crt, MBEDTLS_X509_CRT_VERSION_3);
  mbedtls_x509write_crt_set_md_alg(&crt, MBEDTLS_MD_SHA256);
  mbedtls_x509write_crt_set_subject_key(&crt, const_cast<mbedtls_pk_context*>(&subject.pk));
  mbedtls_x509write_crt_set_issuer_key(&crt, const_cast<mbedtls_pk_context*>(&issuer.pk));
  std::array<unsigned char, 8> serial{};
  CHECK(psa_generate_random(serial.data(), serial.size()) == PSA_SUCCESS);
  serial[0] = (serial[0] & 0x3f) | 0x40;  // positive, and never shorter
  CHECK(mbedtls_x509write_crt_set_serial_raw(&crt, serial.data(), serial.size()) == 0);
  CHECK(mbedtls_x509write_crt_set_subject_name(&crt, what.subject.c_str()) == 0);
  CHECK(mbedtls_x509write_crt_set_issuer_name(&crt, what.issuer.c_str()) == 0);
  CHECK(mbedtls_x509write_crt_set_validity(&crt,
                                           day_text(what.options.valid_from_days).c_str(),
                                           day_text(what.options.valid_to_days).c_str()) == 0);
  CHECK(mbedtls_x509write_crt_set_basic_constraints(&crt, what.is_authority ? 1 : 0, -1) == 0);
  AlternativeNames names(what.options.names);
  if (what.is_authority) {
    CHECK(mbedtls_x509write_crt_set_key_usage(
              &crt, MBEDTLS_X509_KU_KEY_CERT_SIGN | MBEDTLS_X509_KU_CRL_SIGN) == 0);
    CHECK(mbedtls_x509write_crt_set_subject_key_identifier(&crt) == 0);
  } else {
    CHECK(mbedtls_x509write_crt_set_subject_alternative_name(&crt, names.list()) == 0);
  }
  for (const Extension& extension : what.extensions) {
    CHECK(mbedtls_x509write_crt_set_extension(
              &crt,
              extension.oid.data(),
              extension.oid.size(),
              extension.critical ? 1 : 0,
              reinterpret_cast<const unsigned char*>(extension.value.data()),
              extension.value.size()) == 0);
  }
  // A certificate of 100 KiB may be wanted.
  std::vector<unsigned char> pem(8192 + 128 * what.options.names.size());
  CHECK(mbedtls_x509write_crt_pem(&crt, pem.data(), pem.size(), tls::random_bytes, nullptr) == 0);
  mbedtls_x509write_crt_free(&crt);
  return reinterpret_cast<const char*>(pem.data());
}

std::string subject_of(const LeafOptions& options) {
  return "CN=" + (options.names.empty() ? std::string("nameless") : options.names.front());
}

}  // namespace

struct Authority::State {
  std::string subject;
  Key key;
  std::string pem;

  State(const std::string& name, KeyKind kind) : subject("CN=" + name), key(kind) {
    LeafOptions validity;
    validity.valid_from_days = -3650;
    validity.valid_to_days = 3650;
    pem = write_certificate({subject, subject, true, validity}, key, key);
  }
  State(const State& issuer, const std::string& name, std::vector<Extension> extensions)
      : subject("CN=" + name), key(KeyKind::ecdsa_p256) {
    pem = write_certificate(
        {subject, issuer.subject, true, {}, std::move(extensions)}, key, issuer.key);
  }
};

Authority::Authority(const std::string& name, KeyKind key)
    : state_(std::make_unique<State>(name, key)) {}
Authority::Authority(const Authority& issuer,
                     const std::string& name,
                     std::vector<Extension> extensions)
    : state_(std::make_unique<State>(*issuer.state_, name, std::move(extensions))) {}
Authority::~Authority() = default;

const std::string& Authority::certificate_pem() const {
  return state_->pem;
}

Credentials Authority::issue(const LeafOptions& options) const {
  const Key key(options.key);
  return {
      write_certificate({subject_of(options), state_->subject, false, options}, key, state_->key),
      key.pem()};
}

Credentials self_signed(const LeafOptions& options) {
  const Key key(options.key);
  const std::string subject = subject_of(options);
  return {write_certificate({subject, subject, false, options}, key, key), key.pem()};
}

}  // namespace test
