#pragma once

// So much in a day, a week, a month, or in five hours from the first use: requests, tokens or
// nano-dollars. Exact for all threads together. No clock in here.

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>

#include "base/time_zone.h"
#include "config/period.h"

namespace policy {

// Resource, one per limit, shared by all workers; any thread. No locks but where one window ends
// and the next begins. Times are seconds since 1970.
class Window {
 public:
  // What reserve() took, for settle().
  struct Ticket {
    int64_t cost = 0;
    uint64_t number = 0;  // of the window it was taken from
  };
  struct Decision {
    bool is_granted = false;
    int64_t remaining = 0;  // after this request; never below 0
    int64_t resets_s = 0;   // when the window ends; 0: it begins with the next use
    Ticket ticket = {};     // of a granted one
  };
  // A window as it outlives the process; without what is only reserved.
  struct State {
    int64_t begun_s = 0;  // 0: none has begun
    int64_t used = 0;
  };

  // `limit` is at least 1. The zone must outlive this.
  Window(int64_t limit, config::Period period, const base::TimeZone& zone);
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;
  Window(Window&&) = delete;
  Window& operator=(Window&&) = delete;
  ~Window() = default;

  // Reserves `cost`, or the whole limit where it is more, so that a big request passes when nothing
  // is used. A refused one takes nothing. A cost of 0 is refused only where all is
  // used.
  [[nodiscard]] Decision reserve(int64_t cost, int64_t now_s);
  // Reserves it whatever is left: somebody else has let it pass.
  [[nodiscard]] Ticket record(int64_t cost, int64_t now_s);
  // What reserve() would answer; reserves nothing and begins no window.
  [[nodiscard]] Decision look(int64_t cost, int64_t now_s) const;

  // Ends what was reserved, once: `actual` is what it came to, more or less. Where its window is
  // over, what it came to beyond what was reserved counts in the one that runs now.
  void settle(const Ticket& ticket, int64_t actual, int64_t now_s);

  [[nodiscard]] int64_t limit() const { return limit_; }
  [[nodiscard]] const config::Period& period() const { return period_; }
  // Used and reserved in the window of now.
  [[nodiscard]] int64_t used(int64_t now_s) const;

  // The window of now, without what is only reserved, for the ledger; {0, 0} where none runs.
  [[nodiscard]] State state(int64_t now_s) const;
  // What was used before this process began, or by another beside it. Counted, and true, where its
  // window is the one that runs now, or none runs and it still would. Any thread, any time.
  bool add(const State& before, int64_t now_s);

 private:
  struct Span {
    std::atomic<int64_t> begun_s{0};
    std::atomic<int64_t> ends_s{0};
    std::atomic<int64_t> taken{0};  // used and reserved
    std::atomic<int64_t> used{0};
  };
  // Whoever settles late still finds its span here.
  static constexpr uint64_t spans = 4;

  [[nodiscard]] Span& span(uint64_t number) { return spans_[number % spans]; }
  [[nodiscard]] const Span& span(uint64_t number) const { return spans_[number % spans]; }
  [[nodiscard]] static bool is_over(const Span& span, int64_t now_s);
  [[nodiscard]] Decision decide(int64_t taken, int64_t cost, int64_t resets_s) const;
  uint64_t number_of_now(int64_t now_s);
  uint64_t begin(int64_t begun_s, int64_t ends_s, int64_t used);

  int64_t limit_;
  config::Period period_;
  const base::TimeZone& zone_;
  std::array<Span, spans> spans_;
  std::atomic<uint64_t> current_{0};
  std::mutex turning_;  // who begins a span
};

}  // namespace policy
