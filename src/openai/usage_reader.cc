#include "openai/usage_reader.h"

#include <algorithm>
#include <utility>

#include "openai/json_number.h"
#include "openai/name_table.h"

namespace openai {
namespace {

using Counts = UsageCounts;
using Details = UsageReader::Details;

struct Member {
  int64_t Counts::*count = nullptr;
  bool Counts::*says = nullptr;  // what its name tells of the dialect
  Details details = Details::none;
};

constexpr NameTable members = NameTable<Member, 20>({
    {"prompt_tokens", {&Counts::input, &Counts::names_prompt}},
    {"completion_tokens", {&Counts::output}},
    {"input_tokens", {&Counts::input}},
    {"output_tokens", {&Counts::output}},
    {"reasoning_tokens", {&Counts::reasoning}},
    {"seconds", {&Counts::audio_ms}},
    {"prompt_tokens_details", {.details = Details::input}},
    {"input_tokens_details", {.details = Details::input}},
    {"input_token_details", {.details = Details::input}},
    {"completion_tokens_details", {.details = Details::output}},
    {"output_tokens_details", {.details = Details::output}},
    {"output_token_details", {.details = Details::output}},
    // DeepSeek, Moonshot
    {"prompt_cache_hit_tokens", {&Counts::cached}},
    {"cached_tokens", {&Counts::cached}},
    // Anthropic
    {"cache_read_input_tokens", {&Counts::cached, &Counts::names_cache_apart}},
    {"cache_creation_input_tokens", {&Counts::cache_written, &Counts::names_cache_apart}},
    // Gemini
    {"promptTokenCount", {&Counts::input}},
    {"candidatesTokenCount", {&Counts::output}},
    {"cachedContentTokenCount", {&Counts::cached}},
    {"thoughtsTokenCount", {&Counts::reasoning, &Counts::counts_reasoning_apart}},
});
constexpr NameTable input_details = NameTable<Member, 5>({
    {"cached_tokens", {&Counts::cached}},
    {"cache_write_tokens", {&Counts::cache_written}},
    {"audio_tokens", {&Counts::audio_input}},
    {"image_tokens", {&Counts::image_input}},
    {"cached_tokens_details", {.details = Details::cached}},
});
constexpr NameTable output_details = NameTable<Member, 3>({
    {"reasoning_tokens", {&Counts::reasoning}},
    {"audio_tokens", {&Counts::audio_output}},
    {"image_tokens", {&Counts::image_output}},
});
constexpr NameTable cached_details = NameTable<Member, 2>({
    {"audio_tokens", {&Counts::audio_cached}},
    {"image_tokens", {&Counts::image_cached}},
});
constexpr int64_t Counts::*all_counts[] = {&Counts::input,
                                           &Counts::output,
                                           &Counts::cached,
                                           &Counts::cache_written,
                                           &Counts::reasoning,
                                           &Counts::audio_input,
                                           &Counts::audio_cached,
                                           &Counts::audio_output,
                                           &Counts::image_input,
                                           &Counts::image_cached,
                                           &Counts::image_output,
                                           &Counts::audio_ms};

const Member* find(Details where, std::string_view name) {
  switch (where) {
    case Details::none:
      return members.find(name);
    case Details::input:
      return input_details.find(name);
    case Details::output:
      return output_details.find(name);
    case Details::cached:
      break;
  }
  return cached_details.find(name);
}

}  // namespace

void UsageCounts::update(const UsageCounts& later) {
  for (const auto count : all_counts) {
    if (later.*count >= 0) this->*count = later.*count;
  }
  names_prompt |= later.names_prompt;
  names_cache_apart |= later.names_cache_apart;
  counts_reasoning_apart |= later.counts_reasoning_apart;
}

Usage UsageCounts::normalised() const {
  const auto said = [](int64_t count) {
    return std::max<int64_t>(count, 0);
  };
  Usage usage{.input = said(input),
              .cached = said(cached),
              .cache_written = said(cache_written),
              .output = said(output),
              .reasoning = said(reasoning),
              .audio_input = said(audio_input),
              .audio_cached = said(audio_cached),
              .audio_output = said(audio_output),
              .image_input = said(image_input),
              .image_cached = said(image_cached),
              .image_output = said(image_output),
              .audio_ms = said(audio_ms)};
  if (names_cache_apart && !names_prompt) {
    usage.input = std::min(tokens_max, usage.input + usage.cached + usage.cache_written);
  }
  if (counts_reasoning_apart) usage.output = std::min(tokens_max, usage.output + usage.reasoning);
  return usage;
}

void UsageReader::begin(const JsonReader& reader) {
  read_ = {};
  number_ = nullptr;
  details_ = Details::none;
  next_details_ = Details::none;
  depth_ = reader.depth();
}

bool UsageReader::on_token(JsonReader& reader, JsonReader::Token token) {
  using Token = JsonReader::Token;
  if (token == Token::key) {
    on_key(reader);
    return false;
  }
  const auto number = std::exchange(number_, nullptr);
  const Details details = std::exchange(next_details_, Details::none);
  switch (token) {
    case Token::number:
      if (number != nullptr) {
        const int64_t scale = number == &Counts::audio_ms ? 1000 : 1;
        const int64_t count = count_of(reader.text(), reader.is_text_whole(), tokens_max, scale);
        read_.*number = std::max(read_.*number, count);
      }
      return false;
    case Token::open_object:
      if (details == Details::none) {
        reader.skip();
      } else {
        details_ = details;
      }
      return false;
    case Token::open_array:
      reader.skip();
      return false;
    case Token::close_object:
      if (reader.depth() >= depth_) {
        const bool is_cached = details_ == Details::cached && reader.depth() > depth_;
        details_ = is_cached ? Details::input : Details::none;
        return false;
      }
      if (read_.says_something()) counts_ = read_;
      return true;
    default:
      return false;
  }
}

void UsageReader::on_key(JsonReader& reader) {
  const std::string_view name = reader.is_text_whole() ? reader.text() : std::string_view();
  const Member* member = find(details_, name);
  number_ = member == nullptr ? nullptr : member->count;
  next_details_ = member == nullptr ? Details::none : member->details;
  if (member == nullptr) {
    reader.skip();
  } else if (member->says != nullptr) {
    read_.*member->says = true;
  }
}

}  // namespace openai
