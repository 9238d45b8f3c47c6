#pragma once

// One thread of the server: a loop, its listener, its connections.

#include <cstddef>
#include <memory>

#include "base/fd.h"
#include "bench/serve/environment.h"
#include "net/address.h"
#include "net/listener.h"
#include "net/mailbox.h"
#include "net/uv_loop.h"
#include "tls/server_context.h"

namespace bench::serve {

// Resource. Made before its thread runs, destroyed after.
class Thread {
 public:
  // Accepts from `socket`, with TLS where `tls` is not null. `shared` outlives it.
  Thread(Shared& shared, size_t index, base::Fd socket, std::unique_ptr<tls::ServerContext> tls);
  ~Thread();
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;
  Thread(Thread&&) = delete;
  Thread& operator=(Thread&&) = delete;

  // The thread's body: returns after stop().
  void run();
  // Any thread: cuts all connections.
  void stop();

 private:
  void accept(base::Fd connection, const net::Address& peer);
  void end();

  net::UvLoop loop_;
  std::unique_ptr<tls::ServerContext> tls_;
  Environment environment_;
  net::Mailbox mailbox_;
  net::Listener listener_;
};

}  // namespace bench::serve
