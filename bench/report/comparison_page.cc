#include "bench/report/comparison_page.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <optional>

#include "bench/base/units.h"

namespace bench::report {
namespace {

using Kind = page::Bar::Kind;

struct Contestant {
  std::string name;
  std::string version;
  std::string note;
  Kind kind = Kind::rival;
};

struct Value {
  size_t contestant = 0;  // its index
  double median = 0;
  double min = 0;
  double max = 0;
  std::string remark;  // may be empty
};

struct Row {
  std::string group;
  std::string name;
  std::string unit;
  std::string note;
  bool lower_is_better = true;
  std::vector<Value> values;  // the best first

  [[nodiscard]] bool is_better(double one, double other) const {
    return lower_is_better ? one < other : one > other;
  }
  [[nodiscard]] const Value* of(size_t contestant) const {
    for (const Value& value : values) {
      if (value.contestant == contestant) return &value;
    }
    return nullptr;
  }
};

// How ours stands among the rivals of one row, the worst of what holds. `level`: a rival is less
// than a hundredth away. `overlaps`: one is ahead, but the ranges of its rounds and of ours have a
// part in common.
enum class Standing : uint8_t { unknown, ahead, level, overlaps, behind };
constexpr size_t standings = 5;
struct Verdict {
  Standing standing = Standing::unknown;
  std::string text;
};

struct Comparison {
  std::vector<Contestant> contestants;
  std::vector<Row> rows;
  std::optional<size_t> ours;  // index of a contestant

  [[nodiscard]] const std::string& our_name() const { return contestants[*ours].name; }
};

using Problem = std::optional<std::string>;

Problem read_contestants(const Json& json, Comparison& comparison) {
  if (json["contestants"].list().empty()) return "`contestants` is missing or empty";
  bool has_role = false;
  for (const Json& its : json["contestants"].list()) {
    Contestant contestant{its["name"].text(), its["version"].text(), its["note"].text()};
    if (contestant.name.empty()) return "a contestant without a `name`";
    const std::string role = its["role"].text("rival");
    has_role = has_role || its.has("role");
    if (role == "ours") {
      contestant.kind = Kind::ours;
    } else if (role == "baseline") {
      contestant.kind = Kind::baseline;
    } else if (role != "rival") {
      return fmt::format("the `role` of {} is none of ours, rival, baseline", contestant.name);
    }
    comparison.contestants.push_back(std::move(contestant));
  }
  for (size_t i = 0; i < comparison.contestants.size(); ++i) {
    Contestant& contestant = comparison.contestants[i];
    if (!has_role && contestant.name == "openai-proxy") contestant.kind = Kind::ours;
    if (contestant.kind != Kind::ours) continue;
    if (comparison.ours) return "two contestants have the `role` ours";
    comparison.ours = i;
  }
  return std::nullopt;
}

Problem read_value(const Json& json, const Comparison& comparison, Row& row) {
  const std::string name = json["contestant"].text();
  const auto& all = comparison.contestants;
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Contestant& its) { return its.name == name; });
  if (found == all.end()) return fmt::format("`{}` is none of the contestants", name);
  const auto median = json["median"].as_number();
  if (!median) return fmt::format("the `median` of {} is no number", name);
  const auto index = static_cast<size_t>(found - all.begin());
  if (row.of(index) != nullptr) return fmt::format("{} stands twice", name);
  Value value{index,
              *median,
              json["min"].number(*median),
              json["max"].number(*median),
              json["note"].text()};
  if (const double failed = json["failed"].number(); failed > 0) {
    value.remark += (value.remark.empty() ? "" : ", ") + whole_text(failed) + " requests failed";
  }
  if (value.min > value.median || value.max < value.median) {
    return fmt::format("the `median` of {} is not between `min` and `max`", name);
  }
  row.values.push_back(value);
  return std::nullopt;
}

