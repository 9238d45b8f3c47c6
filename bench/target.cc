#include "bench/target.h"

#include <cstdint>
#include <fmt/format.h>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>

namespace bench {

base::Result<std::vector<net::Address>, std::string> addresses_of(const base::Origin& origin) {
  struct Free {
    void operator()(addrinfo* list) const { freeaddrinfo(list); }
  };
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(origin.host.c_str(), nullptr, &hints, &list);
  const std::unique_ptr<addrinfo, Free> found(error == 0 ? list : nullptr);
  std::vector<net::Address> addresses;
  for (const addrinfo* one = found.get(); one != nullptr; one = one->ai_next) {
    net::Address address = net::Address::from_system(one->ai_addr);
    address.set_port(origin.port);
    addresses.push_back(address);
  }
  if (addresses.empty()) {
    return fmt::format("\"{}\" has no address ({}): correct the URL",
                       origin.host,
                       error == 0 ? "none given" : gai_strerror(error));
  }
  return addresses;
}

bool is_loopback(const net::Address& address) {
  constexpr uint32_t loopback_net = 127;
  if (address.family() == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address.system());
    return ntohl(v4->sin_addr.s_addr) >> 24 == loopback_net;
  }
  if (address.family() != AF_INET6) return false;
  const in6_addr& v6 = reinterpret_cast<const sockaddr_in6*>(address.system())->sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == loopback_net);
}

tls::TrustStore::Loaded load_trust(const Plan& plan) {
  const bool is_tls = plan.target.origin.scheme == base::Scheme::https;
  if (!is_tls || !plan.tls_verify) return std::shared_ptr<const tls::TrustStore>();
  if (plan.ca_file.empty()) return tls::TrustStore::system();
  return tls::TrustStore::from_file(plan.ca_file);
}

}  // namespace bench
