#include "http/field_lines.h"

#include <cstdint>
#include <cstring>

#include "http/chars.h"

namespace http {
namespace {

// Whether one of eight bytes is a control; tabs are taken for one too.
bool may_have_control(const char* text) {
  constexpr uint64_t each = 0x0101'0101'0101'0101;
  uint64_t word = 0;
  std::memcpy(&word, text, sizeof word);
  const uint64_t without_delete = word ^ (each * 0x7f);
  const uint64_t below_space = (word - each * 0x20) & ~word;
  const uint64_t is_delete = (without_delete - each) & ~without_delete;
  return ((below_space | is_delete) & (each * 0x80)) != 0;
}

// is_field_text(), eight bytes at a time where there are as many.
bool is_plain_value(std::string_view text) {
  constexpr size_t word_bytes = sizeof(uint64_t);
  if (text.size() < word_bytes) return is_field_text(text);
  const size_t last = text.size() - word_bytes;
  for (size_t i = 0; i < last; i += word_bytes) {
    if (may_have_control(text.data() + i)) return is_field_text(text);
  }
  return !may_have_control(text.data() + last) || is_field_text(text);
}

}  // namespace

std::string_view without_trailing_space(std::string_view text) {
  const size_t last = text.find_last_not_of(" \t");
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

bool split_plain_fields(std::string_view lines, size_t fields_max, std::vector<Field>& fields) {
  const size_t before = fields.size();
  const auto not_plain = [&] {
    fields.resize(before);
    return false;
  };
  while (!lines.empty()) {
    const size_t line_feed = lines.find('\n');
    if (line_feed == std::string_view::npos || line_feed == 0) return not_plain();
    const std::string_view line = lines.substr(0, line_feed - 1);
    if (lines[line_feed - 1] != '\r' || fields.size() - before == fields_max) return not_plain();
    size_t colon = 0;
    while (colon < line.size() && is_token_char(line[colon]))
      ++colon;
    if (colon == 0 || colon == line.size() || line[colon] != ':') return not_plain();
    const std::string_view value = line.substr(colon + 1);
    if (!is_plain_value(value)) return not_plain();
    const std::string_view name = line.substr(0, colon);
    fields.push_back({name, trimmed(value), field_id(name)});
    lines.remove_prefix(line_feed + 1);
  }
  return true;
}

}  // namespace http
