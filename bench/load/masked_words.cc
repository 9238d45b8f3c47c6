#include "bench/load/masked_words.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace bench::load {
namespace {

constexpr std::string_view mask = "***";
constexpr std::string_view key_begin = "sk-";
// As they stand in a URL, a path or a key: all else ends one.
constexpr std::string_view key_characters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
constexpr std::string_view plain_characters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./:=,@%+";

// "Name: value" as "Name: ***"; without a colon it may be a value alone.
std::string masked_field(std::string_view field) {
  const size_t colon = field.find(':');
  if (colon == std::string_view::npos) return std::string(mask);
  return std::string(field.substr(0, colon + 1)) + " " + std::string(mask);
}

void replace_all(std::string& text, std::string_view what) {
  if (what.empty()) return;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
    text.replace(at, what.size(), mask);
    at += mask.size();
  }
}

// A word whose meaning is not known to be harmless: a URL, a path, a file's name.
std::string masked_other(std::string word, std::string_view key) {
  replace_all(word, key);
  const size_t scheme = word.find("://");
  if (scheme != std::string::npos) {
    const size_t begin = scheme + 3;
    const size_t host_end = std::min(word.find_first_of("/?#", begin), word.size());
    const size_t user_end = word.rfind('@', host_end);
    if (user_end != std::string::npos && user_end >= begin && user_end < host_end) {
      word.replace(begin, user_end - begin, mask);
    }
  }
  const size_t query = word.find('?');
  if (query != std::string::npos) word.replace(query + 1, std::string::npos, mask);
  for (size_t at = word.find(key_begin); at != std::string::npos; at = word.find(key_begin, at)) {
    const size_t end = std::min(word.find_first_not_of(key_characters, at), word.size());
    word.replace(at, end - at, mask);
    at += mask.size();
  }
  return word;
}

std::string quoted(const std::string& word) {
  if (!word.empty() && word.find_first_not_of(plain_characters) == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word) {
    if (c == '\'') {
      text += "'\\''";
    } else {
      text += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
  }
  return text + "'";
}

enum class Value : uint8_t { other, field, prompt };

// What the word behind `word` is, or what is attached to it from `attached` on.
Value value_of(std::string_view word, size_t& attached) {
  attached = std::string_view::npos;
  for (const auto& [name, value] :
       {std::pair<std::string_view, Value>{"--header", Value::field},
        std::pair<std::string_view, Value>{"--prompt", Value::prompt}}) {
    if (word == name) return value;
    if (word.starts_with(name) && word[name.size()] == '=') {
      attached = name.size() + 1;
      return value;
    }
  }
  // -H, -Hvalue, and behind flags of one letter: -kqH.
  const size_t letter = word.starts_with("--") ? 0 : word.find_first_not_of("kq", 1);
  if (!word.starts_with('-') || letter >= word.size() || word[letter] != 'H') return Value::other;
  if (letter + 1 < word.size()) attached = letter + 1;
  return Value::field;
}

std::string masked_value(Value value, std::string_view text) {
  return value == Value::field ? masked_field(text) : std::string(mask);
}

}  // namespace

std::string masked_command_line(const std::vector<std::string>& words, std::string_view key) {
  std::string line = "openai-proxy-bench";
  Value expected = Value::other;
  for (const std::string& word : words) {
    size_t attached = std::string::npos;
    const Value value = expected == Value::other ? value_of(word, attached) : Value::other;
    std::string shown;
    if (expected != Value::other) {
      shown = masked_value(expected, word);
    } else if (attached != std::string::npos) {
      shown =
          word.substr(0, attached) + masked_value(value, std::string_view(word).substr(attached));
    } else {
      shown = masked_other(word, key);
    }
    expected = attached == std::string::npos ? value : Value::other;
    line += " " + quoted(shown);
  }
  return line;
}

}  // namespace bench::load
