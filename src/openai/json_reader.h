#pragma once

// JSON read as it passes, cut anywhere: tokens instead of a document, nothing allocated, whatever
// the body's size, depth or length of line.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace openai {

// Value. One thread. Give it a text in pieces and take the tokens of each until it says `none`:
//
//   while ((token = reader.next(piece)) != JsonReader::Token::none) …
//
// Structure is checked (RFC 8259), so that it and another parser agree on what is a member and what
// is text; inside of what is skipped only strings and brackets are followed, and the inside of a
// string is not checked unless it is kept.
class JsonReader {
 public:
  static constexpr size_t text_bytes_max = 256;
  // Deeper than this is skipped.
  static constexpr uint32_t depth_max = 64;

  enum class Token : uint8_t {
    none,          // the piece is used up
    key,           // text(): the member's name
    string,        // text(): its value, as far as keep_text() asked for it
    number,        // text(): as written
    truth,         // true
    falsehood,     // false
    null,          //
    open_object,   // depth() counts it
    open_array,    //
    close_object,  // depth() no longer counts it
    close_array,   //
    malformed,     // no JSON; said once, all that follows is ignored
  };

  // The next token of `piece`, which is shortened by what was read.
  [[nodiscard]] Token next(std::string_view& piece);

  // The string or number that was the last token, escapes decoded. Valid until the next call of
  // next().
  [[nodiscard]] std::string_view text() const { return {text_.data(), text_bytes_}; }
  // Whether text() is all of it and UTF-8 without raw control characters. A key for which this is
  // false has no name that anybody asks for.
  [[nodiscard]] bool is_text_whole() const { return text_whole_; }
  // How many bytes the last string or number had between its quotes, as written.
  [[nodiscard]] uint64_t raw_bytes() const { return raw_bytes_; }

  // How much of string values is kept from now on: at most text_bytes_max, 0 for nothing (text() is
  // then empty and is_text_whole() false). Keys and numbers are always kept.
  void keep_text(size_t bytes_max) { keep_bytes_max_ = bytes_max; }
  // After a key, open_object or open_array: its value, or what is in it, is not reported. For a key
  // nothing follows; for an opened one, its close does.
  void skip();

  // Begins another text. What keep_text() said holds on.
  void restart();

  // How many bytes of a string that has not ended have come, its quote included, and text() is what
  // was kept of it; 0 where none is open.
  [[nodiscard]] uint64_t open_string_bytes() const;

  // Objects and arrays that are open.
  [[nodiscard]] uint32_t depth() const { return depth_; }
  // Bytes read since the beginning: just behind the last token.
  [[nodiscard]] uint64_t offset() const { return offset_; }
  // Where the last string, number or literal began (a string with its quote).
  [[nodiscard]] uint64_t token_offset() const { return token_offset_; }
  // Whether one whole value has been read and nothing but white space behind it. A number at the
  // top has no end that could be seen: it is never whole.
  [[nodiscard]] bool is_complete() const { return state_ == State::after; }
  [[nodiscard]] bool is_malformed() const { return state_ == State::malformed; }

 private:
  enum class State : uint8_t {
    before,          // of the text
    value,           // must come
    first_element,   // or the end of the array
    first_key,       // or the end of the object
    key,             // must come
    colon,           // must come
    separator,       // a comma or the end of what is open
    in_string,       //
    in_escape,       // behind a backslash
    in_code,         // within \uXXXX
    in_number,       //
    in_literal,      //
    skipped,         // in an object or array that is
    skipped_string,  // in a string of one
    skipped_escape,  // in an escape of that
    after,           //
    malformed,       //
  };
  enum class Number : uint8_t {
    sign,
    zero,
    digits,
    point,
    fraction,
    exponent,
    exponent_sign,
    power
  };

  Token step(std::string_view& piece);
  Token read_structure(std::string_view& piece);
  Token begin_text(char c);
  Token begin_value(char c);
  Token open(bool is_object);
  Token close();
  Token end_value(Token token);
  Token fail();
  void begin_string(size_t bytes_max);
  Token in_string(std::string_view& piece);
  void skip_escapes(std::string_view& piece, size_t quote);
  Token end_string();
  void keep_plain(std::string_view& piece);
  void stop_keeping();
  void keep_code_point(uint32_t code);
  void on_escape(char c);
  bool on_code_digit(char c);
  Token in_number(std::string_view& piece);
  bool on_number(char c);
  Token begin_literal(Token token, std::string_view rest);
  Token in_literal(std::string_view& piece);
  Token skip_structure(std::string_view& piece);
  Token end_skipped(char c);
  void skip_string(std::string_view& piece);
  [[nodiscard]] bool in_object() const { return (objects_ >> (depth_ - 1) & 1) != 0; }

  std::array<char, text_bytes_max> text_{};
  uint64_t offset_ = 0;
  uint64_t token_offset_ = 0;
  uint64_t raw_bytes_ = 0;
  uint64_t objects_ = 0;  // a bit for each open one: object or array
  size_t keep_bytes_max_ = text_bytes_max;
  std::string_view literal_rest_;
  uint32_t depth_ = 0;
  uint32_t skip_depth_ = 0;  // of what is skipped
  uint16_t text_bytes_ = 0;
  uint16_t keep_limit_ = 0;  // of the string being read
  uint16_t code_ = 0;        // \uXXXX so far
  uint16_t high_surrogate_ = 0;
  uint8_t code_digits_ = 0;
  State state_ = State::before;
  Number number_ = Number::sign;
  Token literal_ = Token::none;
  bool string_is_key_ = false;
  bool skip_value_ = false;     // the value of the last key
  bool reports_close_ = false;  // of what is skipped
  bool text_whole_ = false;
  bool text_is_ascii_ = true;
  uint8_t bom_bytes_ = 0;  // of a byte order mark at the very beginning
};

}  // namespace openai
