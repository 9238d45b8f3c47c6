#pragma once

// Blocks of IP addresses as values: who is trusted, who counts as one.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace base {

// An IPv6 address in network order; an IPv4 one mapped (RFC 4291 2.5.5.2). All zero stands for the
// nameless peer of a unix socket.
using IpBytes = std::array<uint8_t, 16>;

// Value.
class Network {
 public:
  // "10.0.0.0/8", "2001:db8::/32", "192.0.2.1", or "unix". Nothing where it is none, or where bits
  // beyond the prefix are set, which is most likely a mistake.
  [[nodiscard]] static std::optional<Network> parse(std::string_view text);

  // What parse() reads back.
  [[nodiscard]] std::string text() const;

  [[nodiscard]] bool contains(const IpBytes& address) const;

  bool operator==(const Network&) const = default;

 private:
  IpBytes first_{};
  uint8_t prefix_bits_ = 128;
};

// A literal address, without brackets; nothing where it is none.
[[nodiscard]] std::optional<IpBytes> parse_ip(std::string_view text);

// The first `bits` of `address`, the rest zero.
[[nodiscard]] IpBytes truncate(const IpBytes& address, unsigned bits);

// Whether it is an IPv4 address, mapped.
[[nodiscard]] bool is_ipv4(const IpBytes& address);

}  // namespace base
