#pragma once

// One `usage` object of an answer: its members in every dialect, and what they mean together.

#include <cstdint>
#include <string_view>

#include "openai/json_reader.h"
#include "openai/usage.h"

namespace openai {

// Value. As written; -1 is unsaid. Where two members say the same, the larger counts: gateways that
// speak two dialects at once leave zeros in one.
struct UsageCounts {
  int64_t input = -1;
  int64_t output = -1;
  int64_t cached = -1;
  int64_t cache_written = -1;
  int64_t reasoning = -1;
  int64_t audio_input = -1;
  int64_t audio_cached = -1;
  int64_t audio_output = -1;
  int64_t image_input = -1;
  int64_t image_cached = -1;
  int64_t image_output = -1;
  int64_t audio_ms = -1;
  bool names_prompt = false;       // prompt_tokens: everything is in it
  bool names_cache_apart = false;  // Anthropic's members: beside input_tokens, unless names_prompt
  bool counts_reasoning_apart = false;  // Gemini's: beside the output

  [[nodiscard]] bool says_something() const { return input >= 0 || output >= 0 || audio_ms >= 0; }
  // Takes over what `later` says (Anthropic's message_delta tells only what has changed).
  void update(const UsageCounts& later);
  [[nodiscard]] Usage normalised() const;
};

// Value. One thread. Begun when a usage object opens, it is given the tokens of `reader` up to its
// close.
class UsageReader {
 public:
  // What an object inside of the usage object tells of.
  enum class Details : uint8_t { none, input, output, cached };

  void begin(const JsonReader& reader);
  // True where the token was the object's close.
  bool on_token(JsonReader& reader, JsonReader::Token token);

  // The last object of the document that said something; empty where there was none.
  [[nodiscard]] const UsageCounts& counts() const { return counts_; }
  [[nodiscard]] bool has_counts() const { return counts_.says_something(); }
  void forget() { counts_ = {}; }

 private:
  void on_key(JsonReader& reader);

  UsageCounts counts_;
  UsageCounts read_;                        // of the object that is open
  int64_t UsageCounts::*number_ = nullptr;  // the value that comes
  uint32_t depth_ = 0;                      // of the object
  Details next_details_ = Details::none;    // what the object that comes is
  Details details_ = Details::none;         // one below the usage object
};

}  // namespace openai
