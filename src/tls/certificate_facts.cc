#include "tls/certificate_facts.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <fmt/format.h>
#include <string_view>

#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include "tls/verified_chains.h"

namespace tls {
namespace {

constexpr size_t rsa_bits_min = 2048;
constexpr int64_t day_s = 24 * 60 * 60;
// Where to fetch the issuer: who is signed by a root says no such thing (RFC 5280 4.2.2.1).
constexpr std::string_view issuer_address_oid = "\x2b\x06\x01\x05\x05\x07\x30\x02";

std::string_view view(const mbedtls_x509_buf& bytes) {
  return {reinterpret_cast<const char*>(bytes.p), bytes.len};
}

std::string name_text(const mbedtls_x509_name& name) {
  std::array<char, 256> text{};
  if (mbedtls_x509_dn_gets(text.data(), text.size(), &name) <= 0) return "(unreadable)";
  return text.data();
}

std::string name_of(const mbedtls_x509_crt& leaf) {
  for (const mbedtls_x509_sequence* entry = &leaf.subject_alt_names; entry != nullptr;
       entry = entry->next) {
    const bool is_host =
        (entry->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK) == MBEDTLS_X509_SAN_DNS_NAME;
    if (is_host && entry->buf.p != nullptr) return std::string(view(entry->buf).substr(0, 256));
  }
  return name_text(leaf.subject);
}

std::string day_text(int64_t seconds) {
  const time_t when = seconds;
  std::tm parts{};
  gmtime_r(&when, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text.data();
}

void add_chain_faults(const mbedtls_x509_crt& chain, std::vector<std::string>& faults) {
  const bool is_alone = chain.next == nullptr;
  const bool signed_itself = view(chain.issuer_raw) == view(chain.subject_raw);
  if (is_alone && !signed_itself &&
      view(chain.v3_ext).find(issuer_address_oid) != std::string_view::npos) {
    faults.push_back(
        fmt::format("has no intermediate certificate: most clients need that of \"{}\" behind it; "
                    "take the file with the full chain (fullchain.pem)",
                    name_text(chain.issuer)));
  }
  for (const mbedtls_x509_crt* one = &chain; one->next != nullptr; one = one->next) {
    if (view(one->issuer_raw) == view(one->next->subject_raw)) continue;
    faults.push_back(fmt::format(
        "has a chain out of order: behind \"{}\" must stand its issuer \"{}\", not \"{}\"",
        name_text(one->subject),
        name_text(one->issuer),
        name_text(one->next->subject)));
    return;
  }
}

}  // namespace

int64_t seconds_of(const mbedtls_x509_time& time) {
  std::tm parts{};
  parts.tm_year = time.year - 1900;
  parts.tm_mon = time.mon - 1;
  parts.tm_mday = time.day;
  parts.tm_hour = time.hour;
  parts.tm_min = time.min;
  parts.tm_sec = time.sec;
  return timegm(&parts);
}

CertificateFacts facts_of(const mbedtls_x509_crt& chain) {
  CertificateFacts facts{.name = name_of(chain),
                         .not_before_s = seconds_of(chain.valid_from),
                         .not_after_s = VerifiedChains::expiry_s(chain)};
  for (const mbedtls_x509_crt* one = chain.next; one != nullptr; one = one->next)
    facts.not_after_s = std::min(facts.not_after_s, VerifiedChains::expiry_s(*one));
  if (mbedtls_pk_can_do(&chain.pk, MBEDTLS_PK_RSA) != 0) {
    const size_t bits = mbedtls_pk_get_bitlen(&chain.pk);
    if (bits < rsa_bits_min) {
      facts.faults.push_back(fmt::format(
          "has an RSA key of {} bits, which clients refuse: {} is the least", bits, rsa_bits_min));
    }
  }
  if (MBEDTLS_OID_CMP(MBEDTLS_OID_PKCS1_SHA1, &chain.sig_oid) == 0 ||
      MBEDTLS_OID_CMP(MBEDTLS_OID_ECDSA_SHA1, &chain.sig_oid) == 0) {
    facts.faults.emplace_back("is signed with SHA-1, which clients refuse");
  }
  if (mbedtls_x509_crt_has_ext_type(&chain, MBEDTLS_X509_EXT_SUBJECT_ALT_NAME) == 0) {
    facts.faults.emplace_back(
        "names no host as subject alternative name, where browsers and SDKs look for it");
  }
  if (mbedtls_x509_crt_check_extended_key_usage(
          &chain, MBEDTLS_OID_SERVER_AUTH, MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) != 0) {
    facts.faults.emplace_back("is not for servers (extended key usage), so that clients refuse it");
  }
  add_chain_faults(chain, facts.faults);
  return facts;
}

std::string time_trouble(const CertificateFacts& facts, int64_t now_s) {
  if (now_s > facts.not_after_s) {
    return fmt::format("expired on {}: clients refuse it until it is renewed",
                       day_text(facts.not_after_s));
  }
  if (now_s < facts.not_before_s) {
    return fmt::format("is valid from {} only: is this machine's clock right? It says {}",
                       day_text(facts.not_before_s),
                       day_text(now_s));
  }
  const int64_t left_s = facts.not_after_s - now_s;
  if (left_s > expiry_warning_s) return {};
  return fmt::format(
      "expires on {}, in {} days: renew it", day_text(facts.not_after_s), left_s / day_s);
}

}  // namespace tls
