#pragma once

// How many connections each client address has, process-wide.

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "base/network.h"
#include "net/address.h"

namespace accepting {

// Resource, one per process, asked when connections come and go and at no other time. Any thread.
class AddressTable {
 public:
  // Whether `address` has fewer than `connections_max` (0: no limit); it has one more then.
  // Loopback and unix sockets are never refused: behind those stands a front server or the host's
  // own programs.
  [[nodiscard]] bool enter(const net::Address& address, uint32_t connections_max);
  // One less, after an enter() that was true.
  void leave(const net::Address& address);

  // Addresses that have some, for tests.
  [[nodiscard]] size_t size() const;

 private:
  // Two workers rarely want the same one.
  static constexpr size_t shards = 64;

  struct Hash {
    size_t operator()(const base::IpBytes& key) const;
  };
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<base::IpBytes, uint32_t, Hash> connections;
  };

  Shard& shard_of(const base::IpBytes& key);

  std::array<Shard, shards> shards_;
};

}  // namespace accepting
