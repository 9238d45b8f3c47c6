#include "ledger/usage_sums.h"

#include <algorithm>
#include <fmt/format.h>

#include <doctest/doctest.h>

using ledger::UsageRecord;
using ledger::UsageSums;

namespace {

UsageRecord record_of(int64_t ended_s, std::string_view client, std::string_view model) {
  UsageRecord record;
  record.ended_s = ended_s;
  record.client = client;
  record.model = model;
  record.amounts = {.requests = 1, .input = 10, .output = 3, .nano_dollars = 7};
  return record;
}

}  // namespace

TEST_CASE("requests are summed by hour and names, on the zone's clocks") {
  const base::TimeZone zone = *base::TimeZone::load("+05:30");
  UsageSums sums(zone);
  CHECK(sums.is_empty());
  constexpr int64_t half_past_18_utc = 1'764'268'200;  // 2025-11-27, midnight there
  CHECK(sums.add(record_of(half_past_18_utc - 1, "alice", "gpt-5")));
  CHECK(sums.add(record_of(half_past_18_utc, "alice", "gpt-5")));
  CHECK(sums.add(record_of(half_past_18_utc + 3599, "alice", "gpt-5")));
  CHECK(sums.add(record_of(half_past_18_utc, "bob", "gpt-5")));
  auto list = sums.list();
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) {
    return std::tie(a.day, a.client) < std::tie(b.day, b.client);
  });
  REQUIRE(list.size() == 3);
  CHECK(list[0].day == "2025-11-27");
  CHECK(list[0].hour == 23);
  CHECK(list[1].day == "2025-11-28");
  CHECK(list[1].hour == 0);
  CHECK(list[1].client == "alice");
  CHECK(list[1].amounts ==
        ledger::Amounts{.requests = 2, .input = 20, .output = 6, .nano_dollars = 14});
  CHECK(list[2].client == "bob");
}

TEST_CASE("models that clients make up are bounded") {
  const base::TimeZone zone;
  UsageSums sums(zone);
  for (size_t i = 0; i < UsageSums::sums_max + 500; ++i)
    CHECK(sums.add(record_of(0, "alice", fmt::format("model-{}", i))));
  const auto list = sums.list();
  CHECK(list.size() == UsageSums::sums_max + 1);
  const auto other =
      std::find_if(list.begin(), list.end(), [](const auto& its) { return its.model == "other"; });
  REQUIRE(other != list.end());
  CHECK(other->amounts.requests == 500);
}

TEST_CASE("sums are taken over from others") {
  const base::TimeZone zone;
  UsageSums due(zone);
  UsageSums collected(zone);
  for (int i = 0; i < 2; ++i) {
    CHECK(collected.add(record_of(0, "alice", "gpt-5")));
    CHECK(due.take(collected) == 0);
    CHECK(collected.is_empty());
  }
  REQUIRE(due.list().size() == 1);
  CHECK(due.list()[0].amounts.requests == 2);
}
