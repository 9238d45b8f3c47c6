#include "bench/report/figures.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "bench/base/units.h"
#include "bench/load/scenario.h"

namespace bench::report {
namespace {

// From here on the tool has no time to spare: its own queues are in what it measured.
constexpr double busy_share = 0.9;
// An open loop that started fewer than this share of what was due did not offer the load asked for.
constexpr double offered_share = 0.95;
// A few requests of a burst may find every connection busy: their wait is measured.
constexpr double late_share = 0.01;
constexpr double mebibyte = 1024.0 * 1024.0;

bool has(const load::Plan& plan, load::Scenario scenario) {
  for (const load::Work& work : plan.works) {
    if (work.scenario == scenario) return true;
  }
  return false;
}

std::string tool_warning(const load::Plan& plan, const load::Outcome& outcome) {
  const double used = cpu_percent(outcome, outcome.self);
  if (used < busy_share * 100 * plan.threads) return {};
  return fmt::format(
      "The load tool itself was the limit: it used {:.0f} % CPU with {} thread{}. Give it more "
      "threads or cores of its own, or ask for less load; the target may be faster than this.",
      used,
      plan.threads,
      plan.threads == 1 ? "" : "s");
}

std::string failure_warning(const load::Outcome& outcome) {
  const load::Measures& measures = outcome.measures;
  const uint64_t failed = measures.failed();
  const uint64_t all = failed + measures.requests;
  // Idle streams are not meant to end; their events show that they live.
  if (all == 0 && measures.events > 0) return {};
  if (all == 0) return "No request ended in the measured time: let the run take longer.";
  if (failed == 0) return {};
  return fmt::format("{} of {} requests failed ({}): look at the errors before the figures.",
                     count_text(failed),
                     count_text(all),
                     share_text(failed, all));
}

std::string open_loop_warning(const load::Plan& plan, const load::Outcome& outcome) {
  if (plan.rate <= 0) return {};
  const load::Measures& measures = outcome.measures;
  const uint64_t ended = measures.requests + measures.failed();
  const double offered = per_second(outcome, static_cast<double>(ended));
  if (static_cast<double>(measures.late_starts) > late_share * static_cast<double>(ended)) {
    return fmt::format(
        "{} requests were due while all {} connections were busy; their wait is in the latencies. "
        "Give the run more connections, or the target is slower than the rate asked for.",
        count_text(measures.late_starts),
        count_text(plan.connections));
  }
  if (plan.ramp_ns == 0 && offered < offered_share * plan.rate) {
    return fmt::format("{} requests a second were asked for, {} ended: the target fell behind.",
                       number_text(plan.rate),
                       number_text(offered));
  }
  return {};
}

}  // namespace

std::array<Latency, latency_count> latencies_of(const load::Measures& measures) {
  return {{{"connect", "connect", &measures.connect},
           {"tls_handshake", "TLS handshake", &measures.tls_handshake},
           {"first_byte", "first byte", &measures.first_byte},
           {"first_token", "first token", &measures.first_token},
           {"token_gap", "token gap", &measures.token_gap},
           {"total", "total", &measures.total}}};
}

std::string_view latency_title(std::string_view name) {
  for (const Latency& latency : latencies_of(load::Measures{})) {
    if (latency.name == name) return latency.title;
  }
  return name;
}

std::vector<std::pair<double, uint64_t>> percentile_curve(const Histogram& histogram) {
  constexpr int points_per_halving = 8;
  std::vector<std::pair<double, uint64_t>> curve;
  if (histogram.count() == 0) return curve;
  for (int step = 0;; ++step) {
    const double left = std::exp2(-static_cast<double>(step) / points_per_halving);
    if (left * static_cast<double>(histogram.count()) < 1) break;
    const double percent = 100 * (1 - left);
    curve.emplace_back(percent, histogram.percentile(percent));
  }
  curve.emplace_back(100, histogram.max());
  return curve;
}

double per_second(const load::Outcome& outcome, double amount) {
  return outcome.elapsed_ns == 0 ? 0 : amount * 1e9 / static_cast<double>(outcome.elapsed_ns);
}

double cpu_percent(const load::Outcome& outcome, const load::ProcessUse& use) {
  return per_second(outcome, static_cast<double>(use.cpu_ns) / 1e9) * 100;
}

Shares shares_of(const load::Plan& plan,
                 const load::Outcome& outcome,
                 const load::ProcessUse& use) {
  const load::Measures& measures = outcome.measures;
  const double cpu_us = static_cast<double>(use.cpu_ns) / 1e3;
  const double mib = static_cast<double>(measures.bytes_in + measures.bytes_out) / mebibyte;
  Shares shares;
  const uint64_t ended = measures.requests + measures.failed();
  if (ended > 0) shares.cpu_us_per_request = cpu_us / static_cast<double>(ended);
  if (measures.events > 0) {
    shares.cpu_us_per_event = cpu_us / static_cast<double>(measures.events);
  }
  if (mib >= 1) shares.cpu_us_per_mib = cpu_us / mib;
  const bool has_streams = has(plan, load::Scenario::stream) || has(plan, load::Scenario::idle);
  if (has_streams && outcome.open_streams_peak > 0) {
    const uint64_t grown = use.rss_peak_bytes - std::min(use.rss_before_bytes, use.rss_peak_bytes);
    shares.rss_bytes_per_stream =
        static_cast<double>(grown) / static_cast<double>(outcome.open_streams_peak);
  }
  return shares;
}

bool is_idle(const load::Plan& plan) {
  return has(plan, load::Scenario::idle);
}

std::optional<double> memory_per_connection(const load::Plan& plan, const load::Outcome& outcome) {
  if (!outcome.watched) return std::nullopt;
  return shares_of(plan, outcome, *outcome.watched).rss_bytes_per_stream;
}

std::string target_text(const load::Plan& plan) {
  const std::string& path = plan.path.empty() ? plan.target.target : plan.path;
  return plan.target.origin.text() + path.substr(0, path.find('?'));
}

std::string works_text(const load::Plan& plan) {
  uint64_t weights = 0;
  for (const load::Work& work : plan.works) {
    weights += work.weight;
  }
  std::string text;
  for (const load::Work& work : plan.works) {
    if (!text.empty()) text += ", ";
    text += load::scenario_name(work.scenario);
    if (plan.works.size() > 1) {
      const double percent = 100.0 * work.weight / static_cast<double>(weights);
      text += " " + number_tick(percent) + " %";
    }
  }
  return text;
}

std::vector<std::string> warnings_of(const load::Plan& plan, const load::Outcome& outcome) {
  std::vector<std::string> warnings;
  if (outcome.interrupted) {
    warnings.emplace_back("The run was interrupted: what was measured until then stands.");
  }
  for (std::string warning :
       {failure_warning(outcome), tool_warning(plan, outcome), open_loop_warning(plan, outcome)}) {
    if (!warning.empty()) warnings.push_back(std::move(warning));
  }
  return warnings;
}

}  // namespace bench::report