Problem read_rows(const Json& json, Comparison& comparison) {
  if (json["rows"].list().empty()) return "`rows` is missing or empty";
  for (const Json& its : json["rows"].list()) {
    Row row;
    row.group = its["group"].text("Figures");
    row.name = its["name"].text(its["key"].text());
    row.unit = its["unit"].text();
    row.note = its["note"].text();
    if (row.name.empty()) return "a row without a `name`";
    const std::string better = its["better"].text();
    if (better != "lower" && better != "higher") {
      return fmt::format("row {}: `better` is neither lower nor higher", row.name);
    }
    row.lower_is_better = better == "lower";
    for (const Json& value : its["values"].list()) {
      if (const Problem problem = read_value(value, comparison, row)) {
        return fmt::format("row {}: {}", row.name, *problem);
      }
    }
    std::stable_sort(
        row.values.begin(), row.values.end(), [&](const Value& one, const Value& other) {
          return row.is_better(one.median, other.median);
        });
    comparison.rows.push_back(std::move(row));
  }
  return std::nullopt;
}

// Less of a difference is none.
bool is_level(double one, double other) {
  constexpr double share = 0.01;
  return std::fabs(one - other) <= share * std::min(std::fabs(one), std::fabs(other));
}

// "12 % more", of a rival that is ahead.
std::string distance_text(const Row& row, const Value& ours, const Value& rival) {
  if (rival.median <= 0 || ours.median <= 0) {
    return quantity_text(rival.median, row.unit) + " there";
  }
  const double ratio = ours.median / rival.median;
  if (ratio >= 2) return fmt::format("{:.2g} times as much", ratio);
  return fmt::format("{:.0f} % {}", 100 * std::fabs(ratio - 1), ratio > 1 ? "more" : "less");
}

// Not fmt::join(), over which GCC 12 warns at -O3 for no reason.
std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

Standing standing_to(const Row& row, const Value& ours, const Value& rival) {
  if (is_level(rival.median, ours.median)) return Standing::level;
  if (!row.is_better(rival.median, ours.median)) return Standing::ahead;
  const bool overlaps = rival.min <= ours.max && ours.min <= rival.max;
  return overlaps ? Standing::overlaps : Standing::behind;
}

Verdict verdict_of(const Comparison& comparison, const Row& row) {
  const Value* ours = comparison.ours ? row.of(*comparison.ours) : nullptr;
  if (ours == nullptr) return {};
  Standing worst = Standing::unknown;
  size_t rivals = 0;
  std::vector<std::string> better;
  std::vector<std::string> level;
  for (const Value& value : row.values) {
    const Contestant& rival = comparison.contestants[value.contestant];
    if (rival.kind != Kind::rival) continue;
    ++rivals;
    const Standing standing = standing_to(row, *ours, value);
    worst = std::max(worst, standing);
    if (standing == Standing::level) level.push_back(rival.name);
    if (standing < Standing::overlaps) continue;
    const auto* doubt = standing == Standing::overlaps ? ", ranges overlap" : "";
    const std::string distance = distance_text(row, *ours, value);
    better.push_back(fmt::format("{} ({}{})", rival.name, distance, doubt));
  }
  if (!better.empty()) return {worst, "behind " + joined(better)};
  if (!level.empty()) return {worst, "level with " + joined(level)};
  if (rivals > 1) return {worst, fmt::format("ahead of all {}", rivals)};
  return {worst, rivals == 1 ? "ahead" : ""};
}

page::Tone tone_of(Standing standing) {
  if (standing == Standing::ahead) return page::Tone::good;
  return standing == Standing::behind ? page::Tone::bad : page::Tone::plain;
}

std::string ratio_text(const Comparison& comparison, const Row& row, const Value& value) {
  const Value* ours = comparison.ours ? row.of(*comparison.ours) : nullptr;
  if (ours == nullptr || ours == &value || ours->median <= 0 || value.median < 0) return {};
  const double ratio = value.median / ours->median;
  return fmt::format("×{:.{}f}", ratio, ratio < 10 ? 2 : 0);
}

