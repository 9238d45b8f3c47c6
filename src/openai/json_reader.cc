#include "openai/json_reader.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "openai/utf8.h"

namespace openai {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The value of a hexadecimal digit, or -1.
int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

size_t find(std::string_view text, char c) {
  const void* found = std::memchr(text.data(), c, text.size());
  return found == nullptr ? text.size()
                          : static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

// Where the first quote or bracket may be: no more than seven bytes before it. Eight bytes are
// looked at together; a few other characters look like brackets here (Y, y, _), which costs a look
// and no more.
size_t find_structure(std::string_view text) {
  constexpr uint64_t ones = 0x0101010101010101;
  constexpr uint64_t highs = 0x8080808080808080;
  size_t at = 0;
  for (; text.size() - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof word);
    const uint64_t quotes = word ^ (ones * '"');
    const uint64_t brackets = (word | (ones * 0x26)) ^ (ones * 0x7f);  // [ ] { }
    const uint64_t found = (((quotes - ones) & ~quotes) | ((brackets - ones) & ~brackets)) & highs;
    if (found != 0) break;
  }
  return at;
}

// Copies whole words of eight bytes up to the first in which there is a quote, a backslash, a
// control character or anything but ASCII; returns how many bytes that were.
size_t copy_plain_words(std::string_view text, char* to) {
  constexpr uint64_t ones = 0x0101010101010101;
  constexpr uint64_t highs = 0x8080808080808080;
  size_t at = 0;
  for (; text.size() - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof word);
    const uint64_t quotes = word ^ (ones * '"');
    const uint64_t escapes = word ^ (ones * '\\');
    const uint64_t found = (quotes - ones) | (escapes - ones) | (word - ones * 0x20) | word;
    if ((found & highs) != 0) break;
    std::memcpy(to + at, &word, sizeof word);
  }
  return at;
}

}  // namespace

void JsonReader::restart() {
  const size_t kept = keep_bytes_max_;
  *this = JsonReader();
  keep_bytes_max_ = kept;
}

JsonReader::Token JsonReader::next(std::string_view& piece) {
  while (!piece.empty()) {
    const size_t before = piece.size();
    const Token token = step(piece);
    offset_ += before - piece.size();
    if (token == Token::none) continue;
    raw_bytes_ = offset_ - token_offset_;
    if (token == Token::string || token == Token::key) raw_bytes_ -= 2;
    return token;
  }
  return Token::none;
}

void JsonReader::skip() {
  if (state_ == State::colon || state_ == State::value) {
    skip_value_ = true;
    return;
  }
  if (state_ != State::first_key && state_ != State::first_element) return;
  skip_depth_ = depth_;
  reports_close_ = true;
  state_ = State::skipped;
}

uint64_t JsonReader::open_string_bytes() const {
  const bool is_open =
      state_ == State::in_string || state_ == State::in_escape || state_ == State::in_code;
  return is_open && !string_is_key_ ? offset_ - token_offset_ : 0;
}

JsonReader::Token JsonReader::step(std::string_view& piece) {
  switch (state_) {
    case State::in_string:
    case State::in_escape:
    case State::in_code:
      return in_string(piece);
    case State::in_number:
      return in_number(piece);
    case State::in_literal:
      return in_literal(piece);
    case State::skipped:
      return skip_structure(piece);
    case State::skipped_string:
      skip_string(piece);
      return Token::none;
    case State::skipped_escape:
      piece.remove_prefix(1);
      state_ = State::skipped_string;
      return Token::none;
    case State::malformed:
      piece = {};
      return Token::none;
    default:
      return read_structure(piece);
  }
}

// Between values: what may stand here follows from the state.
JsonReader::Token JsonReader::read_structure(std::string_view& piece) {
  size_t spaces = 0;
  while (spaces < piece.size() && is_space(piece[spaces]))
    ++spaces;
  token_offset_ = offset_ + spaces;
  piece.remove_prefix(spaces);
  if (piece.empty()) return Token::none;
  const char c = piece.front();
  piece.remove_prefix(1);
  switch (state_) {
    case State::before:
      return begin_text(c);
    case State::first_element:
      return c == ']' ? close() : begin_value(c);
    case State::value:
      return begin_value(c);
    case State::first_key:
      if (c == '}') return close();
      [[fallthrough]];
    case State::key:
      if (c != '"') return fail();
      begin_string(text_bytes_max);
      string_is_key_ = true;
      return Token::none;
    case State::colon:
      if (c != ':') return fail();
      state_ = State::value;
      return Token::none;
    case State::separator:
      if (c == ',') {
        state_ = in_object() ? State::key : State::value;
        return Token::none;
      }
      return c == (in_object() ? '}' : ']') ? close() : fail();
    default:  // behind the end
      return fail();
  }
}

