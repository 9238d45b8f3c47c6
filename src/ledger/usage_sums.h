#pragma once

// The usage of finished requests, summed by hour and names until it is written.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/time_zone.h"
#include "ledger/records.h"
#include "ledger/store.h"

namespace ledger {

// "2026-11-28" of the days since 1970.
[[nodiscard]] std::string day_text(int64_t day);

// Resource; one thread at a time. Bounded, since names of models are what clients write.
class UsageSums {
 public:
  // Different hours and names at most; what is more counts under the model "other", and is lost at
  // half as many again.
  static constexpr size_t sums_max = 20'000;

  // `zone` has the days and hours, and outlives this.
  explicit UsageSums(const base::TimeZone& zone) : zone_(&zone) {}

  // False where there is no room.
  [[nodiscard]] bool add(const UsageRecord& record);
  // How many requests had no room. `other` is empty afterwards.
  int64_t take(UsageSums& other);

  [[nodiscard]] bool is_empty() const { return sums_.empty(); }
  // The views live until the sums are changed.
  [[nodiscard]] std::vector<Store::Usage> list() const;
  void clear() { sums_.clear(); }

 private:
  struct View {
    int64_t hour = 0;  // since 1970, on the zone's clocks
    std::string_view client, model, upstream, key;

    bool operator==(const View&) const = default;
  };
  struct Names {
    int64_t hour = 0;
    std::string day, client, model, upstream, key;

    [[nodiscard]] View view() const { return {hour, client, model, upstream, key}; }
  };
  struct Hash {
    // NOLINTNEXTLINE(readability-identifier-naming): the library's word
    using is_transparent = void;
    size_t operator()(const View& view) const;
    size_t operator()(const Names& names) const { return (*this)(names.view()); }
  };
  struct Equal {
    // NOLINTNEXTLINE(readability-identifier-naming): the library's word
    using is_transparent = void;
    bool operator()(const Names& a, const Names& b) const { return a.view() == b.view(); }
    bool operator()(const View& a, const Names& b) const { return a == b.view(); }
    bool operator()(const Names& a, const View& b) const { return a.view() == b; }
  };

  [[nodiscard]] int64_t hour_of(int64_t utc_s);
  [[nodiscard]] bool add(View view, const Amounts& amounts);

  const base::TimeZone* zone_;
  base::ZoneOffset offset_;  // from known_from_s_ on
  int64_t known_from_s_ = INT64_MAX;
  std::unordered_map<Names, Amounts, Hash, Equal> sums_;
};

}  // namespace ledger
