// The report for a terminal: a table of latencies, then what was done and what it cost.

#include <fmt/format.h>

#include "bench/base/units.h"
#include "bench/report/figures.h"
#include "bench/report/report.h"

namespace bench::report {
namespace {

constexpr double mebibyte = 1024.0 * 1024.0;
constexpr size_t width_max = 100;
constexpr size_t label_width = 18;

double microseconds(uint64_t ns) {
  return static_cast<double>(ns) / 1e3;
}

// "3 threads", "1 thread".
std::string counted(uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count_text(count), noun, count == 1 ? "" : "s");
}

// Lines of "label   first, second, third", broken between the items where a line would be too long.
class Lines {
 public:
  void add(std::string_view label, const std::vector<std::string>& items) {
    std::string line = fmt::format("{:{}}", label, label_width);
    size_t used = label_width;
    for (size_t i = 0; i < items.size(); ++i) {
      const std::string item = items[i] + (i + 1 < items.size() ? "," : "");
      const size_t width = fmt::formatted_size("{}", item);
      if (used > label_width && used + 1 + width > width_max) {
        text_ += line + "\n";
        line.assign(label_width, ' ');
        used = label_width;
      }
      line += (used > label_width ? " " : "") + item;
      used += width + 1;
    }
    text_ += line + "\n";
  }
  void blank() { text_ += "\n"; }
  void put(std::string_view line) { text_.append(line) += "\n"; }

  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::vector<std::string> load_items(const load::Plan& plan) {
  std::vector<std::string> items;
  if (plan.rate > 0) {
    const auto arrivals = plan.arrivals == load::Arrivals::poisson ? "Poisson" : "evenly spaced";
    items.push_back(fmt::format("open loop at {} req/s ({})", number_text(plan.rate), arrivals));
    items.push_back("at most " + counted(plan.connections, "connection"));
  } else {
    items.push_back("closed loop of " + counted(plan.connections, "connection"));
  }
  items.push_back(counted(plan.threads, "thread"));
  if (plan.ramp_ns > 0) {
    items.push_back(duration_tick(microseconds(plan.ramp_ns)) + " of ramp");
  }
  return items;
}

// What a run of idle streams is made for.
void add_memory(Lines& lines, const load::Plan& plan, const load::Outcome& outcome) {
  const auto bytes = memory_per_connection(plan, outcome);
  if (!bytes) {
    lines.add("memory",
              {outcome.watched ? "no stream was open, so there is nothing to spread"
                               : "not measured: name the process by --watch-port or --pid"});
    return;
  }
  lines.add("memory",
            {size_text(*bytes) + " per connection",
             fmt::format("{} open", count_text(outcome.open_streams_peak)),
             fmt::format("from {} to {} at the peak",
                         size_text(static_cast<double>(outcome.watched->rss_before_bytes)),
                         size_text(static_cast<double>(outcome.watched->rss_peak_bytes)))});
}

void add_run(Lines& lines, const load::Plan& plan, const load::Outcome& outcome) {
  lines.add("target", {target_text(plan)});
  lines.add("scenario", {works_text(plan)});
  lines.add("load", load_items(plan));
  std::vector<std::string> measured = {duration_text(microseconds(outcome.elapsed_ns))};
  if (plan.warmup_ns > 0) {
    measured.push_back("after " + duration_tick(microseconds(plan.warmup_ns)) + " of warm-up");
  }
  lines.add("measured", measured);
  const load::Machine& machine = outcome.machine;
  if (machine.date.empty()) return;
  lines.add("on", {machine.host, machine.cpu, counted(machine.cores, "core"), machine.kernel});
  lines.add("at", {machine.date});
}

// A percentile of fewer values than it takes to tell it from the maximum says nothing.
std::string percentile_cell(const Histogram& histogram, double percent) {
  const double needed = 100 / (100 - percent) - 1e-6;
  if (static_cast<double>(histogram.count()) < needed) return "–";
  return duration_text(microseconds(histogram.percentile(percent)));
}

void add_latencies(Lines& lines, const load::Measures& measures) {
  constexpr auto row = "{:{}}{:>10}{:>11}{:>11}{:>11}{:>11}{:>14}";
  lines.put(fmt::format(row, "latency", label_width, "p50", "p90", "p99", "p99.9", "max", "count"));
  for (const Latency& latency : latencies_of(measures)) {
    const Histogram& histogram = *latency.histogram;
    if (histogram.count() == 0) continue;
    lines.put(fmt::format(row,
                          latency.title,
                          label_width,
                          percentile_cell(histogram, 50),
                          percentile_cell(histogram, 90),
                          percentile_cell(histogram, 99),
                          percentile_cell(histogram, 99.9),
                          duration_text(microseconds(histogram.max())),
                          count_text(histogram.count())));
  }
}

void add_counts(Lines& lines, const load::Plan& plan, const load::Outcome& outcome) {
  const load::Measures& measures = outcome.measures;
  const auto rate = [&](uint64_t count) {
    return number_text(per_second(outcome, static_cast<double>(count)));
  };
  std::vector<std::string> throughput = {rate(measures.requests) + " req/s"};
  if (measures.events > 0) throughput.push_back(rate(measures.events) + " events/s");
  const auto bytes = static_cast<double>(measures.bytes_in + measures.bytes_out);
  throughput.push_back(number_text(per_second(outcome, bytes / mebibyte)) + " MiB/s");
  lines.add("throughput", throughput);

  lines.add(
      "requests",
      {count_text(measures.requests) + " answered", count_text(measures.failed()) + " failed"});
  std::vector<std::string> errors;
  for (size_t i = 0; i < load::failure_count; ++i) {
    if (measures.failures[i] == 0) continue;
    const auto name = load::failure_name(static_cast<load::Failure>(i));
    errors.push_back(fmt::format("{} {}", name, count_text(measures.failures[i])));
  }
  if (!errors.empty()) lines.add("errors", errors);
  std::vector<std::string> statuses;
  for (size_t status = 0; status < measures.statuses.size(); ++status) {
    const uint64_t count = measures.statuses[status];
    if (count > 0) statuses.push_back(fmt::format("{} × {}", count_text(count), status));
  }
  if (!statuses.empty()) lines.add("statuses", statuses);

  if (measures.token_gap.count() > 0) {
    lines.add(
        "stalls",
        {counted(measures.stalls, "gap") + " over " + duration_tick(microseconds(plan.stall_ns))});
  }
  if (plan.rate > 0) {
    const uint64_t ended = measures.requests + measures.failed();
    lines.add("late starts",
              {counted(measures.late_starts, "request") + " (" +
               share_text(measures.late_starts, ended) + ") found every connection busy"});
  }
  std::vector<std::string> connections = {count_text(measures.connections) + " opened"};
  if (measures.tls_resumed > 0) {
    connections.push_back(count_text(measures.tls_resumed) + " resumed a TLS session");
  }
  connections.push_back("at most " + counted(outcome.open_streams_peak, "request") + " at once");
  lines.add("connections", connections);
}

std::vector<std::string> use_items(const load::Outcome& outcome, const load::ProcessUse& use) {
  return {number_text(cpu_percent(outcome, use)) + " % CPU",
          size_text(static_cast<double>(use.rss_bytes)) + " RSS",
          size_text(static_cast<double>(use.rss_peak_bytes)) + " at its peak",
          counted(use.threads, "thread"),
          counted(use.open_fds, "fd")};
}

void add_processes(Lines& lines, const load::Plan& plan, const load::Outcome& outcome) {
  if (outcome.watched) {
    lines.add("watched process", use_items(outcome, *outcome.watched));
    const Shares shares = shares_of(plan, outcome, *outcome.watched);
    std::vector<std::string> cpu;
    const auto add_share = [&cpu](const std::optional<double>& share, std::string_view per) {
      if (share) cpu.push_back(fmt::format("{} per {}", duration_text(*share), per));
    };
    add_share(shares.cpu_us_per_request, "request");
    add_share(shares.cpu_us_per_event, "event");
    add_share(shares.cpu_us_per_mib, "MiB");
    if (!cpu.empty()) lines.add("  its CPU", cpu);
    if (shares.rss_bytes_per_stream && !is_idle(plan)) {
      lines.add("  its memory",
                {size_text(*shares.rss_bytes_per_stream) + " more at its peak per open stream"});
    }
  }
  lines.add("load tool", use_items(outcome, outcome.self));
}

// Breaks a warning between words, every line but the first indented.
void add_warning(Lines& lines, std::string_view warning) {
  std::string line = "WARNING:";
  size_t used = line.size();
  while (!warning.empty()) {
    const std::string_view word = warning.substr(0, warning.find(' '));
    warning.remove_prefix(std::min(word.size() + 1, warning.size()));
    if (used + 1 + word.size() > width_max) {
      lines.put(line);
      line.assign(8, ' ');
      used = line.size();
    }
    line.append(" ").append(word);
    used += 1 + word.size();
  }
  lines.put(line);
}

}  // namespace

std::string text_report(const load::Plan& plan, const load::Outcome& outcome) {
  Lines lines;
  if (is_idle(plan)) {
    add_memory(lines, plan, outcome);
    lines.blank();
  }
  add_run(lines, plan, outcome);
  lines.blank();
  add_latencies(lines, outcome.measures);
  lines.blank();
  add_counts(lines, plan, outcome);
  lines.blank();
  add_processes(lines, plan, outcome);
  const std::vector<std::string> warnings = warnings_of(plan, outcome);
  if (!warnings.empty()) lines.blank();
  for (const std::string& warning : warnings) {
    add_warning(lines, warning);
  }
  return lines.take();
}

}  // namespace bench::report
