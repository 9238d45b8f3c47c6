#pragma once

// One thread of the server: a loop, its listener, its connections.

#include <cstddef>
#include <memory>

#include "bench/serve/environment.h"
#include "net/address.h"
#include "net/fd.h"
#include "net/listener.h"
#include "net/mailbox.h"
#include "net/uv_loop.h"
#include "tls/server_context.h"

namespace bench {

// Resource. Made before its thread runs, destroyed after.
class ServeThread {
 public:
  // Accepts from `socket`, with TLS where `tls` is not null. `shared` outlives it.
  ServeThread(ServeShared& shared,
              size_t index,
              net::Fd socket,
              std::unique_ptr<tls::ServerContext> tls);
  ~ServeThread();
  ServeThread(const ServeThread&) = delete;
  ServeThread& operator=(const ServeThread&) = delete;
  ServeThread(ServeThread&&) = delete;
  ServeThread& operator=(ServeThread&&) = delete;

  // The thread's body: returns after stop().
  void run();
  // Any thread: cuts all connections.
  void stop();

 private:
  void accept(net::Fd connection, const net::Address& peer);
  void end();

  net::UvLoop loop_;
  std::unique_ptr<tls::ServerContext> tls_;
  ServeEnvironment environment_;
  net::Mailbox mailbox_;
  net::Listener listener_;
};

}  // namespace bench
