#include "openai/body_scan.h"

#include <algorithm>
#include <cstring>

namespace openai {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

const char* find(const char* at, const char* end, char c) {
  const void* found = std::memchr(at, c, static_cast<size_t>(end - at));
  return found == nullptr ? end : static_cast<const char*>(found);
}

}  // namespace

void BodyScan::feed(std::string_view piece) {
  const char* at = piece.data();
  const char* const end = at + piece.size();
  while (at != end) {
    switch (state_) {
      case State::before:
      case State::after:
        at = skip_space(at, end);
        break;
      case State::inside:
        at = in_object(at, end);
        break;
      case State::in_string:
        at = in_string(at, end);
        break;
      case State::escaped:
        ++at;
        state_ = State::in_string;
        break;
      case State::malformed:
        return;
    }
  }
}

// Before the object and behind it.
const char* BodyScan::skip_space(const char* at, const char* end) {
  at = std::find_if_not(at, end, is_space);
  if (at == end) return end;
  if (state_ == State::before && *at == '{') {
    state_ = State::inside;
    depth_ = 1;
  } else {
    state_ = State::malformed;
  }
  return at + 1;
}

const char* BodyScan::in_object(const char* at, const char* end) {
  while (at != end && state_ == State::inside) {
    const char c = *at++;
    switch (c) {
      case '"':
        begin_string();
        break;
      case '{':
      case '}':
      case '[':
      case ']':
      case ':':
      case ',':
        on_structure(c);
        break;
      default:
        if (is_value_ && is_watched() && !is_space(c)) on_literal(c);
        break;
    }
  }
  return at;
}

void BodyScan::on_structure(char c) {
  switch (c) {
    case '{':
    case '[':
      if (depth_ == 1) {
        in_options_ = c == '{' && is_value_ && member_ == Member::stream_options;
        if (in_options_) include_usage_ = false;
      }
      ++depth_;
      is_value_ = false;
      break;
    case '}':
    case ']':
      --depth_;
      is_value_ = false;
      if (depth_ == 0) state_ = c == '}' ? State::after : State::malformed;
      break;
    case ':':
      is_value_ = true;
      break;
    default:  // a comma
      is_value_ = false;
      break;
  }
}

// The first byte tells; the others come here too.
void BodyScan::on_literal(char c) {
  if (member_ == Member::stream) stream_ = c == 't';
  if (member_ == Member::include_usage) include_usage_ = c == 't';
  member_ = Member::other;
}

void BodyScan::begin_string() {
  state_ = State::in_string;
  keeps_ = is_watched() && (!is_value_ || member_ == Member::model || member_ == Member::encoding);
  text_bytes_ = 0;
}

// Each byte is looked at once or, where there are escapes, twice: memchr is many times faster than
// a loop that looks for two characters.
const char* BodyScan::in_string(const char* at, const char* end) {
  const char* quote = find(at, end, '"');
  for (;;) {
    const char* const escape = find(at, quote, '\\');
    if (keeps_) keep({at, static_cast<size_t>(escape - at)});
    if (escape == quote) break;
    keeps_ = false;
    text_bytes_ = 0;
    at = escape + 1;
    if (at == end) {
      state_ = State::escaped;
      return end;
    }
    ++at;
    if (at > quote) quote = find(at, end, '"');
  }
  if (quote == end) return end;
  end_string();
  return quote + 1;
}

void BodyScan::keep(std::string_view part) {
  const bool is_clean = std::none_of(
      part.begin(), part.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (!is_clean || part.size() > text_.size() - text_bytes_) {
    keeps_ = false;
    text_bytes_ = 0;
    return;
  }
  std::copy(part.begin(), part.end(), text_.begin() + text_bytes_);
  text_bytes_ = static_cast<uint8_t>(text_bytes_ + part.size());
}

void BodyScan::end_string() {
  state_ = State::inside;
  if (!is_watched()) return;
  const std::string_view text(text_.data(), text_bytes_);
  if (is_value_) {
    if (member_ == Member::encoding) base64_ = text == "base64";
    if (member_ == Member::model) {
      std::copy(text.begin(), text.end(), model_.begin());
      model_bytes_ = text_bytes_;
    }
    if (member_ == Member::stream) stream_ = false;
    member_ = Member::other;
    return;
  }
  member_ = Member::other;
  if (depth_ == 2) {
    if (text == "include_usage") member_ = Member::include_usage;
  } else if (text == "stream") {
    member_ = Member::stream;
  } else if (text == "model") {
    member_ = Member::model;
  } else if (text == "stream_options") {
    member_ = Member::stream_options;
  } else if (text == "encoding_format") {
    member_ = Member::encoding;
  }
}

}  // namespace openai
