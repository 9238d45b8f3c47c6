#pragma once

// SHA-256, piece by piece.

#include <array>
#include <memory>
#include <string>

#include "base/bytes.h"

struct mbedtls_sha256_context;

namespace tls {

// Resource. One thread.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  Sha256(Sha256&&) = delete;
  Sha256& operator=(Sha256&&) = delete;

  using Hash = std::array<unsigned char, 32>;

  void add(base::Bytes bytes);
  // Of all that was added. Once, nothing after it.
  [[nodiscard]] Hash finish();

 private:
  std::unique_ptr<mbedtls_sha256_context> context_;
};

// Its 64 hex digits.
[[nodiscard]] std::string hex_digits(const Sha256::Hash& hash);

}  // namespace tls
