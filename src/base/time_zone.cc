#include "base/time_zone.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/read_file.h"

namespace base {
namespace {

constexpr size_t file_bytes_max = size_t{1} << 20U;
constexpr size_t name_bytes_max = 64;
constexpr size_t head_bytes = 44;

bool is_name_char(char c) {
  return is_letter_or_digit(c) || c == '/' || c == '_' || c == '-' || c == '+';
}

// "h", "hh", "hhmm" or "hh:mm" with a sign before it, in seconds.
std::optional<int64_t> parse_distance(std::string_view text) {
  if (!text.starts_with('+') && !text.starts_with('-')) return std::nullopt;
  const bool is_negative = text.front() == '-';
  text.remove_prefix(1);
  std::string digits;
  for (const char c : text) {
    if (c == ':' && digits.size() == 2 && text.size() == 5) continue;
    if (!is_digit(c)) return std::nullopt;
    digits += c;
  }
  if (digits.empty() || digits.size() == 3 || digits.size() > 4) return std::nullopt;
  const int number = std::stoi(digits);
  const int hours = digits.size() > 2 ? number / 100 : number;
  const int minutes = digits.size() > 2 ? number % 100 : 0;
  if (hours > 14 || minutes > 59) return std::nullopt;
  const int64_t seconds = hours * 3600 + minutes * 60;
  return is_negative ? -seconds : seconds;
}

// Of a zone that needs no file.
std::optional<int64_t> parse_fixed(std::string_view name) {
  if (name == "UTC" || name == "utc" || name == "Z") return 0;
  for (const std::string_view before : {"UTC", "GMT"}) {
    if (!name.starts_with(before)) continue;
    name.remove_prefix(before.size());
    break;
  }
  return parse_distance(name);
}

}  // namespace

// The bytes of a TZif file; what is asked for behind its end is 0, and it is bad.
class ZoneFile {
 public:
  explicit ZoneFile(std::string_view bytes) : bytes_(bytes) {}

  // RFC 9636 3: the first block is of 32 bits, and for readers of a time past; the second has 64.
  [[nodiscard]] std::optional<TimeZone> parse() {
    if (bytes_.substr(0, 4) != "TZif" || bytes_.size() < head_bytes) return std::nullopt;
    const bool has_second = bytes_[4] >= '2';
    Counts counts = read_counts();
    size_t time_bytes = 4;
    if (has_second) {
      at_ += counts.block_bytes(time_bytes);
      time_bytes = 8;
      if (at_ > bytes_.size() || bytes_.substr(at_, 4) != "TZif") return std::nullopt;
      counts = read_counts();
    }
    if (!good_ || counts.types == 0 || at_ + counts.block_bytes(time_bytes) > bytes_.size()) {
      return std::nullopt;
    }
    TimeZone zone;
    zone.name_.clear();
    read_changes(counts, time_bytes, zone);
    at_ += counts.block_bytes(time_bytes);
    if (has_second) read_rule(zone);
    if (!good_) return std::nullopt;
    return zone;
  }

 private:
  struct Counts {
    size_t universal = 0, standard = 0, leaps = 0, times = 0, types = 0, letters = 0;

    [[nodiscard]] size_t block_bytes(size_t time_bytes) const {
      return times * (time_bytes + 1) + types * 6 + letters + leaps * (time_bytes + 4) + standard +
             universal;
    }
  };

  // Big-endian, with its sign.
  [[nodiscard]] int64_t number(size_t at, size_t size) {
    if (at + size > bytes_.size()) {
      good_ = false;
      return 0;
    }
    uint64_t value = (static_cast<unsigned char>(bytes_[at]) & 0x80U) != 0 ? ~uint64_t{0} : 0;
    for (size_t i = 0; i < size; ++i)
      value = value << 8U | static_cast<unsigned char>(bytes_[at + i]);
    return static_cast<int64_t>(value);
  }

  // From a head; goes on behind it.
  Counts read_counts() {
    Counts counts;
    size_t at = at_ + 20;
    for (size_t* count : {&counts.universal,
                          &counts.standard,
                          &counts.leaps,
                          &counts.times,
                          &counts.types,
                          &counts.letters}) {
      const int64_t value = number(at, 4);
      if (value < 0 || value > static_cast<int64_t>(file_bytes_max)) good_ = false;
      *count = good_ ? static_cast<size_t>(value) : 0;
      at += 4;
    }
    at_ += head_bytes;
    return counts;
  }

