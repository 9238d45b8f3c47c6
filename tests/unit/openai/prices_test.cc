// What requests cost.
#include "openai/prices.h"

#include <algorithm>
#include <fstream>
#include <random>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace {

using openai::ModelPrice;
using openai::Rates;
using openai::ServiceTier;
using openai::Usage;

int64_t cost(std::string_view model, const Usage& usage, ServiceTier tier = ServiceTier::unsaid) {
  const ModelPrice* price = openai::find_price(model);
  REQUIRE(price != nullptr);
  return cost_nanodollars(*price, usage, tier);
}

}  // namespace

TEST_CASE("models are found by their own name, or by a date where the table allows it") {
  CHECK(openai::find_price("gpt-4o")->model == "gpt-4o");
  CHECK(openai::find_price("gpt-4o-2024-08-06")->model == "gpt-4o");
  CHECK(openai::find_price("gpt-4o-2024-05-13")->model == "gpt-4o-2024-05-13");
  CHECK(openai::find_price("gpt-4o-mini-2024-07-18")->model == "gpt-4o-mini");
  for (const std::string_view unknown : {"",
                                         "gpt-4",
                                         "gpt-4o-latest",
                                         "gpt-4o-2024-8-6",
                                         "gpt-4o-2024-08-06x",
                                         "gpt-4o_2024-08-06",
                                         "-2024-08-06",
                                         "text-embedding-3-small-2024-08-06",
                                         "ft:gpt-4o-mini-2024-07-18:org::id",
                                         "GPT-4o",
                                         "gpt-99"}) {
    CAPTURE(unknown);
    CHECK((openai::find_price(unknown) == nullptr) == (unknown != "gpt-4"));
  }
}

