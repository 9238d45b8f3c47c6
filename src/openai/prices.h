#pragma once

// What a request costs, by the list prices of prices.yaml: an estimate, no invoice. A model that is
// not in the table has no price; never another model's.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "openai/usage.h"

namespace openai {

// Value. Pico-dollars (1e-12) a token: $1 per million tokens is 1,000,000, and every published
// price is a whole number of them. `unsaid` takes the rate named behind it.
struct Rates {
  static constexpr int64_t unsaid = -1;

  ServiceTier tier = ServiceTier::standard;
  int64_t above_input_tokens = 0;  // holds for requests with more input than that
  int64_t input = unsaid;          // 0
  int64_t cached = unsaid;         // input
  int64_t cache_write = unsaid;    // input
  int64_t output = unsaid;         // 0
  int64_t audio_input = unsaid;    // input
  int64_t audio_cached = unsaid;   // audio_input
  int64_t audio_output = unsaid;   // output
  int64_t image_input = unsaid;    // input
  int64_t image_cached = unsaid;   // image_input
  int64_t image_output = unsaid;   // output
};

// Value of views. All that is known of a model's price; the table's own are static, others belong
// to who made them.
struct ModelPrice {
  std::string_view model = {};
  bool with_date = false;             // also "<model>-YYYY-MM-DD"
  std::span<const Rates> rates = {};  // one of standard tier with above_input_tokens 0 at least
  int64_t per_request = 0;            // nano-dollars
  int64_t per_audio_minute = 0;       // nano-dollars, of Usage::audio_ms
};

// The built-in table's price of `model`; null where it has none. An exact name goes before one with
// a date. Any thread.
[[nodiscard]] const ModelPrice* find_price(std::string_view model);
// All of them, by name.
[[nodiscard]] std::span<const ModelPrice> built_in_prices();
// The newest day on which one of the table's prices was checked, YYYY-MM-DD.
[[nodiscard]] std::string_view prices_checked();
// Whether `model` is `price`'s: its name, or with a date where the price allows that.
[[nodiscard]] bool is_priced_by(const ModelPrice& price, std::string_view model);

// Nano-dollars (1e-9), exact but for one rounding to the nearest; saturates. The whole request
// takes the rates of its tier, and of those the ones with the highest `above_input_tokens` that its
// input passes. A tier without rates of its own is charged as standard.
[[nodiscard]] int64_t cost_nanodollars(const ModelPrice& price,
                                       const Usage& usage,
                                       ServiceTier tier);

// "2.50", dollars per million tokens, as pico-dollars a token; absent where it is no such number,
// has more than six places behind the point, or is beyond a million dollars.
[[nodiscard]] std::optional<int64_t> picodollars_per_token(std::string_view dollars_per_million);
// "0.006", dollars, as nano-dollars, up to nine places.
[[nodiscard]] std::optional<int64_t> nanodollars(std::string_view dollars);

}  // namespace openai
