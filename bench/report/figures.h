#pragma once

// What the text and the JSON report both work out of a Plan and an Outcome.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/load/measures.h"
#include "bench/load/plan.h"

namespace bench::report {

// One kind of latency. `name` is its key in JSON, `title` its name in tables, both static.
struct Latency {
  std::string_view name;
  std::string_view title;
  const Histogram* histogram;  // of the Measures asked, or null where only the names are known
};
inline constexpr size_t latency_count = 6;
// All of them, in the order in which a request meets them. Borrows from `measures`.
[[nodiscard]] std::array<Latency, latency_count> latencies_of(const load::Measures& measures);
// The title that belongs to a name of latencies_of(); the name itself where it is none.
[[nodiscard]] std::string_view latency_title(std::string_view name);

// Points (percent, nanoseconds) from 0 to 100 %, ever closer towards 100 as far as the number of
// values tells them apart. Empty for an empty histogram.
[[nodiscard]] std::vector<std::pair<double, uint64_t>> percentile_curve(const Histogram& histogram);

// `amount` a second over the measured part; 0 when nothing was measured.
[[nodiscard]] double per_second(const load::Outcome& outcome, double amount);
// CPU time over elapsed time; 100 is one core.
[[nodiscard]] double cpu_percent(const load::Outcome& outcome, const load::ProcessUse& use);

// What the watched process used, spread over what it did. A figure is absent where nothing of the
// kind was done.
struct Shares {
  std::optional<double> cpu_us_per_request;
  std::optional<double> cpu_us_per_event;
  std::optional<double> cpu_us_per_mib;
  std::optional<double> rss_bytes_per_stream;  // growth to the peak, over most streams at once
};
[[nodiscard]] Shares shares_of(const load::Plan& plan,
                               const load::Outcome& outcome,
                               const load::ProcessUse& use);

// Whether the run opened idle streams, of which one wants to know above all what one of them costs.
[[nodiscard]] bool is_idle(const load::Plan& plan);
// Of the watched process, in bytes; nothing where none was watched or no stream was open.
[[nodiscard]] std::optional<double> memory_per_connection(const load::Plan& plan,
                                                          const load::Outcome& outcome);

// Scheme, host, port and path; never a query, which may hold a key.
[[nodiscard]] std::string target_text(const load::Plan& plan);
// "stream", or "stream 75 %, chat 25 %".
[[nodiscard]] std::string works_text(const load::Plan& plan);

// What makes the figures doubtful, in sentences that say what to do.
[[nodiscard]] std::vector<std::string> warnings_of(const load::Plan& plan,
                                                   const load::Outcome& outcome);

}  // namespace bench::report
