#include "net/address_order.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>

#include "base/fd.h"

namespace net {
namespace {

using Bytes6 = base::IpBytes;

constexpr int scope_link_local = 0x2;
constexpr int scope_site_local = 0x5;
constexpr int scope_global = 0xe;

// RFC 6724 2.1, its longest prefixes first.
struct Policy {
  Bytes6 prefix;
  int bits;
  int precedence;
  int label;
};
constexpr std::array<Policy, 9> policies{{
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, 50, 0},  // ::1
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, 35, 4},         // IPv4
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 96, 1, 3},                // ::/96
    {{0x20, 0x01, 0, 0}, 32, 5, 5},                                  // Teredo
    {{0x20, 0x02}, 16, 30, 2},                                       // 6to4
    {{0x3f, 0xfe}, 16, 1, 12},                                       // 6bone
    {{0xfe, 0xc0}, 10, 1, 11},                                       // site-local
    {{0xfc, 0}, 7, 3, 13},                                           // unique local
    {{}, 0, 40, 1},                                                  // all others
}};

int common_bits(const Bytes6& a, const Bytes6& b) {
  int bits = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const auto difference = static_cast<uint8_t>(a[i] ^ b[i]);
    bits += std::countl_zero(difference);
    if (difference != 0) break;
  }
  return bits;
}

const Policy& policy_of(const Bytes6& bytes) {
  return *std::find_if(policies.begin(), policies.end(), [&](const Policy& policy) {
    return common_bits(bytes, policy.prefix) >= policy.bits;
  });
}

// RFC 6724 3.1 and 3.2.
int scope_of(const Address& address, const Bytes6& bytes) {
  if (!address.is_ipv6()) {
    const bool is_link_local = (bytes[12] == 169 && bytes[13] == 254) || bytes[12] == 127;
    return is_link_local ? scope_link_local : scope_global;
  }
  if (bytes[0] == 0xff) return bytes[1] & 0xf;
  if (address.is_loopback() || (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80)) {
    return scope_link_local;
  }
  if (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0xc0) return scope_site_local;
  return scope_global;
}

// Where a connection to `destination` would come from; nothing where there is no way to it.
std::optional<Address> source_for(Address destination) {
  const base::Fd socket(::socket(destination.family(), SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP));
  if (!socket) return std::nullopt;
  destination.set_port(53);  // any: nothing is sent
  if (::connect(socket.get(), destination.system(), destination.system_size()) != 0) {
    return std::nullopt;
  }
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* const source = reinterpret_cast<sockaddr*>(&storage);
  if (::getsockname(socket.get(), source, &size) != 0) return std::nullopt;
  return Address::from_system(source);
}

// Compared in this order, greater is tried first: the rules of RFC 6724 6 that a program can know.
using Rank = std::tuple<bool, bool, bool, int, int, int>;

Rank rank_of(const Address& address) {
  const Bytes6 bytes = address.bytes();
  const Policy& policy = policy_of(bytes);
  const int scope = scope_of(address, bytes);
  const std::optional<Address> source = source_for(address);
  if (!source) return {false, false, false, policy.precedence, -scope, 0};
  const Bytes6 source_bytes = source->bytes();
  // Among IPv4 addresses it would defeat the turns that a name server lets them take.
  const int common = address.is_ipv6() ? std::min(64, common_bits(bytes, source_bytes)) : 0;
  return {true,
          scope == scope_of(*source, source_bytes),
          policy.label == policy_of(source_bytes).label,
          policy.precedence,
          -scope,
          common};
}

}  // namespace

void sort_by_preference(std::vector<Address>& addresses) {
  if (addresses.size() < 2) return;
  std::vector<std::pair<Rank, Address>> ranked;
  ranked.reserve(addresses.size());
  for (const Address& address : addresses)
    ranked.emplace_back(rank_of(address), address);
  std::stable_sort(
      ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  for (size_t i = 0; i < ranked.size(); ++i)
    addresses[i] = ranked[i].second;
}

}  // namespace net
