#pragma once

// What a request used, in the same terms for all dialects, and what it was served as.

#include <cstdint>
#include <string_view>

namespace openai {

// How fast and how cheap a request was served (`service_tier`). `unsaid` is billed as standard.
enum class ServiceTier : uint8_t { unsaid, standard, flex, priority, batch };

// Of `service_tier` in a request or an answer: "default" and "standard" are standard, "auto" and
// what is not known are unsaid.
[[nodiscard]] constexpr ServiceTier service_tier_of(std::string_view name) {
  if (name == "default" || name == "standard") return ServiceTier::standard;
  if (name == "flex") return ServiceTier::flex;
  if (name == "priority" || name == "fast") return ServiceTier::priority;
  if (name == "batch") return ServiceTier::batch;
  return ServiceTier::unsaid;
}

// Value. Tokens; what an upstream did not say is 0. `input` is all of the input, as OpenAI counts
// it: cached, cache_written, audio_input and image_input are parts of it (Anthropic, which counts
// cached input apart, is added up). `output` likewise includes reasoning, audio_output and
// image_output.
struct Usage {
  int64_t input = 0;
  int64_t cached = 0;         // of input: read from a prompt cache
  int64_t cache_written = 0;  // of input: written to one
  int64_t output = 0;
  int64_t reasoning = 0;     // of output
  int64_t audio_input = 0;   // of input
  int64_t audio_cached = 0;  // of audio_input and of cached
  int64_t audio_output = 0;  // of output
  int64_t image_input = 0;   // of input
  int64_t image_cached = 0;  // of image_input and of cached
  int64_t image_output = 0;  // of output
  int64_t audio_ms = 0;      // of transcribed audio that is billed by its length

  // What limits of tokens count.
  [[nodiscard]] int64_t total() const { return input + output; }
  bool operator==(const Usage&) const = default;
};

// Field by field, for a session of many answers. Saturates: no field passes `tokens_max`.
inline constexpr int64_t tokens_max = 1'000'000'000'000;
void add(Usage& sum, const Usage& part);

// Tokens that so many bytes of JSON text are likely to be: 3.5 bytes each, rounded up.
[[nodiscard]] constexpr int64_t estimated_tokens(uint64_t bytes) {
  const uint64_t most = static_cast<uint64_t>(tokens_max);
  return static_cast<int64_t>(bytes >= most ? most : (bytes * 2 + 6) / 7);
}

}  // namespace openai
