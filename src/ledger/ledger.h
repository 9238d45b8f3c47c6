#pragma once

// What outlives the process: counters of limits and the usage of finished requests, in one SQLite
// file. A thread of its own writes once a second and at the end; loops hand over what they have and
// never wait. Killed, it loses at most the last second. Usage is kept for 400 days.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time_zone.h"
#include "ledger/records.h"

namespace ledger {

// Tells of one counter: whose, which limit, when its window began, how much was used in it in all,
// as far as this process knows. Copies what it is told.
using CounterVisitor = std::function<void(
    std::string_view client, std::string_view limit, int64_t window, int64_t used)>;

// Where the counters are: policy's windows, as whoever owns them shows them. Both are called on the
// ledger's thread.
struct CounterSource {
  // Calls the visitor for each whose window runs now. Of two by the same names, the first counts.
  std::function<void(const CounterVisitor&)> visit;
  // `counter.used` was used in that window by somebody else: another process on the same file
  // (while one hands over to the next), or before this start where the file could not be read then.
  // Whether it is part of what visit() tells from now on: false where that window does not run
  // here.
  std::function<bool(const Counter& counter)> add;
};

class Keeper;

// Resource, one per process and file.
class Ledger {
 public:
  struct Options {
    std::string file;
    base::TimeZone zone = {};  // whose days and hours usage is kept in
    std::chrono::milliseconds interval{1000};
  };
  struct Figures {
    uint64_t recorded = 0;   // handed over
    uint64_t dropped = 0;    // of them, for want of room
    uint64_t written = 0;    // of them, in the file
    bool is_writing = true;  // false: the last attempt failed, it goes on in memory
  };

  // Opens or makes `file` (mode 0600), brings an older schema up to date, puts a corrupt file aside
  // (".corrupt-<time>") and begins anew, and starts the thread. A full disk is no error: it goes on
  // in memory. The error is a sentence: made by a newer version, another program's, not allowed.
  // Blocks: before loops run, or on a thread of its own.
  [[nodiscard]] static base::Result<std::unique_ptr<Ledger>, std::string> open(Options options);
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;
  Ledger(Ledger&&) = delete;
  Ledger& operator=(Ledger&&) = delete;

  // What the file had of counters when it was opened, for each the newest window. The caller puts
  // them into its windows before it calls watch(), and only those: what it restores must be in what
  // its source tells.
  [[nodiscard]] std::vector<Counter> restore() const;

  // Whose counters are kept from now on, in place of the former (a reload); {} for nobody's. Any
  // thread. When it returns, the former is no longer called; the last one must outlive close().
  void watch(CounterSource source);

  // A request has ended. Any thread, no lock, no heap. Dropped, and counted, where so many come at
  // once that the thread cannot take them.
  void record(const UsageRecord& record);

  // Writes what there is. Blocks until it is tried. Any thread.
  void flush();
  // Writes what there is and ends the thread; records that come later are dropped. Idempotent.
  void close();

  [[nodiscard]] Figures figures() const;

 private:
  explicit Ledger(std::unique_ptr<Keeper> keeper);

  std::unique_ptr<Keeper> keeper_;
};

}  // namespace ledger
