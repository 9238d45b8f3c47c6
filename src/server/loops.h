#pragma once

// Upstreams that are this proxy itself, as far as the configuration shows it.

#include <string>
#include <vector>

#include "config/config.h"
#include "net/own_addresses.h"

namespace server {

// Where `listen` listens.
[[nodiscard]] net::OwnAddresses addresses_of(const std::vector<config::Listen>& listen);

// A sentence for each upstream of `config` whose address is one of `own`. Names are not looked up,
// but for localhost: what they lead to is seen when connecting.
[[nodiscard]] std::vector<std::string> find_loops(const config::Config& config,
                                                  const net::OwnAddresses& own);

}  // namespace server
