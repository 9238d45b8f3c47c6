// The page of one run.

#include "bench/report/run_page.h"

#include <fmt/format.h>

#include "bench/base/units.h"
#include "bench/report/figures.h"
#include "bench/report/run_parts.h"

namespace bench::report {
namespace {

constexpr double mebibyte = 1024.0 * 1024.0;

std::string requests_note(const Json& run) {
  return fmt::format("{} answered in {}",
                     whole_text(run["requests"].number()),
                     duration_text(run["elapsed_us"].number()));
}

void add_latency_tile(page::Tiles& tiles,
                      const Json& run,
                      std::string_view name,
                      std::string label) {
  const Json latency = run["latency_us"][name];
  if (latency["count"].number() == 0) return;
  tiles.tiles.push_back({std::move(label),
                         duration_text(latency["p50"].number()),
                         "p99 " + latency_cells(latency)[2],
                         page::Tone::plain});
}

// What a run of idle streams is made for.
void add_memory_tile(page::Tiles& tiles, const Json& run) {
  const Json watched = run["watched"];
  if (!watched.has("rss_bytes_per_stream")) {
    tiles.tiles.push_back(
        {"Memory per connection", "–", "not measured: no process was watched", page::Tone::plain});
    return;
  }
  tiles.tiles.push_back({"Memory per connection",
                         size_text(watched["rss_bytes_per_stream"].number()),
                         fmt::format("{} open, {} at the peak",
                                     whole_text(run["open_streams_peak"].number()),
                                     size_text(watched["rss_peak_bytes"].number())),
                         page::Tone::plain});
}

page::Tiles tiles_of(const Json& run) {
  page::Tiles tiles;
  if (run["plan"]["scenario"].text() == "idle") add_memory_tile(tiles, run);
  tiles.tiles.push_back({"Requests per second",
                         number_text(run["requests_per_s"].number()),
                         requests_note(run),
                         page::Tone::plain});
  if (run["events"].number() > 0) {
    tiles.tiles.push_back({"Events per second",
                           number_text(run["events_per_s"].number()),
                           whole_text(run["events"].number()) + " in all",
                           page::Tone::plain});
  }
  if (run["bytes_per_s"].number() >= mebibyte) {
    tiles.tiles.push_back({"Bodies",
                           size_text(run["bytes_per_s"].number()) + "/s",
                           fmt::format("{} in, {} out",
                                       size_text(run["bytes_in"].number()),
                                       size_text(run["bytes_out"].number())),
                           page::Tone::plain});
  }
  add_latency_tile(tiles, run, "first_token", "First token, median");
  add_latency_tile(tiles, run, "token_gap", "Token gap, median");
  add_latency_tile(tiles, run, "total", "Total time, median");
  const double failed = run["failed"].number();
  const double ended = failed + run["requests"].number();
  tiles.tiles.push_back({"Failures",
                         whole_text(failed),
                         percent_text(ended > 0 ? 100 * failed / ended : 0) + " of all requests",
                         failed > 0 ? page::Tone::bad : page::Tone::good});
  const Json watched = run["watched"];
  if (watched.has("cpu_us_per_request")) {
    tiles.tiles.push_back({"CPU per request",
                           duration_text(watched["cpu_us_per_request"].number()),
                           number_text(watched["cpu_percent"].number()) + " % CPU in all",
                           page::Tone::plain});
  }
  if (watched.is_object()) {
    tiles.tiles.push_back({"Memory, peak",
                           size_text(watched["rss_peak_bytes"].number()),
                           size_text(watched["rss_bytes"].number()) + " at the end",
                           page::Tone::plain});
  }
  return tiles;
}

page::Section summary_of(const Json& run) {
  page::Section section;
  for (const Json& warning : run["warnings"].list()) {
    section.parts.emplace_back(page::Paragraph{warning.text(), page::Tone::bad});
  }
  section.parts.emplace_back(tiles_of(run));
  return section;
}

page::Section latency_of(const Json& run) {
  page::Lines chart;
  chart.title = "Latency by percentile";
  chart.hint = "the further right, the rarer";
  chart.y_name = "latency";
  chart.quantity = page::Quantity::microseconds;
  chart.x_axis = page::XAxis::percentile;
  page::Table table{"Latency in figures", latency_columns("latency"), {}};
  for (const auto& [name, latency] : run["latency_us"].members()) {
    if (latency["count"].number() == 0) continue;
    const std::string title(latency_title(name));
    page::Line line = latency_line(run, name, title);
    if (!line.points.empty()) chart.lines.push_back(std::move(line));
    table.rows.push_back({title});
    for (std::string& cell : latency_cells(latency)) {
      table.rows.back().push_back(std::move(cell));
    }
  }
  page::Section section{"Latency", {}};
  if (table.rows.empty()) {
    section.parts.emplace_back(page::Paragraph{"No request was measured.", page::Tone::plain});
    return section;
  }
  if (!chart.lines.empty()) section.parts.emplace_back(std::move(chart));
  section.parts.emplace_back(std::move(table));
  return section;
}

page::Section timeline_of(const Json& run) {
  page::Section section{"Over time", {}};
  const bool has_failures = run["failed"].number() > 0;
  const bool has_events = run["events"].number() > 0;
  const bool has_bytes = run["bytes_per_s"].number() >= mebibyte;
  const auto add = [&](Series series) {
    page::Line line = series_line(run, series, "");
    if (line.points.empty()) return;
    section.parts.emplace_back(series_chart(series, {std::move(line)}));
  };
  add(Series::requests);
  if (has_failures) add(Series::failures);
  if (has_events) add(Series::events);
  if (has_bytes) add(Series::mebibytes);
  add(Series::p99);
  return section;
}

page::Section ends_of(const Json& run) {
  page::Section section{"How requests ended", {}};
  page::Table table{"Ends by cause", {{"end", false}, {"requests"}}, {}};
  table.rows.push_back({"answered whole, 2xx", whole_text(run["requests"].number())});
  for (const auto& [name, count] : run["failures"].members()) {
    if (count.number() > 0) table.rows.push_back({name, whole_text(count.number())});
  }
  page::Table statuses{"Responses by status", {{"status", false}, {"responses"}}, {}};
  for (const auto& [status, count] : run["statuses"].members()) {
    statuses.rows.push_back({status, whole_text(count.number())});
  }
  section.parts.emplace_back(std::move(table));
  if (!statuses.rows.empty()) section.parts.emplace_back(std::move(statuses));
  page::Table others{"Irregularities", {{"what", false}, {"times"}}, {}};
  if (run["latency_us"].has("token_gap")) {
    const std::string stall = duration_tick(run["plan"]["stall_us"].number());
    others.rows.push_back(
        {"gaps between tokens over " + stall, whole_text(run["stalls"].number())});
  }
  if (run["plan"]["loop"].text() == "open") {
    others.rows.push_back(
        {"requests due while every connection was busy", whole_text(run["late_starts"].number())});
  }
  if (!others.rows.empty()) section.parts.emplace_back(std::move(others));
  return section;
}

std::vector<std::string> process_cells(const Json& use) {
  return {number_text(use["cpu_percent"].number()) + " %",
          size_text(use["rss_bytes"].number()),
          size_text(use["rss_peak_bytes"].number()),
          whole_text(use["threads"].number()),
          whole_text(use["open_fds"].number())};
}

page::Section processes_of(const Json& run) {
  page::Section section{"Processes", {}};
  page::Table uses{"CPU is of one core; memory is resident",
                   {{"process", false}, {"CPU"}, {"memory"}, {"peak"}, {"threads"}, {"files open"}},
                   {}};
  const auto add = [&](std::string name, const Json& use) {
    std::vector<std::string> row = process_cells(use);
    row.insert(row.begin(), std::move(name));
    uses.rows.push_back(std::move(row));
  };
  const Json watched = run["watched"];
  if (watched.is_object()) add("watched", watched);
  add("load tool", run["tool_process"]);
  section.parts.emplace_back(std::move(uses));
  if (!watched.is_object()) return section;
  page::Table shares{"What the watched process used for it", {{"share", false}, {"figure"}}, {}};
  for (const RunFigure& figure : cost_figures()) {
    if (figure.key == "cpu_percent" || figure.key == "rss_peak_bytes") continue;
    const auto value = figure_of(run, figure);
    if (!value) continue;
    shares.rows.push_back({std::string(figure.title), quantity_text(*value, figure.unit)});
  }
  if (!shares.rows.empty()) section.parts.emplace_back(std::move(shares));
  return section;
}

page::Section settings_section(const Json& run) {
  page::Table table{"As the load tool was told", {{"setting", false}, {"value", false}}, {}};
  for (auto& [name, value] : settings_of(run)) {
    table.rows.push_back({name, value});
  }
  return {"What was run", {std::move(table)}};
}

}  // namespace

page::Page page_of_run(const Json& run) {
  page::Page page;
  page.title = "Load test: " + run["plan"]["scenario"].text("a run");
  page.subtitle = fmt::format("{}, {}, {} measured",
                              run["plan"]["target"].text(),
                              load_text(run),
                              duration_text(run["elapsed_us"].number()));
  page.sections = {summary_of(run),
                   latency_of(run),
                   timeline_of(run),
                   ends_of(run),
                   processes_of(run),
                   settings_section(run)};
  page.footer = run["tool"].text();
  return page;
}

}  // namespace bench::report
