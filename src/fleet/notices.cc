#include "fleet/notices.h"

#include "base/log.h"

namespace fleet {

void Notices::lost(std::string_view place, std::string_view why, uint64_t now_ms) {
  if (!base::is_due_to_log(lost_again_s_, now_ms)) return;
  is_lost_.store(true, std::memory_order_relaxed);
  base::log_warning(
      "redis at {} {}; until it serves, each proxy counts by itself and clients may use their "
      "limits once at each",
      place,
      why);
}

void Notices::back(std::string_view place) {
  if (!is_lost_.load(std::memory_order_relaxed) ||
      !is_lost_.exchange(false, std::memory_order_relaxed)) {
    return;
  }
  base::log_info("redis at {} is back: clients' limits are shared again", place);
}

void Notices::dropped(std::string_view place, uint64_t now_ms) {
  if (!base::is_due_to_log(dropped_again_s_, now_ms)) return;
  base::log_warning(
      "redis at {} has been away for so many requests that what more of them use is not told to "
      "it later",
      place);
}

}  // namespace fleet
