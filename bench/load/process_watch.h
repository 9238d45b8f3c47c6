#pragma once

// What a process and its children use, as /proc and the kernel's CPU clocks show it.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/load/measures.h"

namespace bench::load {

// Resource. One thread. Between begin() and end() call sample() some times a second: peaks of
// memory, and children that come and go, are seen by that. Linux only.
class ProcessWatch {
 public:
  // The error says what to do: no such process, or none of ours.
  [[nodiscard]] static base::Result<ProcessWatch, std::string> open(int pid);

  // The measured part begins, goes on, ends. open() itself is what "before" means in ProcessUse.
  void begin();
  void sample();
  [[nodiscard]] ProcessUse end();

 private:
  struct Seen {
    uint64_t cpu_ns = 0;        // last seen
    uint64_t begin_cpu_ns = 0;  // at begin(), or 0 where it came later
    uint64_t begin_peak_bytes = 0;
    uint64_t peak_bytes = 0;  // of its whole life
    uint64_t rss_bytes = 0;   // last seen
    uint32_t threads = 0;
  };
  explicit ProcessWatch(int pid) : pid_(pid) {}
  void look();

  int pid_;
  std::map<int, Seen> processes_;  // all seen since begin()
  uint64_t rss_before_bytes_ = 0;
  uint64_t rss_bytes_ = 0;       // of all that live
  uint64_t rss_peak_bytes_ = 0;  // the most that was seen of that
};

// CPU time of all threads of `pid`, also of those that have ended; nothing where there is no such
// process. Nanoseconds, or clock ticks where the kernel lends no process's clock.
[[nodiscard]] std::optional<uint64_t> process_cpu_ns(int pid);

// `pid` and all that descend from it and live, itself first.
[[nodiscard]] std::vector<int> process_family(int pid);

// The process that listens on TCP port `port`; of several that share the socket the one the others
// descend from. The error says what to do.
[[nodiscard]] base::Result<int, std::string> listening_process(uint16_t port);

}  // namespace bench::load
