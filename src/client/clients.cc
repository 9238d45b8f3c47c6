#include "client/clients.h"

#include "proxy/exchange.h"

namespace client {

ExchangePool::ExchangePool() = default;
ExchangePool::~ExchangePool() = default;

ExchangePool::Pointer ExchangePool::take(proxy::Environment& environment) {
  if (kept_.empty()) return {new proxy::Exchange(environment), GiveBack{this}};
  proxy::Exchange* exchange = kept_.back().release();
  kept_.pop_back();
  return {exchange, GiveBack{this}};
}

void ExchangePool::give_back(proxy::Exchange* exchange) {
  exchange->recycle();
  std::unique_ptr<proxy::Exchange> owned(exchange);
  if (kept_.size() < kept_max) kept_.push_back(std::move(owned));
}

}  // namespace client
