#pragma once

// Counters for a ledger to keep: one window of one limit for each client.

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "ledger/ledger.h"

namespace test {

// As policy has them, but all windows began at one moment. Any thread. Goes before its ledger does.
class Windows {
 public:
  static constexpr int64_t begun_s = 1'764'000'000;

  explicit Windows(ledger::Ledger& ledger) : ledger_(ledger) {
    for (const ledger::Counter& each : ledger.restore())
      used_[each.client] = each.used;
    ledger.watch({.visit = [this](const ledger::CounterVisitor& visit) { tell(visit); },
                  .add =
                      [this](const ledger::Counter& each) {
                        return add(each);
                      }});
  }

  ~Windows() {
    ledger_.flush();
    ledger_.watch({});
  }
  Windows(const Windows&) = delete;
  Windows& operator=(const Windows&) = delete;
  Windows(Windows&&) = delete;
  Windows& operator=(Windows&&) = delete;

  void use(const std::string& client, int64_t amount) {
    const std::lock_guard lock(mutex_);
    used_[client] += amount;
  }
  [[nodiscard]] int64_t used(const std::string& client) {
    const std::lock_guard lock(mutex_);
    return used_[client];
  }

 private:
  void tell(const ledger::CounterVisitor& visit) {
    const std::lock_guard lock(mutex_);
    for (const auto& [client, used] : used_)
      visit(client, "tokens/day", begun_s, used);
  }
  bool add(const ledger::Counter& counter) {
    if (counter.window != begun_s) return false;
    use(counter.client, counter.used);
    return true;
  }

  ledger::Ledger& ledger_;
  std::mutex mutex_;
  std::map<std::string, int64_t> used_;
};

}  // namespace test
