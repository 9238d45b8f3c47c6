#include "ledger/report.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <fmt/format.h>
#include <iterator>
#include <string_view>
#include <vector>

#include "base/money.h"

namespace ledger {
namespace {

struct Column {
  std::string_view title;  // of the table
  std::string_view name;   // in JSON and CSV
  int64_t Amounts::*amount;
};

constexpr std::array<Column, 7> columns{
    {{"requests", "requests", &Amounts::requests},
     {"input", "input_tokens", &Amounts::input},
     {"cached", "cached_tokens", &Amounts::cached},
     {"written", "cache_written_tokens", &Amounts::cache_written},
     {"output", "output_tokens", &Amounts::output},
     {"reasoning", "reasoning_tokens", &Amounts::reasoning},
     {"unpriced", "unpriced_requests", &Amounts::unpriced}}};

Amounts sum_of(std::span<const UsageRow> rows) {
  Amounts sum;
  for (const UsageRow& row : rows)
    sum += row.amounts;
  return sum;
}

// The bytes of the UTF-8 character (RFC 3629) at the front; 0 where there is none.
size_t character_bytes(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return 1;
  const size_t size = first >= 0xf0 ? 4 : (first >= 0xe0 ? 3 : 2);
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  for (size_t i = 1; i < size; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0U) != 0x80U) return 0;
  }
  // Too long a form, a surrogate, or beyond the last.
  const auto second = static_cast<unsigned char>(text[1]);
  const bool is_none = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
                       (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
  return is_none ? 0 : size;
}

// What a client has sent as a model's name must neither break a line nor steer a terminal.
std::string printable(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const size_t size = character_bytes(text);
    const auto first = static_cast<unsigned char>(text.front());
    const bool is_c1 = size == 2 && first == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0;
    if (size == 0 || first < 0x20 || first == 0x7f || is_c1) {
      shown += "\xef\xbf\xbd";  // U+FFFD
    } else {
      shown += text.substr(0, size);
    }
    text.remove_prefix(std::max<size_t>(1, size));
  }
  return shown;
}

std::string in_json(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : printable(text)) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

// RFC 4180; and no formula, which spreadsheets run.
std::string in_csv(std::string_view text) {
  std::string field = printable(text);
  if (field.find_first_of("=+-@") == 0) field.insert(0, 1, '\'');
  if (field.find_first_of(",\"") == std::string::npos) return field;
  std::string quoted = "\"";
  for (const char c : field) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

// With a comma between thousands.
std::string grouped(int64_t number) {
  std::string text = fmt::format("{}", number);
  const size_t first = text.front() == '-' ? 1 : 0;
  for (size_t at = text.size(); at > first + 3;) {
    at -= 3;
    text.insert(at, 1, ',');
  }
  return text;
}

// To cents from a dollar on; below, as far as it says something.
std::string rounded_dollars(int64_t nano_dollars) {
  const int64_t step = nano_dollars >= base::nano_dollars_each ? 10'000'000 : 100'000;
  return "$" + base::print_dollars((nano_dollars + step / 2) / step * step);
}

// Characters that take one place each; a few take two, and are not worth a table.
size_t width_of(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  }));
}

std::vector<std::string> cells_of(std::string_view label, const Amounts& amounts) {
  std::vector<std::string> cells = {label.empty() ? "(none)" : printable(label)};
  for (const Column& column : columns)
    cells.push_back(grouped(amounts.*column.amount));
  cells.push_back(rounded_dollars(amounts.nano_dollars));
  return cells;
}

}  // namespace

std::string to_table(By by, std::span<const UsageRow> rows) {
  if (rows.empty()) return "No usage in that time.\n";
  std::vector<std::vector<std::string>> lines;
  std::vector<std::string> head = {std::string(by_name(by))};
  for (const Column& column : columns)
    head.emplace_back(column.title);
  head.emplace_back("cost");
  lines.push_back(std::move(head));
  for (const UsageRow& row : rows)
    lines.push_back(cells_of(row.label, row.amounts));
  lines.push_back(cells_of("total", sum_of(rows)));

  std::vector<size_t> widths(lines.front().size());
  for (const auto& line : lines) {
    for (size_t i = 0; i < line.size(); ++i)
      widths[i] = std::max(widths[i], width_of(line[i]));
  }
  std::string text;
  for (const auto& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) {
      const std::string padding(widths[i] - width_of(line[i]), ' ');
      text += i == 0 ? line[i] + padding : "  " + padding + line[i];
    }
    text += '\n';
  }
  return text + "Costs are estimates, not an invoice; unpriced requests count as $0.\n";
}

std::string to_json(By by, std::span<const UsageRow> rows) {
  const auto object_of = [](const Amounts& amounts) {
    std::string text;
    for (const Column& column : columns)
      fmt::format_to(std::back_inserter(text), "\"{}\":{},", column.name, amounts.*column.amount);
    return text + fmt::format("\"cost_usd\":\"{}\"", base::print_dollars(amounts.nano_dollars));
  };
  std::string text = fmt::format("{{\"by\":\"{}\",\"estimate\":true,\"rows\":[", by_name(by));
  for (size_t i = 0; i < rows.size(); ++i) {
    text += fmt::format("{}{{\"{}\":{},{}}}",
                        i == 0 ? "" : ",",
                        by_name(by),
                        in_json(rows[i].label),
                        object_of(rows[i].amounts));
  }
  return text + fmt::format("],\"total\":{{{}}}}}\n", object_of(sum_of(rows)));
}

std::string to_csv(By by, std::span<const UsageRow> rows) {
  std::string text(by_name(by));
  for (const Column& column : columns)
    fmt::format_to(std::back_inserter(text), ",{}", column.name);
  text += ",estimated_cost_usd\r\n";
  for (const UsageRow& row : rows) {
    text += in_csv(row.label);
    for (const Column& column : columns)
      fmt::format_to(std::back_inserter(text), ",{}", row.amounts.*column.amount);
    fmt::format_to(
        std::back_inserter(text), ",{}\r\n", base::print_dollars(row.amounts.nano_dollars));
  }
  return text;
}

}  // namespace ledger
