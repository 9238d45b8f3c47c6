#pragma once

// Listening sockets that were open before this process began: a service manager's (systemd's
// protocol: LISTEN_PID, LISTEN_FDS), or those of the process this one replaces, which hands them
// over in the same way.

#include <cstddef>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "net/listener.h"

namespace net {

// The protocol: that many descriptors from the first on, if they are for that process.
inline constexpr int inherited_first = 3;
inline constexpr const char* inherited_pid = "LISTEN_PID";
inline constexpr const char* inherited_count = "LISTEN_FDS";
inline constexpr const char* inherited_names = "LISTEN_FDNAMES";

// Movable value; owns what nobody has taken yet. Before threads start.
class InheritedSockets {
 public:
  // What the environment tells, which no longer does then: it is meant for no child. None where it
  // is for another process. The error is a sentence for the operator.
  [[nodiscard]] static base::Result<InheritedSockets, std::string> from_environment();

  // All that listen at `address` (port 0: at any port), duplicated where they are fewer than
  // `count`; no sockets where there are none. It binds none beside them: connections that hash to a
  // new one would be lost if this process then failed to start.
  [[nodiscard]] base::Result<BoundSockets, std::string> take(const ListenAddress& address,
                                                             size_t count);

  // Where the others listen, each address once.
  [[nodiscard]] std::vector<std::string> left() const;

 private:
  struct Socket {
    base::Fd fd;
    ListenAddress address;
  };
  std::vector<Socket> sockets_;
};

}  // namespace net
