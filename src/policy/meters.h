#pragma once

// What a client, or a key, may use and has used: its limits with their counters, taken together for
// one request and settled when it is known what it came to.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time_zone.h"
#include "config/config.h"
#include "policy/parallel.h"
#include "policy/rate.h"
#include "policy/reservation.h"
#include "policy/window.h"

namespace policy {

// What a request comes to, or may come to, beside being one.
struct Cost {
  int64_t tokens = 0;
  int64_t nano_dollars = 0;
};

// The moment something is asked at.
struct Now {
  int64_t us = 0;  // of the loops' clock
  int64_t s = 0;   // since 1970
};

// How a limit stands behind a request, for heads of answers.
struct Standing {
  int64_t limit = 0;  // 0: there is none
  int64_t remaining = 0;
  int64_t reset_us = 0;
};

// Which limit a request has met.
struct LimitMet {
  std::string_view name;       // as the configuration has it, with its period: "rpm_limit"
  bool is_quota = false;       // it is used up, rather than used too fast
  int64_t retry_after_us = 0;  // from now
  int64_t resets_s = 0;        // since 1970; 0: it does not reset at a time
  // How it stands, where that is not the meters' own to tell.
  Standing requests = {};
  Standing tokens = {};
};

// Resource, shared by all workers and by deployments that follow each other. Any thread.
class Meters {
 public:
  // Beside one for max_budget, of which configuration allows no more.
  static constexpr size_t windows_max = 7;

  enum class Unit : uint8_t { requests, tokens, budget };

  struct Limits {
    struct Window {
      std::string name;  // as clients, logs and the ledger know it
      Unit unit = Unit::requests;
      int64_t amount = 0;
      config::Period per = {};
      bool operator==(const Window&) const = default;
    };
    int64_t rpm = 0;  // 0: none, as all below
    int64_t tpm = 0;
    uint32_t parallel = 0;
    std::vector<Window> windows = {};
    bool operator==(const Limits&) const = default;
  };
  [[nodiscard]] static Limits limits_of(const config::Client& client);
  [[nodiscard]] static Limits limits_of(const config::UpstreamKey& key);

  // What one request holds of them. It gives all of it back when it ends unsettled.
  struct Taken {
    Slots::Lease slot = {};
    Reservation<Rate> requests = {};
    Reservation<Rate> tokens = {};
    std::array<Reservation<Window>, windows_max> windows = {};
    Standing requests_standing = {};
    Standing tokens_standing = {};
  };

  Meters(const Limits& limits, std::shared_ptr<const base::TimeZone> zone);
  Meters(const Meters&) = delete;
  Meters& operator=(const Meters&) = delete;
  Meters(Meters&&) = delete;
  Meters& operator=(Meters&&) = delete;
  ~Meters() = default;

  // Goes on where `former` is, as far as they have limits in common. Before it is used.
  void inherit(const Meters& former, const Now& now);

  // Whether these are its limits, with windows of that zone.
  [[nodiscard]] bool has_limits(const Limits& limits, const base::TimeZone& zone) const {
    return limits == limits_ && zone.name() == zone_->name();
  }
  [[nodiscard]] const Limits& limits() const { return limits_; }
  // Whose days, weeks and months the windows are.
  [[nodiscard]] const base::TimeZone& zone() const { return *zone_; }
  // What such a request comes to in a window of that unit.
  [[nodiscard]] static int64_t part_of(const Cost& cost, Unit unit);
  // Whether tokens or dollars are counted: then a request's cost has to be known.
  [[nodiscard]] bool counts_tokens() const { return counts_tokens_; }
  [[nodiscard]] bool counts_dollars() const { return counts_dollars_; }
  [[nodiscard]] bool limit_anything() const;

  // The tightest limits of requests and of tokens as they stand.
  struct Standings {
    Standing requests = {};
    Standing tokens = {};
  };
  [[nodiscard]] Standings standings(const Now& now) const;

  // Takes a request that may cost `cost`; nothing of any limit where one is met.
  [[nodiscard]] std::optional<LimitMet> take(const Cost& cost, const Now& now, Taken& taken);

  // Takes it whatever is left, without standings: somebody else has let it pass.
  void record(const Cost& cost, const Now& now, Taken& taken);

  // Ends what was taken: it was a request that came to `cost`.
  void settle(Taken& taken, const Cost& cost, const Now& now) const;

  // For /_proxy/me and the like: each limit, what is used of it, when it resets.
  struct Line {
    std::string name;  // "rpm_limit", "tokens/week"
    Unit unit = Unit::requests;
    int64_t limit = 0;
    int64_t used = 0;
    int64_t resets_in_us = 0;  // 0: nothing to reset, or not by time
  };
  [[nodiscard]] std::vector<Line> lines(const Now& now) const;

  // For the ledger: windows by name, with what is used for good.
  template <class Visit>
  void visit_windows(const Now& now, Visit visit) const {
    for (const auto& each : windows_)
      visit(std::string_view(each->limits.name), each->window.state(now.s));
  }
  // False: there is no such window, or another one runs now.
  bool add(std::string_view name, const Window::State& before, const Now& now);

 private:
  struct NamedWindow {
    NamedWindow(const Limits::Window& limit, const base::TimeZone& zone)
        : limits(limit), window(limit.amount, limit.per, zone) {}
    Limits::Window limits;
    Window window;
  };

  void note(const Window::Decision& decision,
            const NamedWindow& window,
            const Now& now,
            Taken& taken) const;

  Limits limits_;
  std::shared_ptr<const base::TimeZone> zone_;
  std::optional<Rate> requests_;
  std::optional<Rate> tokens_;
  std::optional<Slots> slots_;
  std::vector<std::unique_ptr<NamedWindow>> windows_;
  bool counts_tokens_ = false;
  bool counts_dollars_ = false;
};

}  // namespace policy
