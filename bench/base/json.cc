#include "bench/base/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <optional>

namespace bench {
namespace {

// Deeper than any file of ours, shallow enough for the stack.
constexpr size_t depth_max = 64;

void append_utf8(std::string& out, uint32_t point) {
  const auto put = [&out](uint32_t byte) {
    out.push_back(static_cast<char>(byte));
  };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0 | point >> 6);
    put(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    put(0xe0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3f));
    put(0x80 | (point & 0x3f));
  } else {
    put(0xf0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3f));
    put(0x80 | (point >> 6 & 0x3f));
    put(0x80 | (point & 0x3f));
  }
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Each step returns false once `problem_` is set; the first problem stands.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  base::Result<Json, std::string> read() {
    Json json;
    if (read_value(json, 0)) {
      skip_blanks();
      if (at_ == text_.size()) return json;
      fail("something stands behind the end of the value");
    }
    const auto line =
        1 + std::count(text_.begin(), text_.begin() + static_cast<ptrdiff_t>(at_), '\n');
    return fmt::format("line {}: {}", line, problem_);
  }

 private:
  bool fail(std::string_view problem) {
    if (problem_.empty()) problem_ = problem;
    return false;
  }

  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool take(char c) {
    if (peek() != c || at_ == text_.size()) return false;
    ++at_;
    return true;
  }

  void skip_blanks() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }

  bool read_value(Json& json, size_t depth) {
    if (depth > depth_max) return fail("nested too deeply");
    skip_blanks();
    switch (peek()) {
      case '{':
        return read_object(json, depth);
      case '[':
        return read_list(json, depth);
      case '"': {
        std::string text;
        if (!read_text(text)) return false;
        json = Json(std::move(text));
        return true;
      }
      case 't':
        return read_word("true", Json(true), json);
      case 'f':
        return read_word("false", Json(false), json);
      case 'n':
        return read_word("null", Json(), json);
      default:
        return read_number(json);
    }
  }

  bool read_word(std::string_view word, Json value, Json& json) {
    if (text_.substr(at_, word.size()) != word) return fail("no JSON value begins like this");
    at_ += word.size();
    json = std::move(value);
    return true;
  }

  bool read_object(Json& json, size_t depth) {
    ++at_;
    Json::Members members;
    skip_blanks();
    if (!take('}')) {
      do {
        skip_blanks();
        auto& [key, value] = members.emplace_back();
        if (peek() != '"') return fail("a key in quotes is missing");
        if (!read_text(key)) return false;
        skip_blanks();
        if (!take(':')) return fail("a colon is missing behind a key");
        if (!read_value(value, depth + 1)) return false;
        skip_blanks();
      } while (take(','));
      if (!take('}')) return fail("a comma or } is missing");
    }
    json = Json(std::move(members));
    return true;
  }

  bool read_list(Json& json, size_t depth) {
    ++at_;
    Json::List list;
    skip_blanks();
    if (!take(']')) {
      do {
        if (!read_value(list.emplace_back(), depth + 1)) return false;
        skip_blanks();
      } while (take(','));
      if (!take(']')) return fail("a comma or ] is missing");
    }
    json = Json(std::move(list));
    return true;
  }

  // RFC 8259 section 6; std::from_chars alone takes "inf" and "01".
  bool read_number(Json& json) {
    const size_t begin = at_;
    take('-');
    if (!is_digit(peek())) return fail("no JSON value begins like this");
    if (!take('0')) skip_digits();
    if (take('.') && !skip_digits()) return fail("a digit is missing behind the point");
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (!take('+')) take('-');
      if (!skip_digits()) return fail("an exponent without digits");
    }
    double value = 0;
    const auto [end, error] = std::from_chars(text_.data() + begin, text_.data() + at_, value);
    if (error != std::errc{}) return fail("a number out of range");
    json = Json(value);
    return true;
  }

  bool skip_digits() {
    const size_t begin = at_;
    while (is_digit(peek())) {
      ++at_;
    }
    return at_ > begin;
  }

  bool read_text(std::string& text) {
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) {
        --at_;
        return fail("a text without its closing quote");
      }
      if (c != '\\') {
        text.push_back(c);
      } else if (!read_escape(text)) {
        return false;
      }
    }
    return fail("a text without its closing quote");
  }

  bool read_escape(std::string& text) {
    constexpr std::string_view names = "\"\\/bfnrt";
    constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    const char name = peek();
    if (at_ == text_.size()) return fail("a text without its closing quote");
    ++at_;
    if (name != 'u') {
      const size_t index = names.find(name);
      if (index == std::string_view::npos) return fail("an unknown escape in a text");
      text.push_back(meanings[index]);
      return true;
    }
    auto point = read_hex();
    if (!point) return fail("\\u needs four hexadecimal digits");
    if (*point >= 0xd800 && *point < 0xdc00) {
      const bool paired = take('\\') && take('u');
      const auto low = paired ? read_hex() : std::nullopt;
      if (!low || *low < 0xdc00 || *low > 0xdfff) return fail("half a surrogate pair");
      point = 0x10000 + ((*point - 0xd800) << 10) + (*low - 0xdc00);
    } else if (*point >= 0xdc00 && *point < 0xe000) {
      return fail("half a surrogate pair");
    }
    append_utf8(text, *point);
    return true;
  }

  std::optional<uint32_t> read_hex() {
    const std::string_view digits = text_.substr(at_, 4);
    uint32_t value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (error != std::errc{} || digits.size() != 4 || end != digits.data() + 4) return std::nullopt;
    at_ += 4;
    return value;
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string problem_;
};

}  // namespace

