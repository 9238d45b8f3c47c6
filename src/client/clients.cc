#include "client/clients.h"

#include "proxy/exchange.h"

namespace proxy {

ExchangePool::ExchangePool() = default;
ExchangePool::~ExchangePool() = default;

ExchangePool::Pointer ExchangePool::take(Environment& environment) {
  if (kept_.empty()) return {new Exchange(environment), GiveBack{this}};
  Exchange* exchange = kept_.back().release();
  kept_.pop_back();
  return {exchange, GiveBack{this}};
}

void ExchangePool::give_back(Exchange* exchange) {
  exchange->recycle();
  std::unique_ptr<Exchange> owned(exchange);
  if (kept_.size() < kept_max) kept_.push_back(std::move(owned));
}

}  // namespace proxy
