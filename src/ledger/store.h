#pragma once

// The ledger's file: its schema, how it comes to be, what happens to a damaged one, and what is
// written to it and read from it.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "base/result.h"
#include "ledger/database.h"
#include "ledger/records.h"

namespace ledger {

// Of all that this version reads and writes.
constexpr int64_t schema_version = 1;

// Brings a schema from the version that is its place in the list to the next one.
using Migration = const char*;

// Value: why there is no store.
struct StoreError {
  bool is_for_now = false;  // it may be there when it is tried again: a full disk, a busy file
  Failure failure = Failure::none;
  std::string text;  // a sentence
};

// Movable resource: the open file. One thread at a time. Functions that give false leave the
// transaction that was begun to be rolled back, and error() says why.
class Store {
 public:
  Store() = default;
  // Opens or makes it. A damaged file is put aside, which is logged. `migrations` is another list
  // in tests.
  [[nodiscard]] static base::Result<Store, StoreError> open(const std::string& file);
  [[nodiscard]] static base::Result<Store, StoreError> open(const std::string& file,
                                                            std::span<const Migration> migrations);
  // For reading alone; the file is as it should be, or the error says what is wrong.
  [[nodiscard]] static base::Result<Store, StoreError> open_to_read(const std::string& file);

  explicit operator bool() const { return static_cast<bool>(database_); }
  // Whether its file is still the one at its place.
  [[nodiscard]] bool is_in_place() const;
  [[nodiscard]] Database& database() { return database_; }

  // A number that is another one once somebody else has written.
  [[nodiscard]] int64_t others_version();
  // The newest window of each counter.
  [[nodiscard]] bool read_counters(std::vector<Counter>& counters);

  [[nodiscard]] bool begin() { return database_.run("BEGIN IMMEDIATE"); }
  [[nodiscard]] bool commit() { return database_.run("COMMIT"); }
  void roll_back() { database_.roll_back(); }
  // `used` comes on top of what is there.
  [[nodiscard]] bool add_counters(std::span<const Counter> counters);
  // Likewise.
  struct Usage {
    std::string_view day;  // "2026-11-28"
    int64_t hour = 0;
    std::string_view client = {};
    std::string_view model = {};
    std::string_view upstream = {};
    std::string_view key = {};
    Amounts amounts = {};
  };
  [[nodiscard]] bool add_usage(std::span<const Usage> usage);
  // Windows that newer ones follow or that began before `window_min`, usage before `day_min`.
  [[nodiscard]] bool forget(int64_t window_min, std::string_view day_min);
  // Moves what is in the log to the file itself and syncs: what was written survives a power cut.
  void checkpoint();

  [[nodiscard]] DatabaseError error() const { return database_.error(); }

 private:
  [[nodiscard]] bool check_and_migrate(std::span<const Migration> migrations, StoreError& error);

  std::string file_;
  Database database_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// Renames a damaged file, with its log, to "<file>.corrupt-<time>", and logs it. False where that
// fails.
[[nodiscard]] bool put_aside(const std::string& file, std::string_view why);

}  // namespace ledger
