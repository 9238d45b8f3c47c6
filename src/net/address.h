#pragma once

// Socket addresses as values, to and from text.

#include <cstdint>
#include <netinet/in.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>

#include "base/network.h"

namespace net {

// Value. An IPv4 or IPv6 address with a port; or "none", which also stands for a unix socket's
// nameless peer.
class Address {
 public:
  Address() = default;

  // `host` as a literal IPv4 or IPv6 address, without brackets; "fe80::1%eth0" keeps its zone.
  // Nothing where it is a name.
  [[nodiscard]] static std::optional<Address> parse(std::string_view host, uint16_t port);
  // Copies; "none" for families other than IPv4 and IPv6.
  [[nodiscard]] static Address from_system(const sockaddr* system);

  // Also the port and, of IPv6, the zone.
  bool operator==(const Address& other) const;

  [[nodiscard]] bool is_none() const { return family() == AF_UNSPEC; }
  [[nodiscard]] bool is_ipv6() const { return family() == AF_INET6; }
  [[nodiscard]] int family() const { return any_.sa_family; }
  [[nodiscard]] uint16_t port() const;
  void set_port(uint16_t port);

  // The address alone; all zero for none.
  [[nodiscard]] base::IpBytes bytes() const;
  // An IPv4 address that came as a mapped IPv6 one (RFC 4291 2.5.5.2) as what it is.
  [[nodiscard]] Address unmapped() const;
  // 127.0.0.0/8 or ::1.
  [[nodiscard]] bool is_loopback() const;

  // Without the port, as logs and X-Forwarded-For write it: "192.0.2.1", "2001:db8::1"; "unix" for
  // none.
  [[nodiscard]] std::string host_text() const;
  // "192.0.2.1:80", "[2001:db8::1]:80", "unix".
  [[nodiscard]] std::string text() const;

  [[nodiscard]] const sockaddr* system() const { return &any_; }
  [[nodiscard]] socklen_t system_size() const;

 private:
  union {
    sockaddr any_{};
    sockaddr_in v4_;
    sockaddr_in6 v6_;
  };
};

}  // namespace net