TEST_CASE("cost of input, cached, written and output tokens") {
  CHECK(cost("gpt-4o", {.input = 1'000'000}) == 2'500'000'000);
  CHECK(cost("gpt-4o", {.output = 1'000'000}) == 10'000'000'000);
  CHECK(cost("gpt-4o", {.input = 1000, .cached = 400, .output = 10, .reasoning = 5}) ==
        600 * 2500 + 400 * 1250 + 10 * 10'000);
  CHECK(cost("gpt-6-astra", {.input = 100, .cached = 50, .cache_written = 30}) ==
        20 * 10'000 + 50 * 1000 + 30 * 12'500);
  // Of a model without a price for cached input it costs as the rest.
  CHECK(cost("gpt-5-pro", {.input = 100, .cached = 50}) == 100 * 15'000);
  CHECK(cost("gpt-4o", {}) == 0);
}

TEST_CASE("rounding happens once, to the nearest nano-dollar") {
  CHECK(cost("gpt-4.1-nano", {.input = 1, .cached = 1}) == 25);
  CHECK(cost("gpt-5-nano", {.input = 3, .cached = 3}, ServiceTier::batch) == 8);  // 7.5
  CHECK(cost("gpt-5.4-mini", {.input = 1, .cached = 1}) == 75);
  CHECK(cost("gpt-6-luna", {.input = 1, .cache_written = 1}) == 125);
}

TEST_CASE("service tiers and long contexts have rates of their own") {
  CHECK(cost("gpt-5.5", {.input = 1000, .output = 10}, ServiceTier::flex) ==
        1000 * 2500 + 10 * 15'000);
  CHECK(cost("gpt-5.5", {.input = 1000, .output = 10}, ServiceTier::priority) ==
        1000 * 12'500 + 10 * 75'000);
  // A tier that is not listed is charged as standard.
  CHECK(cost("gpt-5-pro", {.input = 10}, ServiceTier::priority) == 10 * 15'000);
  // All of a request is charged by its length.
  CHECK(cost("gpt-5.5", {.input = 272'000, .cached = 1000, .output = 10}) ==
        271'000LL * 5000 + 1000 * 500 + 10 * 30'000);
  CHECK(cost("gpt-5.5", {.input = 272'001, .cached = 1001, .output = 10}) ==
        271'000LL * 10'000 + 1001 * 1000 + 10 * 45'000);
  CHECK(cost("gpt-5.5", {.input = 300'000}, ServiceTier::flex) == 300'000LL * 5000);
  CHECK(openai::service_tier_of("fast") == ServiceTier::priority);
  CHECK(openai::service_tier_of("auto") == ServiceTier::unsaid);
}

TEST_CASE("sound and pictures") {
  CHECK(cost("gpt-realtime",
             {.input = 132,
              .cached = 64,
              .output = 121,
              .audio_input = 13,
              .audio_cached = 4,
              .audio_output = 91}) ==
        (132 - 13 - 60) * 4000 + 60 * 400 + 9 * 32'000 + 4 * 400 + 30 * 16'000 + 91 * 64'000);
  CHECK(cost("gpt-image-1", {.input = 60, .output = 100, .image_input = 50}) ==
        10 * 5000 + 50 * 10'000 + 100 * 40'000);
  CHECK(cost("whisper-1", {.audio_ms = 60'000}) == 6'000'000);
  CHECK(cost("whisper-1", {.audio_ms = 1}) == 100);
}

TEST_CASE("counts that do not add up cost no more than what they are parts of") {
  CHECK(cost("gpt-4o", {.input = 10, .cached = 99, .cache_written = 99}) == 10 * 1250);
  CHECK(cost("gpt-4o", {.input = 10, .audio_input = 99, .audio_cached = 999}) == 10 * 2500);
  CHECK(cost("gpt-4o", {.input = -5, .output = -5}) == 0);
  const Usage most{.input = openai::tokens_max, .output = openai::tokens_max};
  CHECK(cost("o1-pro", most) == 750'000'000'000'000'000);
  const Rates rates[] = {{.input = 1'000'000'000'000}};
  const ModelPrice dear{.model = "dear", .rates = rates, .per_request = 5};
  CHECK(cost_nanodollars(dear, most, ServiceTier::unsaid) == std::numeric_limits<int64_t>::max());
  CHECK(cost_nanodollars(dear, {}, ServiceTier::unsaid) == 5);
  CHECK(cost_nanodollars({}, most, ServiceTier::unsaid) == 0);
}

TEST_CASE("10,000 costs are what the same sum makes by other means") {
  std::minstd_rand random(3);
  const auto table = openai::built_in_prices();
  for (int i = 0; i < 10'000; ++i) {
    const ModelPrice& price = table[random() % table.size()];
    const auto input = static_cast<int64_t>(random() % 400'000);
    const Usage usage{.input = input,
                      .cached = static_cast<int64_t>(random()) % (input / 2 + 1),
                      .cache_written = static_cast<int64_t>(random()) % (input / 2 + 1),
                      .output = static_cast<int64_t>(random() % 100'000)};
    const Rates* rates = &price.rates[0];
    for (const Rates& row : price.rates) {
      if (row.tier == ServiceTier::standard && row.above_input_tokens > 0 &&
          input > row.above_input_tokens) {
        rates = &row;
      }
    }
    const auto or_input = [&](int64_t rate) {
      return rate == Rates::unsaid ? rates->input : rate;
    };
    const long double pico =
        static_cast<long double>(input - usage.cached - usage.cache_written) * rates->input +
        static_cast<long double>(usage.cached) * or_input(rates->cached) +
        static_cast<long double>(usage.cache_written) * or_input(rates->cache_write) +
        static_cast<long double>(usage.output) * std::max<int64_t>(rates->output, 0);
    REQUIRE(cost_nanodollars(price, usage, ServiceTier::standard) ==
            static_cast<int64_t>((pico + 500) / 1000));
  }
}

TEST_CASE("amounts are read exactly") {
  CHECK(openai::picodollars_per_token("2.50") == 2'500'000);
  CHECK(openai::picodollars_per_token("0.0375") == 37'500);
  CHECK(openai::picodollars_per_token("10") == 10'000'000);
  CHECK(openai::picodollars_per_token(".5") == 500'000);
  CHECK(openai::picodollars_per_token("1000000") == 1'000'000'000'000);
  CHECK(openai::nanodollars("0.006") == 6'000'000);
  for (const std::string_view wrong :
       {"", ".", "1.", "-1", "1e3", "0.0000001", "1000001", "99999999999999999999", "1.2.3", "x"}) {
    CAPTURE(wrong);
    CHECK_FALSE(openai::picodollars_per_token(wrong).has_value());
  }
}

// The table is made by a program that a build does not run.
TEST_CASE("the built-in table is what prices.yaml says") {
  std::ifstream file(OPENAI_PROXY_SOURCE_DIR "/src/openai/prices.yaml");
  REQUIRE(file.good());
  const ModelPrice* price = nullptr;
  size_t models = 0;
  size_t rows = 0;
  std::string newest;
  for (std::string line; std::getline(file, line);) {
    const auto value = [&] {
      return line.substr(line.find(": ") + 2);
    };
    if (line.starts_with("- model: ")) {
      if (price != nullptr) CHECK(price->rates.size() == rows);
      price = openai::find_price(value());
      CAPTURE(line);
      REQUIRE(price != nullptr);
      CHECK(price->model == value());
      ++models;
      rows = 0;
    } else if (line.starts_with("  dated: ")) {
      CHECK(price->with_date);
    } else if (line.starts_with("  checked: ")) {
      newest = std::max(newest, value());
    } else if (line.starts_with("    - {")) {
      CAPTURE(line);
      REQUIRE(rows < price->rates.size());
      const Rates& rates = price->rates[rows++];
      const size_t input = line.find("input: ");
      REQUIRE(input != std::string::npos);
      CHECK(openai::picodollars_per_token(line.substr(
                input + 7, line.find_first_of(",}", input) - input - 7)) == rates.input);
      CHECK((line.find("above: 272000") != std::string::npos) ==
            (rates.above_input_tokens == 272'000));
      CHECK((line.find("tier: ") == std::string::npos) == (rates.tier == ServiceTier::standard));
    }
  }
  CHECK(models == openai::built_in_prices().size());
  CHECK(newest == openai::prices_checked());
}