  void read_changes(const Counts& counts, size_t time_bytes, TimeZone& zone) {
    const size_t indices = at_ + counts.times * time_bytes;
    const size_t types = indices + counts.times;
    zone.first_offset_s_ = number(types, 4);
    zone.changes_.reserve(counts.times);
    for (size_t i = 0; i < counts.times; ++i) {
      const size_t type = static_cast<unsigned char>(bytes_[indices + i]);
      if (type >= counts.types) good_ = false;
      const int64_t at_s = number(at_ + i * time_bytes, time_bytes);
      if (!zone.changes_.empty() && at_s <= zone.changes_.back().at_s) good_ = false;
      if (!good_) return;
      zone.changes_.push_back({at_s, number(types + type * 6, 4)});
    }
  }

  // The last line; an empty one says that nothing is known of the time behind the last change.
  void read_rule(TimeZone& zone) {
    if (at_ >= bytes_.size()) return;
    std::string_view line = bytes_.substr(at_);
    const size_t end = line.find('\n', 1);
    if (line.front() != '\n' || end == std::string_view::npos) {
      good_ = false;
      return;
    }
    line = line.substr(1, end - 1);
    if (line.empty()) return;
    zone.rule_ = ZoneRule::parse(line);
    good_ = zone.rule_.has_value();
  }

  std::string_view bytes_;
  size_t at_ = 0;
  bool good_ = true;
};

std::optional<TimeZone> TimeZone::parse(std::string_view file) {
  return ZoneFile(file).parse();
}

bool TimeZone::is_name(std::string_view name) {
  if (parse_fixed(name)) return true;
  const bool is_plain = std::all_of(name.begin(), name.end(), is_name_char);
  return is_plain && !name.empty() && name.size() <= name_bytes_max && name.front() != '/' &&
         name.front() != '-' && name.front() != '+' && name.back() != '/';
}

Result<TimeZone, std::string> TimeZone::load(std::string_view name, std::string_view folder) {
  TimeZone zone;
  if (const auto seconds = parse_fixed(name)) {
    zone.first_offset_s_ = *seconds;
    zone.name_ = name;
    return zone;
  }
  if (!is_name(name)) {
    return fmt::format("\"{}\" is no time zone: write UTC, Asia/Shanghai or +08:00", name);
  }
  const std::string path = fmt::format("{}/{}", folder, name);
  const auto bytes = read_file(path, file_bytes_max);
  if (!bytes) {
    const bool is_unknown = bytes.error() == ENOENT || bytes.error() == ENOTDIR ||
                            bytes.error() == EISDIR || bytes.error() == EINVAL;
    if (is_unknown && access(std::string(folder).c_str(), X_OK) != 0) {
      return fmt::format(
          "the time zone {} cannot be looked up, since there is no {} here: install the package "
          "tzdata, or write the distance from UTC, such as +08:00",
          name,
          folder);
    }
    if (is_unknown) {
      return fmt::format(
          "there is no time zone {} in {}: write one that is there, such as Asia/Shanghai (older "
          "names may need the package tzdata-legacy), or the distance from UTC, such as +08:00",
          name,
          folder);
    }
    return fmt::format("{} cannot be read: {}", path, std::strerror(bytes.error()));
  }
  auto found = parse(*bytes);
  if (!found) return fmt::format("{} is no time zone's file (TZif), or a damaged one", path);
  found->name_ = name;
  return std::move(*found);
}

ZoneOffset TimeZone::at(int64_t utc_s) const {
  const auto next = std::upper_bound(
      changes_.begin(), changes_.end(), utc_s, [](int64_t moment, const Change& change) {
        return moment < change.at_s;
      });
  if (next == changes_.end() && rule_) return rule_->at(utc_s);
  ZoneOffset offset{.seconds = first_offset_s_};
  if (next != changes_.begin()) offset.seconds = std::prev(next)->offset_s;
  if (next != changes_.end()) offset.until_s = next->at_s;
  return offset;
}

int64_t TimeZone::first_moment_of(int64_t local_s) const {
  // No clock is further from UTC than this.
  constexpr int64_t distance_s_max = int64_t{2} * 24 * 3600;
  int64_t from_s = local_s - distance_s_max;
  for (;;) {
    const ZoneOffset offset = at(from_s);
    const int64_t moment_s = local_s - offset.seconds;
    if (moment_s <= from_s) return from_s;  // skipped, as clocks were set forward
    if (moment_s < offset.until_s) return moment_s;
    from_s = offset.until_s;
  }
}

}  // namespace base
