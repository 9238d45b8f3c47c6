#include "config/yaml_hints.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <optional>

namespace config {
namespace {

// Characters of an input method's full-width mode, and what YAML wants.
struct Wide {
  std::string_view wide;
  std::string_view plain;
};
constexpr std::array<Wide, 14> wide_characters{{{"：", ":"},
                                                {"，", ","},
                                                {"“", "\""},
                                                {"”", "\""},
                                                {"‘", "'"},
                                                {"’", "'"},
                                                {"「", "\""},
                                                {"」", "\""},
                                                {"［", "["},
                                                {"］", "]"},
                                                {"｛", "{"},
                                                {"｝", "}"},
                                                {"－", "-"},
                                                {"\u3000", "a space"}}};

std::string_view line_of(std::string_view text, int line) {
  for (; line > 1; --line) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

std::string hint_for_wide(std::string_view text) {
  for (const auto& [wide, plain] : wide_characters) {
    if (text.find(wide) == std::string_view::npos) continue;
    if (wide == "\u3000") return "; it holds a full-width space (U+3000): write a plain one";
    return fmt::format("; it holds a full-width \"{}\": write {}", wide, plain);
  }
  return {};
}

// "listen:8080": a key whose colon has no space behind it.
std::optional<std::string> with_space_behind_colon(std::string_view line) {
  const size_t begin = std::min(line.find_first_not_of(" -"), line.size());
  const std::string_view rest = line.substr(begin);
  const size_t colon = rest.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 >= rest.size()) return {};
  if (rest[colon + 1] == ' ' || rest[colon + 1] == '\r' || rest[colon + 1] == '/') return {};
  const std::string_view key = rest.substr(0, colon);
  const bool is_word = std::all_of(
      key.begin(), key.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
  if (!is_word) return {};
  return fmt::format("{}: {}", key, rest.substr(colon + 1));
}

std::string hint_for_tab(std::string_view line) {
  const size_t indented = std::min(line.find_first_not_of(" \t"), line.size());
  const bool has_tab = line.substr(0, indented).find('\t') != std::string_view::npos;
  return has_tab ? "; the line is indented with a tab: YAML wants spaces" : "";
}

std::string hint_for_variable(std::string_view line) {
  const size_t variable = line.find("${");
  const bool in_braces = variable != std::string_view::npos && line.find('{') < variable;
  return in_braces ? "; within { } put quotes around a variable: \"${NAME}\"" : "";
}

// One that stands at the beginning of a value, where YAML sees an alias.
std::string hint_for_star(std::string_view line) {
  const size_t star = line.find('*');
  const bool begins = star != std::string_view::npos &&
                      (star == 0 || line[star - 1] == ' ' || line[star - 1] == '[' ||
                       line[star - 1] == ',' || line[star - 1] == ':');
  return begins ? "; put quotes around a star: \"*\"" : "";
}

std::string hint_for_ipv6(std::string_view line) {
  const bool has_address =
      line.find("[:") != std::string_view::npos || line.find("]:") != std::string_view::npos;
  const bool has_quotes = line.find_first_of("\"'") != std::string_view::npos;
  return has_address && !has_quotes ? "; put quotes around an IPv6 address: \"[::1]:8080\"" : "";
}

std::string hint_for_colon(std::string_view line) {
  const auto spaced = with_space_behind_colon(line);
  return spaced ? fmt::format("; a space is missing behind the colon: write {}", *spaced) : "";
}

std::string hint_for(std::string_view line) {
  for (const auto hint_of : {hint_for_tab,
                             hint_for_wide,
                             hint_for_variable,
                             hint_for_star,
                             hint_for_ipv6,
                             hint_for_colon}) {
    if (std::string hint = hint_of(line); !hint.empty()) return hint;
  }
  return {};
}

}  // namespace

std::string hint_for_line(std::string_view text, int line) {
  // A mistake often shows only on the line that follows it.
  for (int at = line; at > 0 && at > line - 2; --at) {
    if (auto hint = hint_for(line_of(text, at)); !hint.empty()) {
      return at == line ? hint : fmt::format("; line {}{}", at, hint.substr(1));
    }
  }
  return {};
}

std::string hint_for_value(std::string_view value) {
  std::string hint = hint_for_wide(value);
  return hint.empty() ? hint_for_colon(value) : hint;
}

std::string hint_for_encoding(std::string_view text) {
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    return "; it looks like UTF-16: save the file as UTF-8";
  }
  const bool has_high = std::any_of(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  if (has_high) return "; it may be GBK or another local encoding: save the file as UTF-8";
  return {};
}

}  // namespace config
