#include "net/address.h"

#include <arpa/inet.h>
#include <array>
#include <cstring>

#include <uv.h>

namespace net {

std::optional<Address> Address::parse(std::string_view host, uint16_t port) {
  // An address with a zone has at most 45 + 1 + 15 characters; libuv wants it terminated.
  std::array<char, 64> text{};
  if (host.empty() || host.size() >= text.size()) return std::nullopt;
  std::memcpy(text.data(), host.data(), host.size());
  if (std::memchr(text.data(), '\0', host.size()) != nullptr) return std::nullopt;
  Address address;
  if (uv_ip4_addr(text.data(), port, &address.v4_) == 0) return address;
  address = Address();
  if (uv_ip6_addr(text.data(), port, &address.v6_) == 0) return address;
  return std::nullopt;
}

Address Address::from_system(const sockaddr* system) {
  Address address;
  if (system->sa_family == AF_INET) std::memcpy(&address.v4_, system, sizeof address.v4_);
  if (system->sa_family == AF_INET6) std::memcpy(&address.v6_, system, sizeof address.v6_);
  return address;
}

bool Address::operator==(const Address& other) const {
  return family() == other.family() && port() == other.port() && bytes() == other.bytes() &&
         (!is_ipv6() || v6_.sin6_scope_id == other.v6_.sin6_scope_id);
}

uint16_t Address::port() const {
  if (family() == AF_INET) return ntohs(v4_.sin_port);
  if (family() == AF_INET6) return ntohs(v6_.sin6_port);
  return 0;
}

void Address::set_port(uint16_t port) {
  if (family() == AF_INET) v4_.sin_port = htons(port);
  if (family() == AF_INET6) v6_.sin6_port = htons(port);
}

base::IpBytes Address::bytes() const {
  base::IpBytes bytes{};
  if (family() == AF_INET) {
    bytes[10] = bytes[11] = 0xff;
    std::memcpy(bytes.data() + 12, &v4_.sin_addr, 4);
  }
  if (family() == AF_INET6) std::memcpy(bytes.data(), &v6_.sin6_addr, bytes.size());
  return bytes;
}

Address Address::unmapped() const {
  if (family() != AF_INET6 || !base::is_ipv4(bytes())) return *this;
  Address address;
  address.v4_.sin_family = AF_INET;
  address.v4_.sin_port = v6_.sin6_port;
  std::memcpy(&address.v4_.sin_addr, v6_.sin6_addr.s6_addr + 12, 4);
  return address;
}

bool Address::is_loopback() const {
  const base::IpBytes address = bytes();
  if (base::is_ipv4(address)) return address[12] == 127;
  base::IpBytes loopback{};
  loopback.back() = 1;
  return address == loopback;
}

std::string Address::host_text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (family() == AF_INET) uv_ip4_name(&v4_, text.data(), text.size());
  if (family() == AF_INET6) uv_ip6_name(&v6_, text.data(), text.size());
  return is_none() ? "unix" : text.data();
}

std::string Address::text() const {
  if (is_none()) return host_text();
  const std::string host = is_ipv6() ? '[' + host_text() + ']' : host_text();
  return host + ':' + std::to_string(port());
}

socklen_t Address::system_size() const {
  if (family() == AF_INET) return sizeof v4_;
  if (family() == AF_INET6) return sizeof v6_;
  return sizeof any_;
}

}  // namespace net
