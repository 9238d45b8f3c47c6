// The page of several runs beside each other.

#include <algorithm>
#include <fmt/format.h>

#include "bench/base/units.h"
#include "bench/report/figures.h"
#include "bench/report/run_page.h"
#include "bench/report/run_parts.h"

namespace bench::report {
namespace {

using Runs = std::vector<NamedRun>;

// A row per setting, a cell per run.
page::Table settings_table(const Runs& runs) {
  page::Table table{"As the load tool was told", {{"setting", false}}, {}};
  for (size_t i = 0; i < runs.size(); ++i) {
    table.columns.push_back({runs[i].name, false});
    for (const auto& setting : settings_of(runs[i].json)) {
      auto row = std::find_if(table.rows.begin(), table.rows.end(), [&](const auto& cells) {
        return cells.front() == setting.first;
      });
      if (row == table.rows.end()) {
        table.rows.emplace_back(runs.size() + 1, "–").front() = setting.first;
        row = table.rows.end() - 1;
      }
      (*row)[i + 1] = setting.second;
    }
  }
  return table;
}

// Figures of runs that were asked for different things are no contest.
std::string difference_of(const page::Table& settings) {
  std::string differences;
  for (const auto& row : settings.rows) {
    const bool matters = row[0] == "Scenario" || row[0] == "Load" || row[0] == "TLS";
    if (!matters || std::equal(row.begin() + 2, row.end(), row.begin() + 1)) continue;
    differences += (differences.empty() ? "" : ", ") + row[0];
  }
  if (differences.empty()) return {};
  return "These runs were asked for different things (" + differences +
         "): their figures do not compare.";
}

page::Section summary_of(const Runs& runs, const page::Table& settings) {
  page::Section section;
  if (std::string difference = difference_of(settings); !difference.empty()) {
    section.parts.emplace_back(page::Paragraph{std::move(difference), page::Tone::bad});
  }
  for (const NamedRun& run : runs) {
    for (const Json& warning : run.json["warnings"].list()) {
      section.parts.emplace_back(
          page::Paragraph{run.name + ": " + warning.text(), page::Tone::bad});
    }
  }
  page::Table table{
      "The runs", {{"run", false}, {"requests"}, {"req/s"}, {"median"}, {"p99"}, {"failed"}}, {}};
  for (const auto& [name, run] : runs) {
    const auto cells = latency_cells(run["latency_us"]["total"]);
    table.rows.push_back({name,
                          whole_text(run["requests"].number()),
                          number_text(run["requests_per_s"].number()),
                          cells[0],
                          cells[2],
                          whole_text(run["failed"].number())});
  }
  section.parts.emplace_back(std::move(table));
  return section;
}

// A chart with a bar per run; fewer than two say nothing, nor do zeros alone.
void add_bars(page::Section& section, const Runs& runs, const RunFigure& figure) {
  page::Bars chart;
  chart.title = figure.title;
  chart.hint = figure.hint;
  chart.size = page::Size::half;
  bool is_any = false;
  for (size_t i = 0; i < runs.size(); ++i) {
    const auto value = figure_of(runs[i].json, figure);
    if (!value) continue;
    page::Bar bar;
    bar.label = runs[i].name;
    bar.value = bar.low = bar.high = *value;
    bar.text = quantity_text(*value, figure.unit);
    bar.series = static_cast<int>(i);
    is_any = is_any || *value > 0;
    chart.bars.push_back(std::move(bar));
  }
  if (is_any && chart.bars.size() > 1) section.parts.emplace_back(std::move(chart));
}

page::Section figures_section(std::string heading,
                              const Runs& runs,
                              const std::vector<RunFigure>& figures) {
  page::Section section{std::move(heading), {}};
  for (const RunFigure& figure : figures) {
    add_bars(section, runs, figure);
  }
  return section;
}

page::Section latency_of(const Runs& runs) {
  page::Section section{"Latency", {}};
  for (const Latency& latency : latencies_of(load::Measures{})) {
    page::Lines chart;
    chart.title = capitalised(latency.title);
    chart.y_name = "latency";
    chart.quantity = page::Quantity::microseconds;
    chart.x_axis = page::XAxis::percentile;
    if (latency.name == "total") {
      chart.hint = "by percentile: the further right, the rarer";
    } else {
      chart.size = page::Size::half;
    }
    chart.figures = {chart.title, latency_columns("run"), {}};
    bool has_line = false;
    for (const auto& [name, run] : runs) {
      // A run without it keeps its place, and with it the colour.
      chart.lines.push_back(latency_line(run, latency.name, name));
      has_line = has_line || !chart.lines.back().points.empty();
      if (run["latency_us"][latency.name]["count"].number() == 0) continue;
      std::vector<std::string> row = latency_cells(run["latency_us"][latency.name]);
      row.insert(row.begin(), name);
      chart.figures.rows.push_back(std::move(row));
    }
    if (has_line) section.parts.emplace_back(std::move(chart));
  }
  // The whole is what the eye looks for first.
  if (!section.parts.empty()) {
    std::rotate(section.parts.begin(), section.parts.end() - 1, section.parts.end());
  }
  return section;
}

page::Section timeline_of(const Runs& runs) {
  page::Section section{"Over time", {}};
  for (const Series series : {Series::requests, Series::events, Series::failures, Series::p99}) {
    std::vector<page::Line> lines;
    bool is_any = false;
    for (const auto& [name, run] : runs) {
      page::Line line = series_line(run, series, name);
      const bool is_zero = std::all_of(
          line.points.begin(), line.points.end(), [](const auto& its) { return its.second == 0; });
      is_any = is_any || !is_zero;
      // That a run without streams has no events goes without saying.
      if (is_zero && series == Series::events) line.points.clear();
      lines.push_back(std::move(line));
    }
    if (is_any) section.parts.emplace_back(series_chart(series, std::move(lines)));
  }
  return section;
}

}  // namespace

page::Page page_of_runs(const Runs& runs) {
  page::Table settings = settings_table(runs);
  page::Page page;
  page.title = fmt::format("{} load tests compared", runs.size());
  for (const NamedRun& run : runs) {
    page.subtitle += (page.subtitle.empty() ? "" : ", ") + run.name;
  }
  // Idle streams are opened to see what they cost.
  const bool is_idle = std::all_of(runs.begin(), runs.end(), [](const NamedRun& run) {
    return run.json["plan"]["scenario"].text() == "idle";
  });
  if (is_idle) page.sections.push_back(figures_section("What it cost", runs, cost_figures()));
  page.sections.push_back(summary_of(runs, settings));
  page.sections.push_back(figures_section("Throughput", runs, throughput_figures()));
  page.sections.push_back(latency_of(runs));
  page.sections.push_back(timeline_of(runs));
  if (!is_idle) page.sections.push_back(figures_section("What it cost", runs, cost_figures()));
  page.sections.push_back({"What was run", {std::move(settings)}});
  std::erase_if(page.sections, [](const page::Section& section) { return section.parts.empty(); });
  page.footer = runs.front().json["tool"].text();
  return page;
}

}  // namespace bench::report
