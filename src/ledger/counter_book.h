#pragma once

// What this process has used of each counter beside what the file says: who wrote how much. Several
// processes may write one file, so only what came on top is written, and what others wrote is told
// to the source.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ledger/ledger.h"
#include "ledger/records.h"

namespace ledger {

// Resource; one thread at a time.
class CounterBook {
 public:
  // `stored` is in the file, and the source has it, too (Ledger::restore()).
  void restore(std::span<const Counter> stored);
  // `stored` is in the file now. What the source does not know of is told to it; what was in the
  // file and is not any more counts as not written.
  void compare(std::span<const Counter> stored, const CounterSource& source);

  // What the source has used beyond what is written, as what comes on top; none where it is
  // nothing.
  [[nodiscard]] std::vector<Counter> unwritten(const CounterSource& source);
  // The file has these now; given by unwritten().
  void written(std::span<const Counter> counters);

 private:
  struct Entry {
    int64_t window = 0;
    int64_t own = 0;     // of what the source tells, as much is written
    int64_t stored = 0;  // what the file says
    uint64_t visit = 0;  // in which it was told of last
  };

  Entry& entry(std::string_view client, std::string_view limit);
  Entry& entry(std::string_view client, std::string_view limit, int64_t window);

  std::unordered_map<std::string, Entry> entries_;  // by client and limit
  std::string key_;                                 // of the one looked up
  uint64_t visit_ = 0;                              // counts them
};

}  // namespace ledger
