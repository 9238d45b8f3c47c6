#include "bench/base/units.h"

#include <cmath>
#include <fmt/format.h>

namespace bench {
namespace {

constexpr std::string_view no_figure = "–";

enum class Zeros : uint8_t { keep, drop };

// Puts a comma before every third digit of the integer part.
std::string with_commas(std::string digits) {
  const size_t begin = digits.starts_with('-') ? 1 : 0;
  size_t at = std::min(digits.find('.'), digits.size());
  while (at > begin + 3) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

// How many decimals leave three significant digits of `value`, after rounding to them.
int decimals_of(double value) {
  constexpr int significant = 3;
  if (value == 0) return 0;
  const double magnitude = std::fabs(value);
  int decimals = significant - 1 - static_cast<int>(std::floor(std::log10(magnitude)));
  // 9.996 rounds to 10.0, which has a digit more before the point.
  if (const double scale = std::pow(10, decimals);
      std::round(magnitude * scale) >= std::pow(10, significant)) {
    --decimals;
  }
  return std::max(decimals, 0);
}

std::string digits_of(double value, Zeros zeros) {
  std::string digits = fmt::format("{:.{}f}", value, decimals_of(value));
  if (zeros == Zeros::drop && digits.find('.') != std::string::npos) {
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.ends_with('.')) digits.pop_back();
  }
  return with_commas(std::move(digits));
}

struct Scale {
  double factor;
  std::string_view unit;
};

// `value` in the largest of `scales` (ascending) in which it is at least one.
template <size_t size>
std::string scaled(double value, const Scale (&scales)[size], Zeros zeros) {
  if (!std::isfinite(value)) return std::string(no_figure);
  if (value == 0) return "0";
  const Scale* scale = &scales[0];
  for (const Scale& candidate : scales) {
    // 999.96 µs reads 1.00 ms: what counts is the number as it will be written.
    if (std::fabs(value) / candidate.factor >= 0.9995) scale = &candidate;
  }
  return fmt::format("{} {}", digits_of(value / scale->factor, zeros), scale->unit);
}

constexpr Scale durations[] = {{1e-3, "ns"}, {1, "µs"}, {1e3, "ms"}, {1e6, "s"}};
constexpr Scale sizes[] = {
    {1, "B"}, {1024, "KiB"}, {1024.0 * 1024, "MiB"}, {1024.0 * 1024 * 1024, "GiB"}};

}  // namespace

std::string count_text(uint64_t count) {
  return with_commas(fmt::format("{}", count));
}

std::string whole_text(double count) {
  if (!std::isfinite(count)) return std::string(no_figure);
  return with_commas(fmt::format("{:.0f}", count));
}

std::string number_text(double value) {
  if (!std::isfinite(value)) return std::string(no_figure);
  return digits_of(value, Zeros::keep);
}

std::string duration_text(double microseconds) {
  return scaled(microseconds, durations, Zeros::keep);
}

std::string size_text(double bytes) {
  // There is no half of a byte, but there is of a mean.
  if (bytes == std::floor(bytes) && std::fabs(bytes) < 1024) return fmt::format("{:.0f} B", bytes);
  return scaled(bytes, sizes, Zeros::keep);
}

std::string percent_text(double percent) {
  return number_text(percent) + " %";
}

std::string share_text(uint64_t part, uint64_t whole) {
  return percent_text(whole == 0 ? 0
                                 : 100 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string quantity_text(double value, std::string_view unit) {
  const size_t slash = std::min(unit.find('/'), unit.size());
  const std::string_view base = unit.substr(0, slash);
  if (base == "us") return duration_text(value).append(unit.substr(slash));
  if (base == "bytes") return size_text(value).append(unit.substr(slash));
  return unit.empty() ? number_text(value) : fmt::format("{} {}", number_text(value), unit);
}

std::string capitalised(std::string_view text) {
  std::string result(text);
  if (!result.empty() && result[0] >= 'a' && result[0] <= 'z') {
    result[0] = static_cast<char>(result[0] - 'a' + 'A');
  }
  return result;
}

std::string duration_tick(double microseconds) {
  return scaled(microseconds, durations, Zeros::drop);
}

std::string number_tick(double value) {
  if (!std::isfinite(value)) return std::string(no_figure);
  return digits_of(value, Zeros::drop);
}

}  // namespace bench
