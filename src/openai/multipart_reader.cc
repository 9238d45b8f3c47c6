#include "openai/multipart_reader.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "base/ascii.h"

namespace openai {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

bool is_equal(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char left, char right) {
    return base::to_lower(left) == base::to_lower(right);
  });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back()))
    text.remove_suffix(1);
  return text;
}

// The size of the first parameter or type of `text`, up to its semicolon: those in quotes do not
// count.
size_t parameter_size(std::string_view text) {
  bool is_quoted = false;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') is_quoted = !is_quoted;
    if (text[at] == '\\' && is_quoted) ++at;
    if (at < text.size() && text[at] == ';' && !is_quoted) return at;
  }
  return text.size();
}

constexpr size_t absent = static_cast<size_t>(-1);

// Writes the value of the parameter `name` of `field` ("form-data; name=…") to `out`, without its
// quotes and escapes, and returns its size; absent where there is none, more than out.size() where
// it is too long.
size_t read_parameter(std::string_view field, std::string_view name, std::span<char> out) {
  for (;;) {
    const size_t end = parameter_size(field);
    if (end == field.size()) return absent;
    field.remove_prefix(end + 1);
    const std::string_view parameter = field.substr(0, parameter_size(field));
    const size_t equals = parameter.find('=');
    if (equals == std::string_view::npos) continue;
    if (!is_equal(trimmed(parameter.substr(0, equals)), name)) continue;
    std::string_view value = trimmed(parameter.substr(equals + 1));
    const bool is_quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
    if (is_quoted) value = value.substr(1, value.size() - 2);
    size_t size = 0;
    for (size_t at = 0; at < value.size(); ++at) {
      if (is_quoted && value[at] == '\\' && at + 1 < value.size()) ++at;
      if (size < out.size()) out[size] = value[at];
      ++size;
    }
    return size;
  }
}

}  // namespace

MultipartReader::MultipartReader(std::string_view content_type) {
  constexpr std::string_view begin = "\r\n--";
  std::copy(begin.begin(), begin.end(), delimiter_.begin());
  const size_t size =
      is_form(content_type)
          ? read_parameter(content_type, "boundary", std::span(delimiter_).subspan(begin.size()))
          : absent;
  if (size == 0 || size > boundary_bytes_max) {
    state_ = State::malformed;
    return;
  }
  delimiter_bytes_ = static_cast<uint8_t>(begin.size() + size);
}

bool MultipartReader::is_form(std::string_view content_type) {
  return is_equal(trimmed(content_type.substr(0, parameter_size(content_type))),
                  "multipart/form-data");
}

MultipartReader::Event MultipartReader::next(std::string_view& piece) {
  while (!piece.empty()) {
    bool is_fine = true;
    switch (state_) {
      case State::preamble:
      case State::content:
        if (!read_content(piece)) break;
        if (const Event event = end_part(); event != Event::none) return event;
        break;
      case State::behind_delimiter:
        is_fine = read_behind_delimiter(piece.front());
        piece.remove_prefix(1);
        break;
      case State::head:
        is_fine = read_head_byte(piece.front());
        piece.remove_prefix(1);
        break;
      case State::after:
        piece = {};
        break;
      case State::malformed:
        is_fine = is_reported_;
        piece = {};
        break;
    }
    if (!is_fine) {
      state_ = State::malformed;
      is_reported_ = true;
      return Event::malformed;
    }
  }
  return Event::none;
}

// True where the delimiter is complete. No byte of it but the first is CR, so that where it does
// not go on nothing of it can be another's beginning.
bool MultipartReader::read_content(std::string_view& piece) {
  const std::string_view delimiter(delimiter_.data(), delimiter_bytes_);
  while (!piece.empty()) {
    if (matched_ == 0) {
      const size_t size = std::min(piece.find('\r'), piece.size());
      keep(piece.substr(0, size));
      piece.remove_prefix(size);
      if (piece.empty()) return false;
    }
    if (piece.front() != delimiter[matched_]) {
      keep(delimiter.substr(before_content_, matched_ - before_content_));
      matched_ = 0;
      before_content_ = 0;
      continue;
    }
    piece.remove_prefix(1);
    if (++matched_ == delimiter.size()) return true;
  }
  return false;
}

void MultipartReader::keep(std::string_view part) {
  if (state_ == State::preamble) return;
  bytes_ += part.size();
  if (is_file_) return;
  const size_t size = std::min(part.size(), value_.size() - value_bytes_);
  std::copy_n(part.begin(), size, value_.begin() + value_bytes_);
  value_bytes_ = static_cast<uint16_t>(value_bytes_ + size);
}

MultipartReader::Event MultipartReader::end_part() {
  const bool was_part = state_ == State::content;
  state_ = State::behind_delimiter;
  tail_bytes_ = 0;
  if (!was_part) return Event::none;
  return is_file_ ? Event::file : Event::field;
}

// "--" ends the form; else white space and a line's end come (RFC 2046, 5.1.1).
bool MultipartReader::read_behind_delimiter(char c) {
  constexpr uint8_t closing = 1;
  constexpr uint8_t blank = 2;
  constexpr uint8_t line_end = 3;
  switch (tail_bytes_) {
    case 0:
      if (c == '-') {
        tail_bytes_ = closing;
        return true;
      }
      [[fallthrough]];
    case blank:
      tail_bytes_ = c == '\r' ? line_end : blank;
      return c == '\r' || is_blank(c);
    case closing:
      state_ = State::after;
      return c == '-';
    default:
      begin_part();
      return c == '\n';
  }
}

void MultipartReader::begin_part() {
  state_ = State::head;
  head_bytes_ = 0;
  tail_bytes_ = 2;  // a line has just ended
  bytes_ = 0;
  value_bytes_ = 0;
  name_bytes_ = 0;
  matched_ = 0;
  is_file_ = false;
}

bool MultipartReader::read_head_byte(char c) {
  constexpr std::string_view end = "\r\n\r\n";
  if (head_bytes_ == head_.size()) return false;
  head_[head_bytes_++] = c;
  if (c == end[tail_bytes_]) {
    ++tail_bytes_;
  } else {
    tail_bytes_ = c == '\r' ? 1 : 0;
  }
  if (tail_bytes_ == end.size()) {
    read_head();
    state_ = State::content;
    // An empty part's delimiter begins with the line end that ended its head.
    matched_ = 2;
    before_content_ = 2;
  }
  return true;
}

void MultipartReader::read_head() {
  constexpr std::string_view field_name = "content-disposition";
  std::string_view head(head_.data(), head_bytes_);
  while (!head.empty()) {
    const size_t size = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, size);
    head.remove_prefix(std::min(size + 2, head.size()));
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_equal(line.substr(0, colon), field_name)) continue;
    const std::string_view value = line.substr(colon + 1);
    const size_t name_size = read_parameter(value, "name", name_);
    name_bytes_ = name_size <= name_.size() ? static_cast<uint8_t>(name_size) : uint8_t{0};
    is_file_ = read_parameter(value, "filename", {}) != absent ||
               read_parameter(value, "filename*", {}) != absent;
  }
}

}  // namespace openai
