#include "accept/address_table.h"

#include <cstring>

#include "base/check.h"

namespace accepting {

namespace {

// Who has one IPv6 address mostly has its whole /64 (RFC 6177).
constexpr unsigned ipv6_prefix_bits = 64;

base::IpBytes key_of(const net::Address& address) {
  const base::IpBytes bytes = address.bytes();
  return base::is_ipv4(bytes) ? bytes : base::truncate(bytes, ipv6_prefix_bits);
}

bool is_exempt(const net::Address& address) {
  return address.is_none() || address.is_loopback();
}

}  // namespace

// A client that chooses its address could fill one bucket; the multiplication spreads what is left
// to choose, and a table has no more entries than there are connections.
size_t AddressTable::Hash::operator()(const base::IpBytes& key) const {
  uint64_t high = 0;
  uint64_t low = 0;
  std::memcpy(&high, key.data(), sizeof high);
  std::memcpy(&low, key.data() + sizeof high, sizeof low);
  uint64_t hash = (high ^ low * 0x9e3779b97f4a7c15ULL) * 0xbf58476d1ce4e5b9ULL;
  hash ^= hash >> 32;
  return hash;
}

AddressTable::Shard& AddressTable::shard_of(const base::IpBytes& key) {
  return shards_[(Hash()(key) >> 8) % shards];
}

bool AddressTable::enter(const net::Address& address, uint32_t connections_max) {
  if (is_exempt(address)) return true;
  const base::IpBytes key = key_of(address);
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.connections.try_emplace(key, 0).first;
  if (connections_max != 0 && found->second >= connections_max) return false;
  ++found->second;
  return true;
}

void AddressTable::leave(const net::Address& address) {
  if (is_exempt(address)) return;
  const base::IpBytes key = key_of(address);
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.connections.find(key);
  CHECK(found != shard.connections.end());
  if (--found->second == 0) shard.connections.erase(found);
}

size_t AddressTable::size() const {
  size_t total = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    total += shard.connections.size();
  }
  return total;
}

}  // namespace accepting
