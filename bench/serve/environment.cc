#include "bench/serve/environment.h"

#include <ctime>
#include <fmt/format.h>
#include <utility>

#include "bench/base/chance.h"
#include "bench/serve/connection.h"

namespace bench::serve {

Counts Shared::counts() const {
  Counts sum;
  for (const ServeTally& tally : tallies) {
    sum.connections += tally.connections.count();
    sum.requests += tally.requests.count();
    sum.events += tally.events.count();
    sum.bytes_in += tally.bytes_in.count();
    sum.bytes_out += tally.bytes_out.count();
    for (size_t i = 0; i < fault_kinds; ++i)
      sum.faults[i] += tally.faults[i].count();
  }
  return sum;
}

void WallClock::update(uint64_t now_ms) {
  if (updated_s_ == now_ms / 1000) return;
  updated_s_ = now_ms / 1000;
  constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* months[] = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  seconds_ = static_cast<uint64_t>(now);
  date_ = fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT",
                      days[utc.tm_wday],
                      utc.tm_mday,
                      months[utc.tm_mon],
                      utc.tm_year + 1900,
                      utc.tm_hour,
                      utc.tm_min,
                      utc.tm_sec);
}

Environment::Environment(net::UvLoop& on_loop, Shared& of_all, size_t thread)
    : loop(on_loop),
      shared(of_all),
      tally(of_all.tallies[thread]),
      timers(on_loop),
      ids(chance_of(of_all.options.seed, thread)) {}

Environment::~Environment() = default;

std::unique_ptr<RequestMemory> Environment::take_memory() {
  if (memory_.empty()) return std::make_unique<RequestMemory>();
  std::unique_ptr<RequestMemory> memory = std::move(memory_.back());
  memory_.pop_back();
  return memory;
}

void Environment::give_back(std::unique_ptr<RequestMemory> memory) {
  if (memory_.size() == memory_kept_max) return;
  memory->head.clear();
  memory->arena.reset();
  memory_.push_back(std::move(memory));
}

}  // namespace bench::serve
