#include "bench/report/run_parts.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "bench/base/units.h"

namespace bench::report {
namespace {

constexpr double mebibyte = 1024.0 * 1024.0;
constexpr size_t points_max = 300;
constexpr double values_min = 10;  // for a curve; fewer are told by the table

double value_of(const Json& sample, Series series) {
  switch (series) {
    case Series::requests:
      return sample["requests"].number();
    case Series::events:
      return sample["events"].number();
    case Series::mebibytes:
      return sample["bytes"].number() / mebibyte;
    case Series::failures:
      return sample["failures"].number();
    case Series::p99:
      return sample["p99_us"].number();
  }
  return 0;
}

}  // namespace

const std::vector<RunFigure>& throughput_figures() {
  static const std::vector<RunFigure> figures = {
      {"", "requests_per_s", "Requests", "req/s", "higher is better"},
      {"", "events_per_s", "Events", "events/s", "higher is better"},
      {"", "bytes_per_s", "Bodies, both directions", "bytes/s", "higher is better"},
  };
  return figures;
}

const std::vector<RunFigure>& cost_figures() {
  static const std::vector<RunFigure> figures = {
      {"watched", "cpu_percent", "CPU", "%", "100 % is one core"},
      {"watched", "cpu_us_per_request", "CPU per request", "us", "lower is better"},
      {"watched", "cpu_us_per_event", "CPU per event", "us", "lower is better"},
      {"watched", "cpu_us_per_mib", "CPU per MiB", "us", "lower is better"},
      {"watched", "rss_peak_bytes", "Memory at its peak", "bytes", "lower is better"},
      {"watched", "rss_bytes_per_stream", "Memory per open stream", "bytes", "lower is better"},
  };
  return figures;
}

std::optional<double> figure_of(const Json& run, const RunFigure& figure) {
  const Json group = figure.group.empty() ? run : run[figure.group];
  return group[figure.key].as_number();
}

page::Line latency_line(const Json& run, std::string_view name, std::string label) {
  page::Line line{std::move(label), {}};
  if (run["latency_us"][name]["count"].number() < values_min) return line;
  for (const Json& point : run["latency_us"][name]["curve"].list()) {
    const Json::List pair = point.list();
    if (pair.size() == 2) line.points.emplace_back(pair[0].number(), pair[1].number());
  }
  // The very least value is no neighbour of the others: its step would rule the whole scale.
  if (line.points.size() > 2 && line.points.front().first == 0) {
    line.points.erase(line.points.begin());
  }
  return line;
}

std::vector<page::Column> latency_columns(std::string first) {
  return {{std::move(first), false}, {"p50"}, {"p90"}, {"p99"}, {"p99.9"}, {"max"}, {"count"}};
}

std::vector<std::string> latency_cells(const Json& latency) {
  const double count = latency["count"].number();
  const auto percentile = [&](std::string_view key, double values_needed) -> std::string {
    return count < values_needed ? "–" : duration_text(latency[key].number());
  };
  return {percentile("p50", 2),
          percentile("p90", 10),
          percentile("p99", 100),
          percentile("p99_9", 1000),
          duration_text(latency["max"].number()),
          whole_text(count)};
}

page::Line series_line(const Json& run, Series series, std::string label) {
  page::Line line{std::move(label), {}};
  const Json::List samples = run["timeline"].list();
  const size_t group = (samples.size() + points_max - 1) / points_max;
  double begin_us = 0;
  for (size_t at = 0; at < samples.size(); at += group) {
    const size_t end = std::min(at + group, samples.size());
    const double end_us = samples[end - 1]["at_us"].number();
    const double seconds = (end_us - begin_us) / 1e6;
    double sum = 0;
    double worst = 0;
    for (size_t i = at; i < end; ++i) {
      const double value = value_of(samples[i], series);
      sum += value;
      worst = std::max(worst, value);
    }
    // What is left of a second at the end is too short for a rate.
    const bool is_rest = end == samples.size() && at > 0 && seconds < 0.25;
    const bool is_figure = series != Series::p99 || worst > 0;
    if (seconds > 0 && !is_rest && is_figure) {
      line.points.emplace_back(end_us / 1e6, series == Series::p99 ? worst : sum / seconds);
    }
    begin_us = end_us;
  }
  return line;
}

page::Lines series_chart(Series series, std::vector<page::Line> lines) {
  page::Lines chart;
  chart.size = page::Size::half;
  switch (series) {
    case Series::requests:
      chart.title = "Requests";
      chart.y_name = "requests per second";
      break;
    case Series::events:
      chart.title = "Events";
      chart.y_name = "events per second";
      break;
    case Series::mebibytes:
      chart.title = "Bodies, both directions";
      chart.y_name = "MiB per second";
      break;
    case Series::failures:
      chart.title = "Failures";
      chart.y_name = "failures per second";
      chart.tone = lines.size() == 1 ? page::Tone::bad : page::Tone::plain;
      break;
    case Series::p99:
      chart.title = "Slowest hundredth";
      chart.hint = "99th percentile of the total time, second by second";
      chart.y_name = "p99";
      chart.quantity = page::Quantity::microseconds;
      break;
  }
  chart.figures.caption = chart.title + ", " + chart.y_name;
  chart.figures.columns.push_back({"second"});
  size_t rows = 0;
  for (const page::Line& line : lines) {
    chart.figures.columns.push_back({line.label.empty() ? chart.y_name : line.label});
    rows = std::max(rows, line.points.size());
  }
  for (size_t i = 0; i < rows; ++i) {
    std::vector<std::string> row(1);
    for (const page::Line& line : lines) {
      const bool is_there = i < line.points.size();
      if (is_there && row[0].empty()) row[0] = number_text(line.points[i].first);
      const double value = is_there ? line.points[i].second : NAN;
      row.push_back(series == Series::p99 ? duration_text(value) : number_text(value));
    }
    chart.figures.rows.push_back(std::move(row));
  }
  chart.lines = std::move(lines);
  return chart;
}

std::string load_text(const Json& run) {
  const Json plan = run["plan"];
  const auto connections = static_cast<uint64_t>(plan["connections"].number());
  const auto* plural = connections == 1 ? "" : "s";
  if (plan["loop"].text() == "open") {
    return fmt::format("open loop at {} req/s over at most {} connection{}",
                       number_text(plan["rate_per_s"].number()),
                       count_text(connections),
                       plural);
  }
  return fmt::format("closed loop of {} connection{}", count_text(connections), plural);
}

std::vector<std::pair<std::string, std::string>> settings_of(const Json& run) {
  const Json plan = run["plan"];
  const auto yes_no = [](const Json& json) {
    return json.as_bool().value_or(false) ? "yes" : "no";
  };
  std::vector<std::pair<std::string, std::string>> settings = {
      {"Target", plan["target"].text()},
      {"Scenario", plan["scenario"].text()},
      {"Load", load_text(run)},
  };
  if (plan["loop"].text() == "open") settings.emplace_back("Arrivals", plan["arrivals"].text());
  settings.emplace_back("Threads of the load tool", whole_text(plan["threads"].number()));
  settings.emplace_back("Measured", duration_text(run["elapsed_us"].number()));
  settings.emplace_back("Warm-up before", duration_tick(plan["warmup_us"].number()));
  if (plan["ramp_us"].number() > 0) {
    settings.emplace_back("Ramp", duration_tick(plan["ramp_us"].number()));
  }
  settings.emplace_back("TLS", yes_no(plan["tls"]));
  if (plan.has("tls_resume")) {
    settings.emplace_back("TLS sessions resumed", yes_no(plan["tls_resume"]));
  }
  settings.emplace_back("Connections opened", whole_text(run["connections_opened"].number()));
  settings.emplace_back("Most requests at once", whole_text(run["open_streams_peak"].number()));
  const auto add_text = [&settings](std::string_view name, const Json& json) {
    if (!json.text().empty()) settings.emplace_back(name, json.text());
  };
  const Json machine = run["machine"];
  add_text("Date", run["date"]);
  add_text("Host", machine["host"]);
  add_text("CPU", machine["cpu"]);
  if (machine.has("cores")) settings.emplace_back("Cores", whole_text(machine["cores"].number()));
  add_text("Kernel", machine["kernel"]);
  add_text("Command line", run["command_line"]);
  settings.emplace_back("Written by", run["tool"].text());
  return settings;
}

}  // namespace bench::report
