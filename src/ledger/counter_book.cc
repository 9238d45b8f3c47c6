#include "ledger/counter_book.h"

#include <utility>

namespace ledger {

CounterBook::Entry& CounterBook::entry(std::string_view client, std::string_view limit) {
  key_.assign(client);
  key_.push_back('\0');
  key_.append(limit);
  return entries_[key_];
}

// Of a counter's newest window; a new one begins with nothing.
CounterBook::Entry& CounterBook::entry(std::string_view client,
                                       std::string_view limit,
                                       int64_t window) {
  Entry& its = entry(client, limit);
  if (its.window != window) its = {.window = window, .visit = its.visit};
  return its;
}

void CounterBook::restore(std::span<const Counter> stored) {
  for (const Counter& each : stored) {
    Entry& its = entry(each.client, each.limit, each.window);
    its.own = each.used;
    its.stored = each.used;
  }
}

void CounterBook::compare(std::span<const Counter> stored, const CounterSource& source) {
  std::unordered_map<std::string, Entry> former;
  former.swap(entries_);
  for (const Counter& each : stored) {
    Entry& its = entry(each.client, each.limit, each.window);
    const auto known = former.extract(key_);
    if (known && known.mapped().window > each.window) {
      // A window that this process has begun, and that nobody has written yet.
      its = known.mapped();
      its.own -= its.stored;
      its.stored = 0;
      continue;
    }
    if (known && known.mapped().window == each.window) its = known.mapped();
    const int64_t others = each.used - its.stored;
    its.stored = each.used;
    if (others == 0) continue;
    if (others < 0) {
      its.own += others;  // it is not there any more, and is written again
      continue;
    }
    Counter told = each;
    told.used = others;
    if (source.add && source.add(told)) its.own += others;
  }
  for (auto& [key, its] : former) {
    its.own -= its.stored;
    its.stored = 0;
    entries_.emplace(key, its);
  }
}

std::vector<Counter> CounterBook::unwritten(const CounterSource& source) {
  std::vector<Counter> counters;
  if (!source.visit) return counters;
  ++visit_;
  source.visit([&](std::string_view client, std::string_view limit, int64_t window, int64_t used) {
    // Told twice, a counter would be written twice.
    if (std::exchange(entry(client, limit).visit, visit_) == visit_) return;
    const Entry& its = entry(client, limit, window);
    if (used == its.own) return;
    counters.push_back({.client = std::string(client),
                        .limit = std::string(limit),
                        .window = window,
                        .used = used - its.own});
  });
  return counters;
}

void CounterBook::written(std::span<const Counter> counters) {
  for (const Counter& each : counters) {
    Entry& its = entry(each.client, each.limit, each.window);
    its.own += each.used;
    its.stored += each.used;
  }
}

}  // namespace ledger
