#pragma once

// What the page of one run and the page of several have in common.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/base/json.h"
#include "bench/page/page.h"

namespace bench::report {

// A figure of a run: where it stands, how it is called and written.
struct RunFigure {
  std::string_view group;  // an object of the run, or empty: of the run itself
  std::string_view key;
  std::string_view title;
  std::string_view unit;  // as quantity_text() takes it
  std::string_view hint;  // which way is better, may be empty
};
// Throughput and cost, in the order of the pages. Borrow static text.
[[nodiscard]] const std::vector<RunFigure>& throughput_figures();
[[nodiscard]] const std::vector<RunFigure>& cost_figures();
// Nothing where the run has none.
[[nodiscard]] std::optional<double> figure_of(const Json& run, const RunFigure& figure);

// (percent, microseconds) of a latency; empty where the run has none of that name, or hardly any.
[[nodiscard]] page::Line latency_line(const Json& run, std::string_view name, std::string label);

// p50, p90, p99, p99.9, max and count as cells; "–" where values are too few for a percentile.
[[nodiscard]] std::vector<page::Column> latency_columns(std::string first);
[[nodiscard]] std::vector<std::string> latency_cells(const Json& latency);

// What a run's seconds have in common with a chart.
enum class Series : uint8_t { requests, events, mebibytes, failures, p99 };
// One point per sample, more than 300 samples drawn together: rates are their mean, latencies the
// worst of them. Seconds in which nothing was answered have no p99.
[[nodiscard]] page::Line series_line(const Json& run, Series series, std::string label);
// The chart of one series with a line for each of the runs that has one, and its table.
[[nodiscard]] page::Lines series_chart(Series series, std::vector<page::Line> lines);

// "closed loop of 32 connections", "open loop at 500 req/s".
[[nodiscard]] std::string load_text(const Json& run);
// What was asked for, as (name, text).
[[nodiscard]] std::vector<std::pair<std::string, std::string>> settings_of(const Json& run);

}  // namespace bench::report
