#pragma once

// What there is to know and to say of a certificate of ours before any client has seen it.

#include <cstdint>
#include <string>
#include <vector>

struct mbedtls_x509_crt;
struct mbedtls_x509_time;

namespace tls {

// Value.
struct CertificateFacts {
  std::string name;          // the first host it is for, or its subject
  int64_t not_before_s = 0;  // since 1970
  int64_t not_after_s = 0;   // of it and of its issuers in the same file, the earliest
  // What most clients are going to refuse, whatever the day: predicates such as "has no …".
  std::vector<std::string> faults = {};
};

// How long before its end a certificate is worth a warning.
constexpr int64_t expiry_warning_s = 21 * 24 * 60 * 60;

// Seconds since 1970.
[[nodiscard]] int64_t seconds_of(const mbedtls_x509_time& time);

// Of a chain, its leaf first.
[[nodiscard]] CertificateFacts facts_of(const mbedtls_x509_crt& chain);

// What is to be said of its time at `now_s`; empty: nothing.
[[nodiscard]] std::string time_trouble(const CertificateFacts& facts, int64_t now_s);

}  // namespace tls
