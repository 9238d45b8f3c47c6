#include "ledger/usage_sums.h"

#include <chrono>
#include <fmt/format.h>
#include <utility>

namespace ledger {

std::string day_text(int64_t day) {
  const std::chrono::year_month_day date{
      std::chrono::sys_days(std::chrono::days(static_cast<int>(day)))};
  return fmt::format("{:04}-{:02}-{:02}",
                     static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

size_t UsageSums::Hash::operator()(const View& view) const {
  const std::hash<std::string_view> hash;
  auto sum = static_cast<size_t>(view.hour);
  for (const std::string_view each : {view.client, view.model, view.upstream, view.key})
    sum = sum * 0x9e3779b97f4a7c15U + hash(each);
  return sum;
}

int64_t UsageSums::hour_of(int64_t utc_s) {
  if (utc_s < known_from_s_ || utc_s >= offset_.until_s) {
    offset_ = zone_->at(utc_s);
    known_from_s_ = utc_s;
  }
  return (utc_s + offset_.seconds) / 3600;
}

bool UsageSums::add(const UsageRecord& record) {
  return add({.hour = hour_of(record.ended_s),
              .client = record.client.view(),
              .model = record.model.view(),
              .upstream = record.upstream.view(),
              .key = record.key.view()},
             record.amounts);
}

bool UsageSums::add(View view, const Amounts& amounts) {
  auto its = sums_.find(view);
  if (its == sums_.end() && sums_.size() >= sums_max) {
    view.model = "other";
    its = sums_.find(view);
    if (its == sums_.end() && sums_.size() >= sums_max + sums_max / 2) return false;
  }
  if (its == sums_.end()) {
    Names names{.hour = view.hour,
                .day = day_text(view.hour / 24),
                .client = std::string(view.client),
                .model = std::string(view.model),
                .upstream = std::string(view.upstream),
                .key = std::string(view.key)};
    its = sums_.emplace(std::move(names), Amounts{}).first;
  }
  its->second += amounts;
  return true;
}

int64_t UsageSums::take(UsageSums& other) {
  if (sums_.empty()) {
    std::swap(sums_, other.sums_);
    return 0;
  }
  int64_t lost = 0;
  for (const auto& [names, amounts] : other.sums_) {
    if (!add(names.view(), amounts)) lost += amounts.requests;
  }
  other.sums_.clear();
  return lost;
}

std::vector<Store::Usage> UsageSums::list() const {
  std::vector<Store::Usage> list;
  list.reserve(sums_.size());
  for (const auto& [names, amounts] : sums_) {
    list.push_back({.day = names.day,
                    .hour = names.hour % 24,
                    .client = names.client,
                    .model = names.model,
                    .upstream = names.upstream,
                    .key = names.key,
                    .amounts = amounts});
  }
  return list;
}

}  // namespace ledger
