#include "bench/base/arguments.h"

#include <array>
#include <charconv>
#include <cmath>
#include <span>
#include <utility>

#include "http/head.h"

namespace bench {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr double ns_per_s = 1e9;
constexpr std::array duration_units = {Unit{"us", 1e3},
                                       Unit{"ms", 1e6},
                                       Unit{"s", ns_per_s},
                                       Unit{"m", 60 * ns_per_s},
                                       Unit{"h", 3600 * ns_per_s},
                                       Unit{"", ns_per_s}};
constexpr double duration_ns_max = 7 * 24 * 3600 * ns_per_s;

constexpr double kibi = 1024;
constexpr std::array size_units = {Unit{"", 1},
                                   Unit{"B", 1},
                                   Unit{"k", kibi},
                                   Unit{"KiB", kibi},
                                   Unit{"m", kibi* kibi},
                                   Unit{"MiB", kibi* kibi},
                                   Unit{"g", kibi* kibi* kibi},
                                   Unit{"GiB", kibi* kibi* kibi},
                                   Unit{"t", kibi* kibi* kibi* kibi},
                                   Unit{"TiB", kibi* kibi* kibi* kibi}};
constexpr double size_max = 1125899906842624;  // 2^50

// A number that is not negative, and a unit's name in any case; times the unit's factor, rounded.
std::optional<uint64_t> parse(std::string_view text, std::span<const Unit> units, double max) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (parsed.ec != std::errc() || std::signbit(value) || !std::isfinite(value)) return {};
  const std::string_view name(parsed.ptr, static_cast<size_t>(end - parsed.ptr));
  for (const Unit& unit : units) {
    if (!http::equals_ignoring_case(name, unit.name)) continue;
    const double amount = value * unit.factor;
    if (amount > max) return {};
    return static_cast<uint64_t>(std::llround(amount));
  }
  return {};
}

}  // namespace

std::optional<uint64_t> parse_duration_ns(std::string_view text) {
  return parse(text, duration_units, duration_ns_max);
}

std::optional<uint64_t> parse_bytes(std::string_view text) {
  return parse(text, size_units, size_max);
}

}  // namespace bench
