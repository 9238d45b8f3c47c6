#pragma once

// SHA-256, piece by piece.

#include <string>

#include <mbedtls/sha256.h>

#include "base/bytes.h"

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

  void add(base::Bytes bytes);
  // 64 hex digits of all that was added. Once, nothing after it.
  [[nodiscard]] std::string finish();

 private:
  mbedtls_sha256_context context_;
};

}  // namespace tls