std::string hint_of(const Comparison& comparison, const Row& row) {
  std::string hint = row.lower_is_better ? "lower is better" : "higher is better";
  if (!row.note.empty()) hint = row.note + "; " + hint;
  std::vector<std::string> absent;
  for (size_t i = 0; i < comparison.contestants.size(); ++i) {
    if (row.of(i) == nullptr) absent.push_back(comparison.contestants[i].name);
  }
  if (!absent.empty()) hint += "; not measured: " + joined(absent);
  for (const Value& value : row.values) {
    if (value.remark.empty()) continue;
    hint += "; " + comparison.contestants[value.contestant].name + ": " + value.remark;
  }
  return hint;
}

page::Bars chart_of(const Comparison& comparison, const Row& row) {
  page::Bars chart;
  chart.title = capitalised(row.name);
  chart.hint = hint_of(comparison, row);
  const Verdict verdict = verdict_of(comparison, row);
  chart.verdict = verdict.text;
  chart.verdict_tone = tone_of(verdict.standing);
  chart.figures = {
      row.name, {{"contestant", false}, {"median"}, {"least"}, {"most"}, {"beside ours"}}, {}};
  for (const Value& value : row.values) {
    const Contestant& contestant = comparison.contestants[value.contestant];
    page::Bar bar;
    bar.label = contestant.name;
    bar.value = value.median;
    bar.low = value.min;
    bar.high = value.max;
    bar.text = quantity_text(value.median, row.unit);
    bar.note = ratio_text(comparison, row, value);
    bar.kind = contestant.kind;
    chart.figures.rows.push_back({bar.label,
                                  bar.text,
                                  quantity_text(value.min, row.unit),
                                  quantity_text(value.max, row.unit),
                                  bar.note.empty() ? "–" : bar.note});
    chart.bars.push_back(std::move(bar));
  }
  return chart;
}

page::Section summary_of(const Comparison& comparison) {
  page::Section section;
  size_t counts[standings] = {};
  page::Table behind{"Where " + comparison.our_name() + " is behind", {{"figure", false}}, {}};
  behind.columns.push_back({"behind", false});
  for (const Row& row : comparison.rows) {
    const Verdict verdict = verdict_of(comparison, row);
    ++counts[static_cast<size_t>(verdict.standing)];
    if (verdict.standing < Standing::overlaps) continue;
    constexpr std::string_view begin = "behind ";
    behind.rows.push_back({row.group + ": " + row.name, verdict.text.substr(begin.size())});
  }
  const auto tile = [&](Standing standing, std::string label, std::string note) {
    const size_t count = counts[static_cast<size_t>(standing)];
    return page::Tile{std::move(label),
                      fmt::format("{} of {}", count, comparison.rows.size()),
                      std::move(note),
                      count > 0 ? tone_of(standing) : page::Tone::plain};
  };
  section.parts.emplace_back(
      page::Tiles{{tile(Standing::ahead, "Ahead of every rival", "by the median"),
                   tile(Standing::level, "Level", "a rival is less than 1 % away"),
                   tile(Standing::overlaps, "Too close to call", "a rival leads, ranges overlap"),
                   tile(Standing::behind, "Behind", "a rival leads clearly")}});
  if (!behind.rows.empty()) section.parts.emplace_back(std::move(behind));
  return section;
}

std::vector<std::string> groups_of(const Comparison& comparison) {
  std::vector<std::string> groups;
  for (const Row& row : comparison.rows) {
    if (std::find(groups.begin(), groups.end(), row.group) == groups.end()) {
      groups.push_back(row.group);
    }
  }
  return groups;
}

page::Section group_section(const Comparison& comparison, const std::string& group) {
  page::Section section{group, {}};
  for (const Row& row : comparison.rows) {
    if (row.group == group) section.parts.emplace_back(chart_of(comparison, row));
  }
  return section;
}