const Json& Json::operator[](std::string_view key) const {
  static const Json none;
  const Json* found = &none;
  for (const auto& [name, value] : members()) {
    if (name == key) found = &value;
  }
  return *found;
}

bool Json::has(std::string_view key) const {
  const auto is_it = [&](const auto& member) {
    return member.first == key;
  };
  return std::any_of(members().begin(), members().end(), is_it);
}

const Json::List& Json::list() const {
  static const List none;
  const auto* list = std::get_if<List>(&value_);
  return list == nullptr ? none : *list;
}

const Json::Members& Json::members() const {
  static const Members none;
  const auto* members = std::get_if<Members>(&value_);
  return members == nullptr ? none : *members;
}

double Json::number(double fallback) const {
  const double* number = as_number();
  return number == nullptr ? fallback : *number;
}

std::string Json::text(std::string_view fallback) const {
  const std::string* text = as_text();
  return text == nullptr ? std::string(fallback) : *text;
}

base::Result<Json, std::string> parse_json(std::string_view text) {
  return Reader(text).read();
}

void JsonWriter::key(std::string_view name) {
  value(name);
  text_ += ": ";
  after_key_ = true;
}

void JsonWriter::value(std::string_view text) {
  before_item();
  text_.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      text_.push_back('\\');
      text_.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(text_), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      text_.push_back(c);
    }
  }
  text_.push_back('"');
}

void JsonWriter::value(bool value) {
  put(value ? "true" : "false");
}

void JsonWriter::value(uint64_t value) {
  put(fmt::format("{}", value));
}

void JsonWriter::value(double value) {
  put(std::isfinite(value) ? fmt::format("{:.10g}", value) : "null");
}

void JsonWriter::put(std::string_view text) {
  before_item();
  text_ += text;
}

void JsonWriter::open(char bracket, Layout layout) {
  before_item();
  text_.push_back(bracket);
  // What stands in one line has all it holds in that line.
  const bool inherited = !levels_.empty() && levels_.back().layout == Layout::one_line;
  levels_.push_back({inherited ? Layout::one_line : layout, true});
}

void JsonWriter::close(char bracket) {
  const Level level = levels_.back();
  levels_.pop_back();
  if (level.layout == Layout::lines && !level.is_empty) {
    text_.push_back('\n');
    text_.append(2 * levels_.size(), ' ');
  }
  text_.push_back(bracket);
}

void JsonWriter::before_item() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (levels_.empty()) return;
  Level& level = levels_.back();
  if (!level.is_empty) text_.push_back(',');
  if (level.layout == Layout::lines) {
    text_.push_back('\n');
    text_.append(2 * levels_.size(), ' ');
  } else if (!level.is_empty) {
    text_.push_back(' ');
  }
  level.is_empty = false;
}

}  // namespace bench
