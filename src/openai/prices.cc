#include "openai/prices.h"

#include <algorithm>
#include <limits>

#include "openai/prices_table.h"

namespace openai {
namespace {

constexpr int64_t cost_max = std::numeric_limits<int64_t>::max();
constexpr int64_t dollars_max = 1'000'000;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

constexpr size_t date_suffix_bytes = 11;  // "-YYYY-MM-DD"

bool is_date_suffix(std::string_view text) {
  constexpr std::string_view form = "-dddd-dd-dd";
  return std::equal(text.begin(), text.end(), form.begin(), form.end(), [](char c, char expected) {
    return expected == 'd' ? is_digit(c) : c == expected;
  });
}

// "12.5" in units of 10^-places; absent where it is no such number.
std::optional<int64_t> decimal(std::string_view text, int places) {
  int64_t value = 0;
  int behind_point = -1;  // digits; -1: before it
  size_t digits = 0;
  for (const char c : text) {
    if (c == '.' && behind_point < 0) {
      behind_point = 0;
      continue;
    }
    if (!is_digit(c) || behind_point == places) return std::nullopt;
    if (behind_point >= 0) ++behind_point;
    ++digits;
    value = value * 10 + (c - '0');
    if (behind_point < 0 && value > dollars_max) return std::nullopt;
  }
  if (digits == 0 || behind_point == 0) return std::nullopt;
  for (int i = std::max(behind_point, 0); i < places; ++i)
    value *= 10;
  return value;
}

// Rates with nothing unsaid.
Rates filled(Rates rates) {
  const auto fill = [](int64_t& rate, int64_t other) {
    if (rate == Rates::unsaid) rate = other;
  };
  fill(rates.input, 0);
  fill(rates.output, 0);
  fill(rates.cached, rates.input);
  fill(rates.cache_write, rates.input);
  fill(rates.audio_input, rates.input);
  fill(rates.audio_cached, rates.audio_input);
  fill(rates.audio_output, rates.output);
  fill(rates.image_input, rates.input);
  fill(rates.image_cached, rates.image_input);
  fill(rates.image_output, rates.output);
  return rates;
}

const Rates* find_rates(const ModelPrice& price, int64_t input, ServiceTier tier) {
  const Rates* found = nullptr;
  for (const Rates& rates : price.rates) {
    if (rates.tier != tier || (rates.above_input_tokens > 0 && input <= rates.above_input_tokens)) {
      continue;
    }
    if (found == nullptr || rates.above_input_tokens > found->above_input_tokens) found = &rates;
  }
  return found;
}

// A sum of products that cannot overflow: tokens are bounded by tokens_max, rates by dollars_max.
class Sum {
 public:
  void add(int64_t tokens, int64_t rate) {
    total_ += static_cast<__int128>(std::clamp<int64_t>(tokens, 0, tokens_max)) * rate;
  }
  void scale(int64_t factor) { total_ *= factor; }
  // In units a `divisor` times as large, to the nearest.
  [[nodiscard]] int64_t divided_by(int64_t divisor) const {
    const __int128 quotient = (total_ + divisor / 2) / divisor;
    return quotient > cost_max ? cost_max : static_cast<int64_t>(quotient);
  }

 private:
  __int128 total_ = 0;
};

}  // namespace

const ModelPrice* find_price(std::string_view model) {
  const auto before = [](const ModelPrice& price, std::string_view name) {
    return price.model < name;
  };
  const auto table = built_in_prices();
  const auto exact = std::lower_bound(table.begin(), table.end(), model, before);
  if (exact != table.end() && exact->model == model) return &*exact;
  if (model.size() <= date_suffix_bytes) return nullptr;
  const std::string_view family = model.substr(0, model.size() - date_suffix_bytes);
  const auto found = std::lower_bound(table.begin(), table.end(), family, before);
  return found != table.end() && is_priced_by(*found, model) ? &*found : nullptr;
}

std::span<const ModelPrice> built_in_prices() {
  return prices_table;
}

std::string_view prices_checked() {
  return prices_table_checked;
}

bool is_priced_by(const ModelPrice& price, std::string_view model) {
  if (model == price.model) return true;
  return price.with_date && model.starts_with(price.model) &&
         is_date_suffix(model.substr(price.model.size()));
}

int64_t cost_nanodollars(const ModelPrice& price, const Usage& usage, ServiceTier tier) {
  const Rates* listed = find_rates(price, usage.input, tier);
  if (listed == nullptr) listed = find_rates(price, usage.input, ServiceTier::standard);
  const Rates rates = filled(listed == nullptr ? Rates{} : *listed);

  // What an upstream says need not add up: no part is larger than what it is a part of.
  int64_t input = std::max<int64_t>(usage.input, 0);
  const auto take = [](int64_t part, int64_t& whole) {
    const int64_t taken = std::clamp<int64_t>(part, 0, whole);
    whole -= taken;
    return taken;
  };
  int64_t audio = take(usage.audio_input, input);
  int64_t image = take(usage.image_input, input);
  const int64_t audio_cached = take(usage.audio_cached, audio);
  const int64_t image_cached = take(usage.image_cached, image);
  const int64_t text_cached = take(usage.cached - audio_cached - image_cached, input);
  const int64_t written = take(usage.cache_written, input);
  int64_t output = std::max<int64_t>(usage.output, 0);
  const int64_t audio_output = take(usage.audio_output, output);
  const int64_t image_output = take(usage.image_output, output);

  // In sixtieths of pico-dollars, of which minutes and tokens both come in whole numbers.
  constexpr int64_t sixtieths = 60;
  constexpr int64_t pico_in_nano = 1000;
  Sum tokens;
  tokens.add(input, rates.input);
  tokens.add(text_cached, rates.cached);
  tokens.add(written, rates.cache_write);
  tokens.add(audio, rates.audio_input);
  tokens.add(audio_cached, rates.audio_cached);
  tokens.add(image, rates.image_input);
  tokens.add(image_cached, rates.image_cached);
  tokens.add(output, rates.output);
  tokens.add(audio_output, rates.audio_output);
  tokens.add(image_output, rates.image_output);
  tokens.add(pico_in_nano, price.per_request);
  tokens.scale(sixtieths);
  tokens.add(usage.audio_ms, price.per_audio_minute);
  return tokens.divided_by(sixtieths * pico_in_nano);
}

std::optional<int64_t> picodollars_per_token(std::string_view dollars_per_million) {
  return decimal(dollars_per_million, 6);
}

std::optional<int64_t> nanodollars(std::string_view dollars) {
  return decimal(dollars, 9);
}

}  // namespace openai
