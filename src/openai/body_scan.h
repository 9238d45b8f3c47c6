#pragma once

// The three members that matter of a request's JSON body, found on the way through: nothing is
// buffered, whatever the body's size.

#include <array>
#include <cstdint>
#include <string_view>

namespace openai {

// Value. Feed it a body in pieces of any size. It follows strings, escapes and nesting, so that no
// prompt can fool it, and is tolerant beyond that: it does not tell a number from a bad one.
class BodyScan {
 public:
  static constexpr size_t model_bytes_max = 64;

  void feed(std::string_view piece);

  // Valid once the body has ended:
  // Whether it was one JSON object, closed, and nothing behind it.
  [[nodiscard]] bool is_object() const { return state_ == State::after; }
  [[nodiscard]] bool stream() const { return stream_; }
  // stream_options.include_usage
  [[nodiscard]] bool include_usage() const { return include_usage_; }
  // encoding_format is "base64"
  [[nodiscard]] bool base64() const { return base64_; }
  // As it stood between its quotes, fit for JSON; empty when there was none, when it is too long or
  // holds escapes.
  [[nodiscard]] std::string_view model() const { return {model_.data(), model_bytes_}; }

 private:
  enum class State : uint8_t { before, inside, in_string, escaped, after, malformed };
  enum class Member : uint8_t { other, stream, stream_options, include_usage, encoding, model };

  const char* skip_space(const char* at, const char* end);
  const char* in_object(const char* at, const char* end);
  const char* in_string(const char* at, const char* end);
  void on_structure(char c);
  void on_literal(char c);
  void begin_string();
  void keep(std::string_view part);
  void end_string();
  [[nodiscard]] bool is_watched() const { return depth_ == 1 || (depth_ == 2 && in_options_); }

  std::array<char, model_bytes_max> text_{};  // of a string that matters
  std::array<char, model_bytes_max> model_{};
  uint32_t depth_ = 0;
  uint8_t text_bytes_ = 0;
  uint8_t model_bytes_ = 0;
  State state_ = State::before;
  Member member_ = Member::other;  // whose value comes
  bool in_options_ = false;        // at depth 2 and below: within stream_options
  bool is_value_ = false;          // behind a colon
  bool keeps_ = false;             // of the current string
  bool stream_ = false;
  bool include_usage_ = false;
  bool base64_ = false;
};

}  // namespace openai
