// Reading root certificates.
#include "tls/trust_store.h"

#include <array>
#include <cstring>
#include <fmt/format.h>

#include <mbedtls/x509_crt.h>

#include "base/log.h"
#include "base/read_file.h"
#include "tls/error_text.h"
#include "tls/pem.h"
#include "tls/sha256.h"
#include "tls/verified_chains.h"

namespace tls {
namespace {

constexpr size_t bundle_bytes_max = 16 * 1024 * 1024;  // a bundle is about 220 KiB

// Debian, Ubuntu, Alpine, Arch; Fedora and RHEL; older ones of those; SUSE; Alpine, BSDs; RHEL 6.
constexpr std::array system_bundles = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/pki/tls/cacert.pem",
};

bool have_all_expired(const mbedtls_x509_crt& roots) {
  for (const mbedtls_x509_crt* root = &roots; root != nullptr; root = root->next) {
    if (root->version != 0 && mbedtls_x509_time_is_past(&root->valid_to) == 0) return false;
  }
  return true;
}

}  // namespace

void TrustStore::FreeChain::operator()(mbedtls_x509_crt* chain) const {
  mbedtls_x509_crt_free(chain);
  delete chain;
}

TrustStore::TrustStore()
    : chain_(new mbedtls_x509_crt), verified_(std::make_unique<VerifiedChains>()) {
  mbedtls_x509_crt_init(chain_.get());
}

TrustStore::~TrustStore() = default;

TrustStore::Loaded TrustStore::from_pem(std::string_view pem, const std::string& origin) {
  const std::shared_ptr<TrustStore> store(new TrustStore);
  const std::string text = tidy_pem(pem);
  if (const std::string why = pem_trouble(text, PemKind::certificate); !why.empty()) {
    return fmt::format("{} {}", origin, why);
  }
  // mbedTLS wants the NUL counted.
  const int result = mbedtls_x509_crt_parse(
      store->chain_.get(), reinterpret_cast<const unsigned char*>(text.c_str()), text.size() + 1);
  Sha256 hash;
  for (const mbedtls_x509_crt* root = store->chain_.get(); root != nullptr; root = root->next) {
    if (root->version == 0) continue;
    ++store->size_;
    // A certificate says itself how long it is: no two lists of them read the same.
    hash.add({reinterpret_cast<const std::byte*>(root->raw.p), root->raw.len});
  }
  store->fingerprint_ = hash.finish();
  if (store->size_ == 0) {
    return fmt::format(
        "no certificate in {} can be read ({}): it must be a PEM file with "
        "BEGIN CERTIFICATE blocks",
        origin,
        result < 0 ? library_text(result) : "nothing usable");
  }
  if (result > 0) {
    base::log_info("{}: {} of {} certificates are of a kind we cannot use and were skipped",
                   origin,
                   result,
                   store->size_ + static_cast<size_t>(result));
  }
  return std::shared_ptr<const TrustStore>(store);
}

TrustStore::Loaded TrustStore::from_file(const std::string& path) {
  const auto text = base::read_file(path, bundle_bytes_max);
  if (!text) return unreadable_file_text(path, text.error());
  Loaded loaded = from_pem(*text, path);
  if (loaded && have_all_expired(*(*loaded)->chain())) {
    base::log_warning("{}: whatever is signed by its certificates is refused, they have expired",
                      path);
  }
  return loaded;
}

TrustStore::Loaded TrustStore::system() {
  std::string tried;
  for (const char* path : system_bundles) {
    const auto text = base::read_file(path, bundle_bytes_max);
    if (text) return from_pem(*text, path);
    tried += fmt::format("{}{} ({})", tried.empty() ? "" : ", ", path, std::strerror(text.error()));
  }
  return fmt::format(
      "no root certificates found; install the package ca-certificates, or name a "
      "PEM file as tls.ca_file of the upstream. Tried: {}",
      tried);
}

}  // namespace tls
