#pragma once

// What an operator hears of a Redis that does not serve: once a minute, not once a request.

#include <atomic>
#include <cstdint>
#include <string_view>

namespace fleet {

// Resource, one per process, outlives its workers. Any thread.
class Notices {
 public:
  // It does not serve; `why` goes behind its place in the sentence: "does not answer".
  void lost(std::string_view place, std::string_view why, uint64_t now_ms);
  // It has served again; said where its loss was.
  void back(std::string_view place);
  // What requests came to cannot be kept until it is back, there are too many.
  void dropped(std::string_view place, uint64_t now_ms);

 private:
  std::atomic<uint64_t> lost_again_s_{0};
  std::atomic<uint64_t> dropped_again_s_{0};
  std::atomic<bool> is_lost_{false};
};

}  // namespace fleet
