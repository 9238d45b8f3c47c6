#include "tls/verified_chains.h"

#include <algorithm>
#include <ctime>

#include <mbedtls/x509_crt.h>

#include "tls/certificate_facts.h"
#include "tls/sha256.h"

namespace tls {
namespace {

int64_t seconds_by(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec;
}

// Each part is preceded by its length: no two lists of parts read the same.
void add_part(Sha256& hash, base::Bytes part) {
  const size_t size = part.size();
  hash.add({reinterpret_cast<const std::byte*>(&size), sizeof size});
  hash.add(part);
}

}  // namespace

VerifiedChains::Key VerifiedChains::key(const mbedtls_x509_crt& chain, std::string_view name) {
  Sha256 hash;
  add_part(hash, base::as_bytes(name));
  for (const mbedtls_x509_crt* each = &chain; each != nullptr; each = each->next)
    add_part(hash, {reinterpret_cast<const std::byte*>(each->raw.p), each->raw.len});
  return hash.finish();
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
