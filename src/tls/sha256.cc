#include "tls/sha256.h"

#include <fmt/format.h>

#include <mbedtls/sha256.h>

#include "base/check.h"

namespace tls {

Sha256::Sha256() : context_(std::make_unique<mbedtls_sha256_context>()) {
  mbedtls_sha256_init(context_.get());
  CHECK(mbedtls_sha256_starts(context_.get(), 0) == 0);
}

Sha256::~Sha256() {
  mbedtls_sha256_free(context_.get());
}

void Sha256::add(base::Bytes bytes) {
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  CHECK(mbedtls_sha256_update(context_.get(), data, bytes.size()) == 0);
}

Sha256::Hash Sha256::finish() {
  Hash hash{};
  CHECK(mbedtls_sha256_finish(context_.get(), hash.data()) == 0);
  return hash;
}

std::string hex_digits(const Sha256::Hash& hash) {
  std::string text;
  for (const unsigned char byte : hash)
    text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace tls
