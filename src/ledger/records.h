#pragma once

// What the ledger keeps, as values.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace ledger {

// Value: a short text without the heap, so that a loop hands it over at no cost. What is too long
// is cut at a whole UTF-8 character.
template <size_t bytes_max>
class ShortText {
 public:
  static_assert(bytes_max < 256);

  ShortText() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): fields are filled from views and literals.
  ShortText(const std::convertible_to<std::string_view> auto& from) {
    const std::string_view text = from;
    size_t size = text.size();
    if (size > bytes_max) {
      size = bytes_max;
      while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0U) == 0x80U)
        --size;
    }
    size_ = static_cast<unsigned char>(size);
    if (size > 0) std::memcpy(bytes_, text.data(), size);  // an empty view may be of nothing
  }

  [[nodiscard]] std::string_view view() const { return {bytes_, size_}; }

 private:
  unsigned char size_ = 0;
  char bytes_[bytes_max];
};

// Sums of requests. `input` has all tokens of input, cached and cache-written ones included;
// `output` has those of reasoning.
struct Amounts {
  int64_t requests = 0;
  int64_t input = 0;
  int64_t cached = 0;
  int64_t cache_written = 0;
  int64_t output = 0;
  int64_t reasoning = 0;
  int64_t nano_dollars = 0;
  int64_t unpriced = 0;  // requests of no known price

  Amounts& operator+=(const Amounts& other);
  bool operator==(const Amounts&) const = default;
};

// A finished request. Names as the configuration has them, "" for none.
struct UsageRecord {
  int64_t ended_s = 0;  // since 1970
  ShortText<64> client;
  ShortText<95> model;
  ShortText<64> upstream;
  ShortText<64> key;
  Amounts amounts = {.requests = 1};
};

// What was used of one client's or key's limit in one window.
struct Counter {
  std::string client;  // whose: "alice", "key:openai/team-b", as the caller likes
  std::string limit;   // which: the same words at every start, "tokens/day"
  int64_t window = 0;  // when it began, seconds since 1970
  int64_t used = 0;
};

// One line of a report.
struct UsageRow {
  std::string label;  // a client, model, upstream, key ("upstream/key") or day ("2026-11-28")
  Amounts amounts;
};

}  // namespace ledger
