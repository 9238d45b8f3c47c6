#include "ledger/query.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <utility>

#include "ledger/store.h"
#include "ledger/usage_sums.h"

namespace ledger {
namespace {

struct Word {
  By by;
  std::string_view name;
  const char* label;  // in SQL
};

constexpr std::array<Word, 5> words{
    {{By::client, "client", "client"},
     {By::model, "model", "model"},
     {By::upstream, "upstream", "upstream"},
     {By::key, "key", "CASE key WHEN '' THEN upstream ELSE upstream || '/' || key END"},
     {By::day, "day", "day"}}};

std::string failed(const std::string& file, const DatabaseError& error) {
  return fmt::format("the ledger {} cannot be read: {}", file, error.text);
}

}  // namespace

std::optional<By> parse_by(std::string_view word) {
  for (const Word& each : words) {
    if (each.name == word) return each.by;
  }
  return std::nullopt;
}

std::string_view by_name(By by) {
  return words[static_cast<size_t>(by)].name;
}

base::Result<std::vector<UsageRow>, std::string> query_usage(const std::string& file,
                                                             By by,
                                                             const std::string& since_hour) {
  auto store = Store::open_to_read(file);
  if (!store) return store.error().text;
  Statement rows = store->database().prepare(
      fmt::format("SELECT {} AS label, sum(requests), sum(input), sum(cached), sum(cache_written),"
                  " sum(output), sum(reasoning), sum(nano_dollars) AS cost, sum(unpriced)"
                  " FROM usage WHERE day || printf(' %02d', hour) >= ?1"
                  " AND day >= substr(?1, 1, 10) GROUP BY label ORDER BY {}",
                  words[static_cast<size_t>(by)].label,
                  by == By::day ? "label" : "cost DESC, sum(requests) DESC, label")
          .c_str());
  rows.bind(1, since_hour);
  std::vector<UsageRow> found;
  Step step = rows.step();
  for (; step == Step::row; step = rows.step()) {
    found.push_back({.label = std::string(rows.text(0)),
                     .amounts = {.requests = rows.number(1),
                                 .input = rows.number(2),
                                 .cached = rows.number(3),
                                 .cache_written = rows.number(4),
                                 .output = rows.number(5),
                                 .reasoning = rows.number(6),
                                 .nano_dollars = rows.number(7),
                                 .unpriced = rows.number(8)}});
  }
  if (step == Step::failed) return failed(file, store->error());
  return found;
}

base::Result<std::vector<Counter>, std::string> query_counters(const std::string& file) {
  auto store = Store::open_to_read(file);
  if (!store) return store.error().text;
  std::vector<Counter> counters;
  if (!store->read_counters(counters)) return failed(file, store->error());
  return counters;
}

std::string hour_text(int64_t utc_s, int64_t offset_s) {
  const int64_t hour = (utc_s + offset_s) / 3600;
  return fmt::format("{} {:02}", day_text(hour / 24), hour % 24);
}

}  // namespace ledger