// A table per group with a row per figure and a column per contestant.
page::Section all_figures(const Comparison& comparison, const std::vector<std::string>& groups) {
  page::Section section{"All medians", {}};
  for (const std::string& group : groups) {
    page::Table table{group, {{"figure", false}}, {}};
    for (const Contestant& contestant : comparison.contestants) {
      table.columns.push_back({contestant.name});
    }
    for (const Row& row : comparison.rows) {
      if (row.group != group) continue;
      std::vector<std::string> cells = {row.name};
      for (size_t i = 0; i < comparison.contestants.size(); ++i) {
        const Value* value = row.of(i);
        cells.push_back(value == nullptr ? "–" : quantity_text(value->median, row.unit));
      }
      table.rows.push_back(std::move(cells));
    }
    section.parts.emplace_back(std::move(table));
  }
  return section;
}

std::string shown(const Json& json) {
  if (const auto number = json.as_number()) return number_tick(*number);
  if (const auto flag = json.as_bool()) return *flag ? "yes" : "no";
  return json.text();
}

page::Section setting_of(const Json& json, const Comparison& comparison) {
  page::Section section{"What was compared, and where", {}};
  page::Table contestants{
      "Contestants", {{"name", false}, {"version", false}, {"note", false}}, {}};
  for (const Contestant& contestant : comparison.contestants) {
    contestants.rows.push_back({contestant.name, contestant.version, contestant.note});
  }
  section.parts.emplace_back(std::move(contestants));
  page::Table missing{"Not there", {{"name", false}, {"why", false}}, {}};
  for (const Json& its : json["missing"].list()) {
    missing.rows.push_back({its["name"].text(), its["why"].text()});
  }
  if (!missing.rows.empty()) section.parts.emplace_back(std::move(missing));
  page::Table problems{"Not measured, or not in every round",
                       {{"contestant", false}, {"measure", false}, {"why", false}},
                       {}};
  for (const Json& its : json["problems"].list()) {
    problems.rows.push_back({its["contestant"].text(), its["measure"].text(), its["why"].text()});
  }
  if (!problems.rows.empty()) section.parts.emplace_back(std::move(problems));
  page::Table machine{"Machine", {{"part", false}, {"value", false}}, {}};
  for (const auto& [name, value] : json["machine"].members()) {
    machine.rows.push_back({name, shown(value)});
  }
  if (!machine.rows.empty()) section.parts.emplace_back(std::move(machine));
  return section;
}

}  // namespace

base::Result<page::Page, std::string> page_of_comparison(const Json& json) {
  Comparison comparison;
  if (Problem problem = read_contestants(json, comparison)) return std::move(*problem);
  if (Problem problem = read_rows(json, comparison)) return std::move(*problem);
  page::Page page;
  page.title = json["title"].text("Comparison");
  const double rounds = json["rounds"].number(1);
  page.subtitle = rounds == 1 ? "One round: no spread is known."
                              : fmt::format(
                                    "Medians of {} rounds; the whiskers reach from the "
                                    "least to the most of them.",
                                    whole_text(rounds));
  const auto& all = comparison.contestants;
  const auto is_baseline = [](const Contestant& its) {
    return its.kind == Kind::baseline;
  };
  if (std::any_of(all.begin(), all.end(), is_baseline)) {
    page.subtitle += " Dashed bars are there for scale and do not compete.";
  }
  if (comparison.ours) page.sections.push_back(summary_of(comparison));
  const std::vector<std::string> groups = groups_of(comparison);
  for (const std::string& group : groups) {
    page.sections.push_back(group_section(comparison, group));
  }
  page.sections.push_back(all_figures(comparison, groups));
  page.sections.push_back(setting_of(json, comparison));
  page.footer = json["tool"].text();
  return page;
}

}  // namespace bench::report
