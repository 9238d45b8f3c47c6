#pragma once

// The roots that certificates are checked against.

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct mbedtls_x509_crt;

namespace tls {

class VerifiedChains;

// Resource, immutable after loading: the roots that certificates are checked against, with a memory
// of the chains found good. Parsed once per process and shared by all workers (any thread).
class TrustStore {
 public:
  using Loaded = base::Result<std::shared_ptr<const TrustStore>, std::string>;

  // The system's bundle, from where the common distributions keep it. The error text names the
  // places tried and what to install or configure.
  [[nodiscard]] static Loaded system();
  // A PEM bundle (one or more certificates). Certificates it cannot read are skipped and
  // counted in the log; an error when the file is unreadable or holds none.
  [[nodiscard]] static Loaded from_file(const std::string& path);
  // The same from memory; `origin` is how messages call it.
  [[nodiscard]] static Loaded from_pem(std::string_view pem, const std::string& origin);

  ~TrustStore();
  TrustStore(const TrustStore&) = delete;
  TrustStore& operator=(const TrustStore&) = delete;
  TrustStore(TrustStore&&) = delete;
  TrustStore& operator=(TrustStore&&) = delete;

  // How many certificates it holds.
  [[nodiscard]] size_t size() const { return size_; }
  // The same for two stores that hold the same certificates in the same order, and for no others.
  using Fingerprint = std::array<unsigned char, 32>;
  [[nodiscard]] const Fingerprint& fingerprint() const { return fingerprint_; }
  // For tls/ only. mbedTLS takes it non-const, but does not write to it.
  [[nodiscard]] mbedtls_x509_crt* chain() const { return chain_.get(); }
  [[nodiscard]] VerifiedChains& verified() const { return *verified_; }

 private:
  struct FreeChain {
    void operator()(mbedtls_x509_crt* chain) const;
  };
  TrustStore();
  std::unique_ptr<mbedtls_x509_crt, FreeChain> chain_;
  std::unique_ptr<VerifiedChains> verified_;
  size_t size_ = 0;
  Fingerprint fingerprint_{};
};

}  // namespace tls