// A byte order mark may stand before everything else.
JsonReader::Token JsonReader::begin_text(char c) {
  const bool is_mark_over = bom_bytes_ == byte_order_mark.size();
  if (!is_mark_over && token_offset_ == bom_bytes_ && c == byte_order_mark[bom_bytes_]) {
    ++bom_bytes_;
    return Token::none;
  }
  return bom_bytes_ == 0 || is_mark_over ? begin_value(c) : fail();
}

JsonReader::Token JsonReader::begin_value(char c) {
  switch (c) {
    case '{':
    case '[':
      return open(c == '{');
    case '"':
      begin_string(skip_value_ ? 0 : keep_bytes_max_);
      string_is_key_ = false;
      return Token::none;
    case 't':
      return begin_literal(Token::truth, "rue");
    case 'f':
      return begin_literal(Token::falsehood, "alse");
    case 'n':
      return begin_literal(Token::null, "ull");
    default:
      if (c != '-' && !is_digit(c)) return fail();
      state_ = State::in_number;
      number_ = c == '-' ? Number::sign : c == '0' ? Number::zero : Number::digits;
      text_[0] = c;
      text_bytes_ = 1;
      text_whole_ = true;
      return Token::none;
  }
}

JsonReader::Token JsonReader::open(bool is_object) {
  ++depth_;
  if (skip_value_ || depth_ > depth_max) {
    skip_value_ = false;
    skip_depth_ = depth_;
    reports_close_ = false;
    state_ = State::skipped;
    return Token::none;
  }
  const uint64_t bit = uint64_t{1} << (depth_ - 1);
  objects_ = is_object ? objects_ | bit : objects_ & ~bit;
  state_ = is_object ? State::first_key : State::first_element;
  return is_object ? Token::open_object : Token::open_array;
}

JsonReader::Token JsonReader::close() {
  const Token token = in_object() ? Token::close_object : Token::close_array;
  --depth_;
  return end_value(token);
}

JsonReader::Token JsonReader::end_value(Token token) {
  state_ = depth_ == 0 ? State::after : State::separator;
  if (!skip_value_) return token;
  skip_value_ = false;
  return Token::none;
}

JsonReader::Token JsonReader::fail() {
  state_ = State::malformed;
  return Token::malformed;
}

void JsonReader::begin_string(size_t bytes_max) {
  state_ = State::in_string;
  keep_limit_ = static_cast<uint16_t>(std::min(bytes_max, text_bytes_max));
  text_bytes_ = 0;
  text_whole_ = keep_limit_ != 0;
  text_is_ascii_ = true;
  high_surrogate_ = 0;
}

JsonReader::Token JsonReader::in_string(std::string_view& piece) {
  while (!piece.empty()) {
    if (state_ == State::in_escape) {
      on_escape(piece.front());
      piece.remove_prefix(1);
      continue;
    }
    if (state_ == State::in_code && on_code_digit(piece.front())) {
      piece.remove_prefix(1);
      continue;
    }
    if (keep_limit_ != 0) {
      keep_plain(piece);
      if (piece.empty()) return Token::none;
      if (piece.front() == '\\') {
        piece.remove_prefix(1);
        state_ = State::in_escape;
        continue;
      }
      if (piece.front() == '"') {
        piece.remove_prefix(1);
        return end_string();
      }
    }
    // Each byte is looked at once or, where there are escapes, twice: memchr is many times faster
    // than a loop that looks for two characters.
    const size_t quote = find(piece, '"');
    const size_t escape = find(piece.substr(0, quote), '\\');
    if (escape != quote) {
      piece.remove_prefix(escape + 1);
      state_ = State::in_escape;
      skip_escapes(piece, quote - escape - 1);
      continue;
    }
    if (quote == piece.size()) {
      piece = {};
      return Token::none;
    }
    piece.remove_prefix(quote + 1);
    return end_string();
  }
  return Token::none;
}

