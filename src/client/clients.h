#pragma once

// The clients of a worker: their connections, of whatever protocol, and the exchanges they use.

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "base/intrusive_list.h"
#include "net/address.h"
#include "net/loop.h"
#include "proxy/entrance.h"
#include "proxy/environment.h"

namespace proxy {
class Exchange;
}

namespace client {

// A client's connection. Owns itself: lives in the list of its worker's Clients until it closes,
// then in the graveyard. One thread.
class ClientSession : public net::Buried, public base::ListLink<ClientSession> {
 public:
  ClientSession(const net::Address& client, const proxy::Entrance& entrance)
      : client_(client), entrance_(entrance) {}

  // Whose it is, which need not be who connected; and where it came in.
  [[nodiscard]] const net::Address& client() const { return client_; }
  [[nodiscard]] const proxy::Entrance& entrance() const { return entrance_; }

  // The worker drains: an idle connection gets a short while for a request on its way, a busy one
  // closes after its response.
  virtual void drain() = 0;
  // We end it now.
  virtual void cut() = 0;
  // What it keeps because nobody takes it, its exchanges' share included.
  [[nodiscard]] virtual size_t held_bytes() const = 0;

 private:
  net::Address client_;
  const proxy::Entrance& entrance_;
};

// Gives exchanges back instead of deleting them: a warm worker allocates none.
class ExchangePool {
 public:
  ExchangePool();
  ~ExchangePool();
  ExchangePool(const ExchangePool&) = delete;
  ExchangePool& operator=(const ExchangePool&) = delete;
  ExchangePool(ExchangePool&&) = delete;
  ExchangePool& operator=(ExchangePool&&) = delete;

  struct GiveBack {
    ExchangePool* pool;
    void operator()(proxy::Exchange* exchange) const { pool->give_back(exchange); }
  };
  using Pointer = std::unique_ptr<proxy::Exchange, GiveBack>;

  [[nodiscard]] Pointer take(proxy::Environment& environment);

 private:
  static constexpr size_t kept_max = 32;
  void give_back(proxy::Exchange* exchange);
  std::vector<std::unique_ptr<proxy::Exchange>> kept_;
};

// Resource, one per worker, outlives its connections. One thread.
struct Clients {
  proxy::Environment& environment;
  // A connection has ended and is being buried.
  std::function<void(const ClientSession& session)> on_closed;
  ExchangePool exchanges = {};
  base::IntrusiveList<ClientSession> sessions = {};
};

}  // namespace client
