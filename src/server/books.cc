#include "server/books.h"

#include <utility>

#include "base/time_zone.h"
#include "policy/clock.h"

namespace server {
namespace {

policy::Now now() {
  return {.us = policy::monotonic_us(), .s = policy::realtime_s()};
}

bool add(const policy::Gateway& gateway, const ledger::Counter& counter) {
  const policy::Client* const client = gateway.client(counter.client);
  return client != nullptr &&
         client->meters().add(counter.limit, {counter.window, counter.used}, now());
}

void visit(const policy::Gateway& gateway, const ledger::CounterVisitor& visitor) {
  gateway.for_each_client([&](const policy::Client& client) {
    client.meters().visit_windows(now(),
                                  [&](std::string_view limit, const policy::Window::State& state) {
                                    if (state.begun_s > 0)
                                      visitor(client.name(), limit, state.begun_s, state.used);
                                  });
  });
}

}  // namespace

base::Result<std::monostate, std::string> Books::open(
    const config::Config& config, std::shared_ptr<const policy::Gateway> gateway) {
  if (config.state.file.empty()) return std::monostate{};
  auto zone = base::TimeZone::load(config.timezone);
  if (!zone) return "timezone: " + zone.error();
  auto opened = ledger::Ledger::open({.file = config.state.file, .zone = *std::move(zone)});
  if (!opened) return "state.file: " + opened.error();
  ledger_ = *std::move(opened);
  if (gateway != nullptr) {
    for (const ledger::Counter& counter : ledger_->restore())
      static_cast<void>(add(*gateway, counter));
  }
  follow(std::move(gateway));
  return std::monostate{};
}

void Books::follow(std::shared_ptr<const policy::Gateway> gateway) {
  if (ledger_ == nullptr) return;
  if (gateway == nullptr) {
    ledger_->watch({});
    return;
  }
  ledger_->watch(
      {.visit = [gateway](const ledger::CounterVisitor& visitor) { visit(*gateway, visitor); },
       .add =
           [gateway](const ledger::Counter& counter) {
             return add(*gateway, counter);
           }});
}

void Books::close() {
  if (ledger_ != nullptr) ledger_->close();
}

}  // namespace server
