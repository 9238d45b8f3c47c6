#pragma once

// Where this process listens for clients: whoever connects there talks to itself.

#include <string>
#include <string_view>
#include <vector>

#include "net/address.h"
#include "net/listener.h"

namespace net {

// Value. Filled before threads start, read by all of them afterwards.
class OwnAddresses {
 public:
  void add(const ListenAddress& address) { listening_.push_back(address); }

  // Whether a connection to `to`, made from the address `from`, ends here. A listener at every
  // address (0.0.0.0, [::]) has those of this machine: loopback, and the one that the connection
  // comes from as well.
  [[nodiscard]] bool contain(const Address& to, const Address& from) const;
  // The same for a connected TCP socket. Costs a system call only where the port is one of ours.
  [[nodiscard]] bool contain_peer_of(int socket, const Address& to) const;
  // The same for a unix socket's path: the same text, or the same file by another name.
  [[nodiscard]] bool contain(std::string_view unix_path) const;

 private:
  std::vector<ListenAddress> listening_;
};

// Whether some interface of this machine has it. A system call or two.
[[nodiscard]] bool is_address_of_machine(const Address& address);

}  // namespace net
