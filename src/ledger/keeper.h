#pragma once

// The ledger's own thread, and what it has not yet written.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "ledger/counter_book.h"
#include "ledger/ledger.h"
#include "ledger/record_queue.h"
#include "ledger/store.h"
#include "ledger/usage_sums.h"

namespace ledger {

// Resource. Threads as each function says.
class Keeper {
 public:
  // `store` may be none, where the disk is full.
  Keeper(Ledger::Options options, Store store);
  ~Keeper();
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;
  Keeper(Keeper&&) = delete;
  Keeper& operator=(Keeper&&) = delete;

  // Reads what lasts, and starts the thread. Called once.
  void start();
  [[nodiscard]] const std::vector<Counter>& restored() const { return restored_; }

  // As Ledger has them; any thread.
  void watch(CounterSource source);
  void record(const UsageRecord& record);
  void flush();
  void close();
  [[nodiscard]] Ledger::Figures figures() const;

 private:
  // The ledger's thread.
  void run();
  void write_all();
  [[nodiscard]] bool write();
  [[nodiscard]] bool write_due();
  [[nodiscard]] std::vector<Counter> unwritten_counters();
  [[nodiscard]] bool compare_counters();
  [[nodiscard]] bool open_again();
  void on_failed(Failure failure, std::string_view text);
  void on_written();
  [[nodiscard]] bool forget_old();

  // Whoever holds sums_mutex_.
  void drain();

  Ledger::Options options_;

  // From the loops. Nobody waits for this lock: it is only tried for on their side.
  RecordQueue queue_;
  std::mutex sums_mutex_;
  UsageSums collected_;  // guarded by sums_mutex_
  std::atomic<uint64_t> recorded_{0};
  std::atomic<uint64_t> dropped_{0};
  std::atomic<uint64_t> written_{0};
  std::atomic<bool> is_writing_{true};
  std::atomic<bool> is_closed_{false};

  // The thread's own.
  Store store_;
  UsageSums due_;  // to be written
  CounterBook book_;
  std::vector<Counter> restored_;
  bool is_book_stale_ = false;  // what the file says is yet to be compared
  int64_t others_version_ = 0;
  std::atomic<uint64_t> log_again_s_{0};
  uint64_t checkpoint_due_ms_ = 0;
  uint64_t forget_due_ms_ = 0;

  std::mutex source_mutex_;
  CounterSource source_;  // guarded by source_mutex_

  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t asked_ = 0;   // guarded by mutex_: flushes
  uint64_t done_ = 0;    // likewise
  bool ending_ = false;  // likewise
  std::thread thread_;
};

}  // namespace ledger
