#pragma once

// Listening sockets: bound before threads start, then accepted from on a worker's loop.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "net/address.h"
#include "net/deadline.h"
#include "net/handle.h"
#include "net/reachability.h"
#include "net/uv_loop.h"

namespace net {

// Value. TCP (`host` is a literal address, without brackets) or a unix socket.
struct ListenAddress {
  std::string host;
  uint16_t port = 0;      // 0: the system chooses
  std::string unix_path;  // not empty: a unix socket, host and port unused

  // "0.0.0.0:8080", "[::]:8080", "unix:/path".
  [[nodiscard]] std::string text() const;
};

// One listening socket per worker. TCP: that many of their own, joined by SO_REUSEPORT. Unix: one,
// duplicated.
struct BoundSockets {
  ListenAddress address;  // with the port the system chose
  std::vector<base::Fd> sockets;
};

// Binds and listens, synchronously. IPv6 sockets are V6ONLY. A unix socket gets mode 0660: who may
// connect is then a matter of the group that owns its folder; a file left over at its path is
// removed only if it is a socket that nobody answers on. The error is a sentence for the operator.
[[nodiscard]] base::Result<BoundSockets, std::string> bind_listener(const ListenAddress& address,
                                                                    size_t count);

// Removes a unix socket's file when our last listener on it is gone, unless somebody else answers
// there: a service manager that made it, the process that took it over. Nothing for TCP.
void remove_socket_file(const ListenAddress& address);

// Resource, on one worker's loop. Its callback may hold, resume or close it, not destroy it.
class Listener {
 public:
  // `peer` is "none" at a unix socket.
  using OnAccept = std::function<void(base::Fd connection, const Address& peer)>;
  // accept() failed for want of descriptors or memory; it is tried again.
  using OnShortage = std::function<void()>;

  // Accepts from `socket` (as bind_listener() made it) from now on.
  Listener(
      UvLoop& loop, base::Fd socket, OnAccept on_accept, OnShortage on_shortage = [] {});
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  Listener(Listener&&) = delete;
  Listener& operator=(Listener&&) = delete;

  // Who is accepted from now on is probed while silent: see set_probes(). The sockets inherit it,
  // so that it costs nothing per connection.
  void probe(UnreachableMs unreachable_ms);

  // At the connection limit: takes none until resume(). Who connects meanwhile waits in the
  // kernel's backlog. Idempotent.
  void hold();
  void resume();

  // Takes everybody who is connected already, held or not, then closes: closing alone would reset
  // them (the kernel has completed their handshakes).
  void drain();

  // Takes nobody from now on. Idempotent.
  void close();

 private:
  void update_polling();
  void on_readable();
  // Whether there may be another one to take.
  bool accept_one();
  void on_accept_error(int error);

  UvLoop& loop_;
  base::Fd socket_;
  OnAccept on_accept_;
  OnShortage on_shortage_;
  Handle<uv_poll_t> poll_;
  Deadline retry_;
  uint64_t logged_ms_ = 0;
  bool held_ = false;
};

}  // namespace net