// In text nobody keeps: goes over escapes up to the quote that was seen `quote` bytes on, so that
// it is not looked for again behind each.
void JsonReader::skip_escapes(std::string_view& piece, size_t quote) {
  size_t at = 0;
  for (;;) {
    if (at == piece.size()) break;  // in an escape that is not whole
    ++at;                           // what is escaped
    if (at > quote) {
      state_ = State::in_string;
      break;
    }
    at += find(piece.substr(at, quote - at), '\\');
    if (at == quote) {
      state_ = State::in_string;
      break;
    }
    ++at;  // the backslash
  }
  piece.remove_prefix(at);
}

JsonReader::Token JsonReader::end_string() {
  if (high_surrogate_ != 0) text_whole_ = false;
  if (text_whole_ && !text_is_ascii_ && !is_utf8(text())) text_whole_ = false;
  if (!string_is_key_) return end_value(Token::string);
  state_ = State::colon;
  return Token::key;
}

// Keeps what comes up to a quote or a backslash. Where there is no room for more, keeping is over:
// what follows is not looked at byte by byte.
void JsonReader::keep_plain(std::string_view& piece) {
  const auto is_end = [](char c) {
    return c == '"' || c == '\\';
  };
  if (!piece.empty() && !is_end(piece.front()) && high_surrogate_ != 0) {
    high_surrogate_ = 0;
    text_whole_ = false;
  }
  const size_t room = static_cast<size_t>(keep_limit_ - text_bytes_);
  const size_t size_max = std::min(room, piece.size());
  char* const kept = text_.data() + text_bytes_;
  size_t size = copy_plain_words(piece.substr(0, size_max), kept);
  for (; size < size_max && !is_end(piece[size]); ++size) {
    const auto byte = static_cast<unsigned char>(piece[size]);
    if (byte < 0x20) text_whole_ = false;
    if (byte >= 0x80) text_is_ascii_ = false;
    kept[size] = piece[size];
  }
  text_bytes_ = static_cast<uint16_t>(text_bytes_ + size);
  piece.remove_prefix(size);
  if (size == room && !piece.empty() && !is_end(piece.front())) stop_keeping();
}

void JsonReader::stop_keeping() {
  text_whole_ = false;
  keep_limit_ = 0;
}

void JsonReader::on_escape(char c) {
  state_ = State::in_string;
  if (keep_limit_ == 0) return;
  constexpr std::string_view escapes = "\"\\/bfnrt";
  constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
  if (c == 'u') {
    state_ = State::in_code;
    code_ = 0;
    code_digits_ = 0;
    return;
  }
  const size_t index = escapes.find(c);
  keep_code_point(index == std::string_view::npos ? code_point_max + 1
                                                  : static_cast<unsigned char>(meanings[index]));
}

// False where `c` is no digit: what was written is no code then, and `c` is an ordinary character.
bool JsonReader::on_code_digit(char c) {
  const int value = hex_value(c);
  if (value < 0) {
    state_ = State::in_string;
    text_whole_ = false;
    return false;
  }
  code_ = static_cast<uint16_t>(code_ << 4 | value);
  if (++code_digits_ < 4) return true;
  state_ = State::in_string;
  const bool is_high = code_ >= 0xd800 && code_ <= 0xdbff;
  const bool is_low = code_ >= 0xdc00 && code_ <= 0xdfff;
  if (is_low && high_surrogate_ != 0) {
    const uint32_t code = 0x10000 + (static_cast<uint32_t>(high_surrogate_ - 0xd800) << 10) +
                          static_cast<uint32_t>(code_ - 0xdc00);
    high_surrogate_ = 0;
    keep_code_point(code);
  } else if (is_high) {
    if (high_surrogate_ != 0) text_whole_ = false;
    high_surrogate_ = code_;
  } else {
    keep_code_point(is_low ? code_point_max + 1 : code_);
  }
  return true;
}

