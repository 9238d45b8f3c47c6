#include "bench/load/target.h"

#include <cstdint>
#include <fmt/format.h>
#include <memory>
#include <netinet/in.h>
#include <utility>

#include "net/error_text.h"
#include "net/name_service.h"

namespace bench::load {

base::Result<std::vector<net::Address>, std::string> addresses_of(const base::Origin& origin) {
  if (const auto literal = net::Address::parse(origin.host, origin.port)) return {{*literal}};
  net::NameService names;
  net::NameAnswer answer = names.ask_and_wait(origin.host);
  std::vector<net::Address>& addresses = answer.addresses;
  for (net::Address& address : addresses)
    address.set_port(origin.port);
  if (addresses.empty()) {
    return fmt::format("\"{}\" has no address ({}): correct the URL",
                       origin.host,
                       net::name_error_text(answer.error));
  }
  return std::move(addresses);
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

}  // namespace bench::load
