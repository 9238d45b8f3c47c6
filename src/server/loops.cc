#include "server/loops.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace server {
namespace {

bool is_own(const std::string& host, uint16_t port, const net::OwnAddresses& own) {
  const auto address = net::Address::parse(host, port);
  if (!address) return false;
  const net::Address from = net::is_address_of_machine(*address) ? *address : net::Address();
  return own.contain(*address, from);
}

bool leads_back(const base::Origin& origin, const net::OwnAddresses& own) {
  if (!origin.unix_path.empty()) return own.contain(origin.unix_path);
  const bool is_localhost = origin.host == "localhost" || origin.host.ends_with(".localhost");
  if (!is_localhost) return is_own(origin.host, origin.port, own);
  return is_own("127.0.0.1", origin.port, own) || is_own("::1", origin.port, own);
}

}  // namespace

net::OwnAddresses addresses_of(const std::vector<config::Listen>& listen) {
  net::OwnAddresses own;
  for (const config::Listen& each : listen)
    own.add({.host = each.host, .port = each.port, .unix_path = each.unix_path});
  return own;
}

std::vector<std::string> find_loops(const config::Config& config, const net::OwnAddresses& own) {
  std::vector<std::string> loops;
  for (const auto& [name, upstream] : config.upstreams) {
    if (!leads_back(upstream.url.origin, own)) continue;
    loops.push_back(
        fmt::format("upstreams.{}.url: {} is this proxy itself (`listen`), and requests would go "
                    "round in a circle; name the server that is meant",
                    name,
                    upstream.url.origin.text()));
  }
  return loops;
}

}  // namespace server
