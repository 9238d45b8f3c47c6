#include "net/own_addresses.h"

#include <algorithm>
#include <optional>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/fd.h"

namespace net {
namespace {

bool is_unspecified(const Address& address) {
  const base::IpBytes any{};
  const base::IpBytes bytes = address.bytes();
  return base::is_ipv4(bytes) ? std::equal(bytes.begin() + 12, bytes.end(), any.begin())
                              : bytes == any;
}

}  // namespace

bool OwnAddresses::contain(const Address& to, const Address& from) const {
  const base::IpBytes wanted = to.unmapped().bytes();
  const bool is_machine =
      to.is_loopback() || is_unspecified(to) || wanted == from.unmapped().bytes();
  return std::any_of(listening_.begin(), listening_.end(), [&](const ListenAddress& listening) {
    const auto address = Address::parse(listening.host, listening.port);
    if (!address || listening.port != to.port()) return false;
    const base::IpBytes bytes = address->unmapped().bytes();
    if (bytes == wanted) return true;
    if (!is_machine) return false;
    // Connecting to an unspecified address is connecting to loopback.
    const bool is_same_family = base::is_ipv4(bytes) == base::is_ipv4(wanted);
    return is_same_family &&
           (is_unspecified(*address) || (is_unspecified(to) && address->is_loopback()));
  });
}

bool OwnAddresses::contain_peer_of(int socket, const Address& to) const {
  const bool may_be = std::any_of(listening_.begin(), listening_.end(), [&](const auto& each) {
    return each.port == to.port();
  });
  if (!may_be) return false;
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&from), &size) != 0) return false;
  return contain(to, Address::from_system(reinterpret_cast<const sockaddr*>(&from)));
}

bool OwnAddresses::contain(std::string_view unix_path) const {
  const std::string path(unix_path);
  struct stat wanted {};
  const bool exists = ::stat(path.c_str(), &wanted) == 0;
  return std::any_of(listening_.begin(), listening_.end(), [&](const ListenAddress& listening) {
    if (listening.unix_path.empty()) return false;
    struct stat own {};
    if (listening.unix_path == path) return true;
    return exists && ::stat(listening.unix_path.c_str(), &own) == 0 &&
           own.st_dev == wanted.st_dev && own.st_ino == wanted.st_ino;
  });
}

bool is_address_of_machine(const Address& address) {
  if (address.is_loopback() || is_unspecified(address)) return true;
  // None but a local address can be bound to.
  Address any_port = address;
  any_port.set_port(0);
  const base::Fd socket(::socket(address.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return socket && ::bind(socket.get(), any_port.system(), any_port.system_size()) == 0;
}

}  // namespace net
