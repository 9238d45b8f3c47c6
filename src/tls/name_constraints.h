#pragma once

// What CAs may name those they sign for (RFC 5280 4.2.1.10), which mbedTLS does not know of.

#include <string>
#include <vector>

struct mbedtls_x509_crt;

namespace tls {

// Whether the common name of a certificate without alternative names is taken for a host's.
enum class CommonName : bool { a_person, a_host };

// Value. The constraints of one chain, while it is verified from its root down. Borrows the
// certificates. DNS names, IP addresses and directory names are checked; a name of any other kind
// that a CA constrains is refused.
class NameConstraints {
 public:
  // To be called with each certificate of the chain, the root first; `depth` is 0 for the peer's
  // own. Why one may not be trusted, as a sentence's part, or empty.
  [[nodiscard]] std::string take(const mbedtls_x509_crt& certificate,
                                 int depth,
                                 CommonName common_name);

 private:
  std::vector<const mbedtls_x509_crt*> constraining_;
};

}  // namespace tls
