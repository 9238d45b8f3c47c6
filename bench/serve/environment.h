#pragma once

// What the connections of one serving thread share, and what all threads do.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/arena.h"
#include "base/intrusive_list.h"
#include "bench/base/fine_timers.h"
#include "bench/serve/faults.h"
#include "bench/serve/serve.h"
#include "http/head.h"
#include "net/uv_loop.h"

namespace bench::serve {

class Connection;

// One thread's counts: written by it alone, read by any; on cache lines of their own.
class alignas(64) ServeTally {
 public:
  class Counter {
   public:
    void add(uint64_t more = 1) {
      count_.store(count_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
    }
    [[nodiscard]] uint64_t count() const { return count_.load(std::memory_order_relaxed); }

   private:
    std::atomic<uint64_t> count_{0};
  };

  Counter connections;
  Counter requests;
  Counter events;
  Counter bytes_in;
  Counter bytes_out;
  std::array<Counter, fault_kinds> faults;
};

// Resource, one per server; outlives its threads, which read it.
struct Shared {
  Shared(Options given, FaultPlan plan)
      : options(std::move(given)), faults(std::move(plan)), tallies(options.threads) {}

  const Options options;
  const FaultPlan faults;
  std::vector<ServeTally> tallies;         // one per thread
  std::atomic<uint64_t> chance_number{0};  // of the next request that chance has a say in

  // Any thread.
  [[nodiscard]] Counts counts() const;
};

// The time of day, as responses tell it; its text is made once a second. One thread.
class WallClock {
 public:
  // As of `now_ms` of the loop's clock.
  void update(uint64_t now_ms);
  [[nodiscard]] uint64_t seconds() const { return seconds_; }
  // As the Date field has it (RFC 9110 5.6.7).
  [[nodiscard]] const std::string& date() const { return date_; }

 private:
  uint64_t updated_s_ = UINT64_MAX;
  uint64_t seconds_ = 0;
  std::string date_;
};

// What a request's head needs until the request has ended.
struct RequestMemory {
  http::Head head;
  base::Arena arena;
};

// Resource, one per thread, on its loop.
class Environment {
 public:
  Environment(net::UvLoop& on_loop, Shared& of_all, size_t thread);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  Environment(Environment&&) = delete;
  Environment& operator=(Environment&&) = delete;

  // Connections own one only while a request comes in.
  [[nodiscard]] std::unique_ptr<RequestMemory> take_memory();
  void give_back(std::unique_ptr<RequestMemory> memory);

  net::UvLoop& loop;
  Shared& shared;
  ServeTally& tally;
  FineTimers timers;
  WallClock wall;
  base::IntrusiveList<Connection> connections;
  uint64_t ids;  // chance that names replies
  // For texts on their way out; they keep their capacity. Valid within one callback.
  std::string head_text;
  std::string body_text;

 private:
  static constexpr size_t memory_kept_max = 64;
  std::vector<std::unique_ptr<RequestMemory>> memory_;
};

}  // namespace bench::serve