// Beyond code_point_max: something that is no character.
void JsonReader::keep_code_point(uint32_t code) {
  if (high_surrogate_ != 0 || code > code_point_max) {
    high_surrogate_ = 0;
    text_whole_ = false;
    if (code > code_point_max) return;
  }
  std::array<char, 4> bytes{};
  const size_t size = to_utf8(code, bytes);
  if (size > static_cast<size_t>(keep_limit_ - text_bytes_)) {
    stop_keeping();
    return;
  }
  std::copy_n(bytes.begin(), size, text_.begin() + text_bytes_);
  text_bytes_ = static_cast<uint16_t>(text_bytes_ + size);
}

JsonReader::Token JsonReader::in_number(std::string_view& piece) {
  size_t size = 0;
  while (size < piece.size() && on_number(piece[size]))
    ++size;
  const size_t kept = std::min(size, text_.size() - text_bytes_);
  std::copy_n(piece.begin(), kept, text_.begin() + text_bytes_);
  text_bytes_ = static_cast<uint16_t>(text_bytes_ + kept);
  if (kept != size) text_whole_ = false;
  piece.remove_prefix(size);
  if (piece.empty()) return Token::none;
  const bool is_whole = number_ == Number::zero || number_ == Number::digits ||
                        number_ == Number::fraction || number_ == Number::power;
  return is_whole ? end_value(Token::number) : fail();
}

// Whether `c` may come next in a number (RFC 8259, 6).
bool JsonReader::on_number(char c) {
  const bool digit = is_digit(c);
  switch (number_) {
    case Number::sign:
      if (digit) number_ = c == '0' ? Number::zero : Number::digits;
      return digit;
    case Number::digits:
      if (digit) return true;
      [[fallthrough]];
    case Number::zero:
      if (c == '.') {
        number_ = Number::point;
        return true;
      }
      break;
    case Number::point:
      if (digit) number_ = Number::fraction;
      return digit;
    case Number::fraction:
      if (digit) return true;
      break;
    case Number::exponent:
      if (c == '+' || c == '-') {
        number_ = Number::exponent_sign;
        return true;
      }
      [[fallthrough]];
    case Number::exponent_sign:
      if (digit) number_ = Number::power;
      return digit;
    case Number::power:
      return digit;
  }
  if (c != 'e' && c != 'E') return false;
  number_ = Number::exponent;
  return true;
}

JsonReader::Token JsonReader::begin_literal(Token token, std::string_view rest) {
  state_ = State::in_literal;
  literal_ = token;
  literal_rest_ = rest;
  return Token::none;
}

JsonReader::Token JsonReader::in_literal(std::string_view& piece) {
  const size_t size = std::min(piece.size(), literal_rest_.size());
  if (piece.substr(0, size) != literal_rest_.substr(0, size)) return fail();
  piece.remove_prefix(size);
  literal_rest_.remove_prefix(size);
  return literal_rest_.empty() ? end_value(literal_) : Token::none;
}

JsonReader::Token JsonReader::skip_structure(std::string_view& piece) {
  piece.remove_prefix(find_structure(piece));
  while (!piece.empty()) {
    const char c = piece.front();
    piece.remove_prefix(1);
    if (c == '"') {
      state_ = State::skipped_string;
      return Token::none;
    }
    if (c == '{' || c == '[') {
      ++depth_;
    } else if (c == '}' || c == ']') {
      if (depth_ == skip_depth_) return end_skipped(c);
      --depth_;
    } else if (piece.size() >= sizeof(uint64_t)) {
      piece.remove_prefix(find_structure(piece));
    }
  }
  return Token::none;
}

JsonReader::Token JsonReader::end_skipped(char c) {
  --depth_;
  state_ = depth_ == 0 ? State::after : State::separator;
  if (!reports_close_) return Token::none;
  return c == '}' ? Token::close_object : Token::close_array;
}

void JsonReader::skip_string(std::string_view& piece) {
  size_t quote = find(piece, '"');
  size_t at = 0;
  for (;;) {
    at += find(piece.substr(at, quote - at), '\\');
    if (at == quote) break;
    at += 2;
    if (at > piece.size()) {
      state_ = State::skipped_escape;
      piece = {};
      return;
    }
    if (at > quote) quote = at + find(piece.substr(at), '"');
  }
  if (quote == piece.size()) {
    piece = {};
    return;
  }
  piece.remove_prefix(quote + 1);
  state_ = State::skipped;
}

}  // namespace openai
