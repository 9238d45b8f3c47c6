#pragma once

// Who may come in: between accept() and the client's connection. Counts, refuses, learns from the
// PROXY protocol whose connection it is, and puts TLS between where the address speaks it.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "accept/address_table.h"
#include "base/fd.h"
#include "base/intrusive_list.h"
#include "base/memory_limit.h"
#include "client/clients.h"
#include "config/config.h"
#include "net/address.h"
#include "net/farewell.h"
#include "net/listener.h"
#include "net/own_addresses.h"
#include "net/uv_loop.h"
#include "observe/metrics.h"
#include "tls/server_context.h"

namespace accepting {

// What all workers count together, so that a limit is the process's, not a worker's share.
struct SharedCounts {
  uint32_t connections_max = 0;
  std::atomic<uint32_t> open{0};
  AddressTable addresses;
  base::MemoryLimit memory;
  net::OwnAddresses own_addresses;  // filled before threads start
  // When to log again: that it is full and they wait, and each refusal.
  std::atomic<uint64_t> log_held_again_s{0};
  std::array<std::atomic<uint64_t>, observe::refusals> log_refused_again_s{};
};

// A listening address as one worker keeps it: mostly one socket, more where they were inherited.
struct Entrance : proxy::Entrance {
  config::Listen listen;
  std::shared_ptr<tls::ServerContext> tls;  // for who comes from now on; null where it is plain
  std::vector<std::unique_ptr<net::Listener>> listeners;
};

// Resource, one per worker. The loop's thread.
class Reception {
 public:
  // `on_change`: somebody came in or has gone without becoming a client.
  Reception(net::UvLoop& loop,
            client::Clients& clients,
            SharedCounts& shared,
            std::function<void()> on_change);
  ~Reception();
  Reception(const Reception&) = delete;
  Reception& operator=(const Reception&) = delete;
  Reception(Reception&&) = delete;
  Reception& operator=(Reception&&) = delete;

  // Takes over a connection accepted at `entrance`, which outlives it.
  void receive(base::Fd socket, const net::Address& peer, const Entrance& entrance);
  // A client that had come in has closed its connection.
  void leave(const net::Address& client, const proxy::Entrance& entrance);

  // Whether no connection waits here for its first bytes.
  [[nodiscard]] bool empty() const { return announced_.empty() && silent_.empty(); }
  // The worker drains: connections that have sent nothing yet get a short time to do so.
  void drain();
  // Closes the connections whose first bytes have not come.
  void close();

 private:
  class Announced;
  class Silent;

  void on_header(Announced& announced);
  void on_first_byte(Silent& silent);
  // The client is known: counts it.
  void arrive(base::Fd socket, const net::Address& client, const Entrance& entrance);
  void admit(base::Fd socket, const net::Address& client, const Entrance& entrance);
  // `words` are sent before it is closed, `detail` is for the log.
  void refuse(base::Fd socket,
              observe::Refusal why,
              const net::Address& peer,
              std::string_view words,
              std::string_view detail = {});
  [[nodiscard]] const config::Config& config() const;

  net::UvLoop& loop_;
  client::Clients& clients_;
  SharedCounts& shared_;
  std::function<void()> on_change_;
  net::Farewell farewell_;
  base::IntrusiveList<Announced> announced_;
  base::IntrusiveList<Silent> silent_;
};

}  // namespace accepting
