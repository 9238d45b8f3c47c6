#pragma once

// What the machine's own files say of names: hosts(5) and resolv.conf(5).

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "net/address.h"

namespace net {

// Where they are. `port` is the name servers', for tests.
struct NameFiles {
  std::string hosts = "/etc/hosts";
  std::string resolv_conf = "/etc/resolv.conf";
  uint16_t port = 53;
};

// The addresses `hosts`, the text of such a file, gives `name`, which is in lower case; in its
// order.
[[nodiscard]] std::vector<Address> find_host(std::string_view hosts, std::string_view name);

// Value. What resolv.conf(5) says, as far as it is used here.
struct ResolvConf {
  std::vector<Address> servers;  // with their port
  std::vector<std::string> search;
  size_t ndots = 1;
  bool operator==(const ResolvConf&) const = default;
};

// Of such a file's text; this machine is the name server where it names none. Never an error: what
// is not understood is passed over, as the system does.
[[nodiscard]] ResolvConf parse_resolv_conf(std::string_view text, uint16_t port);

// The full names to ask for `host`, in this order (resolv.conf(5), search and ndots).
[[nodiscard]] std::vector<std::string> names_to_ask(const ResolvConf& conf, std::string_view host);

}  // namespace net
