#include "tls/verified_chains.h"

#include <algorithm>
#include <ctime>

#include <mbedtls/sha256.h>
#include <mbedtls/x509_crt.h>

#include "base/check.h"
#include "tls/certificate_facts.h"

namespace tls {
namespace {

int64_t seconds_by(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec;
}

// SHA-256 over parts, each preceded by its length: no two lists of parts read the same.
class Digest {
 public:
  Digest() {
    mbedtls_sha256_init(&context_);
    CHECK(mbedtls_sha256_starts(&context_, 0) == 0);
  }
  ~Digest() { mbedtls_sha256_free(&context_); }
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;
  Digest(Digest&&) = delete;
  Digest& operator=(Digest&&) = delete;

  void add(const unsigned char* bytes, size_t size) {
    CHECK(mbedtls_sha256_update(
              &context_, reinterpret_cast<const unsigned char*>(&size), sizeof size) == 0);
    CHECK(mbedtls_sha256_update(&context_, bytes, size) == 0);
  }
  VerifiedChains::Key finish() {
    VerifiedChains::Key key;
    CHECK(mbedtls_sha256_finish(&context_, key.data()) == 0);
    return key;
  }

 private:
  mbedtls_sha256_context context_;
};

}  // namespace

VerifiedChains::Key VerifiedChains::key(const mbedtls_x509_crt& chain, std::string_view name) {
  Digest digest;
  digest.add(reinterpret_cast<const unsigned char*>(name.data()), name.size());
  for (const mbedtls_x509_crt* each = &chain; each != nullptr; each = each->next)
    digest.add(each->raw.p, each->raw.len);
  return digest.finish();
}

VerifiedChains::Moment VerifiedChains::Moment::now() {
  return {seconds_by(CLOCK_REALTIME), seconds_by(CLOCK_BOOTTIME)};
}

int64_t VerifiedChains::expiry_s(const mbedtls_x509_crt& certificate) {
  return seconds_of(certificate.valid_to);
}

bool VerifiedChains::knows(const Key& key, Moment now) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.key == key && now.wall_s >= entry.since.wall_s && now.wall_s <= entry.expiry_s &&
           now.uptime_s - entry.since.uptime_s < age_max_s;
  });
}

void VerifiedChains::remember(const Key& key, Moment now, int64_t expiry_s) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const Entry& entry) { return entry.key == key; });
  if (entries_.size() == chains_max) entries_.erase(entries_.begin());
  entries_.push_back({key, now, expiry_s});
}

size_t VerifiedChains::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace tls
