// One pass over the text; values and defaults are literal, so nothing nests and nothing can loop.
#include "config/expand.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>

#include "base/ascii.h"
#include "base/file_mode.h"
#include "base/read_file.h"

namespace config {
namespace {

constexpr size_t expanded_bytes_max = size_t{1} << 20U;  // as the whole file
constexpr std::string_view file_scheme = "file:";

bool is_variable_name(std::string_view name) {
  if (name.empty() || base::is_digit(name.front())) return false;
  return std::all_of(
      name.begin(), name.end(), [](char c) { return base::is_letter_or_digit(c) || c == '_'; });
}

// A secret of its own file, as systemd and containers hand it over: one line, its end not part of
// it.
base::Result<std::string, ExpandError> expand_file(const std::string& path) {
  if (!path.starts_with('/')) return ExpandError{"expected ${file:/PATH}, from the root on"};
  auto text = base::read_file(path, expanded_bytes_max);
  if (!text) {
    return ExpandError{fmt::format("cannot read {}: {}", path, std::strerror(text.error()))};
  }
  base::warn_if_anybody_may_read(path);
  if (text->ends_with('\n')) text->pop_back();
  if (text->ends_with('\r')) text->pop_back();
  if (text->find('\n') != std::string::npos) {
    return ExpandError{fmt::format("{} has more than one line", path)};
  }
  return *std::move(text);
}

// The value of what stands between `${` and `}`.
base::Result<std::string, ExpandError> expand_one(std::string_view inside) {
  if (inside.starts_with(file_scheme)) {
    return expand_file(std::string(inside.substr(file_scheme.size())));
  }
  const size_t separator = inside.find(":-");
  const bool has_default = separator != std::string_view::npos;
  const std::string name(inside.substr(0, separator));
  if (!is_variable_name(name) || inside.find('{') != std::string_view::npos) {
    return ExpandError{
        "expected ${NAME}, ${NAME:-default} or ${file:/PATH}, nothing nested ($${ is a plain ${)"};
  }
  const char* value = std::getenv(name.c_str());
  const bool missing = value == nullptr || (has_default && *value == '\0');
  if (!missing) return std::string(value);
  if (has_default) return std::string(inside.substr(separator + 2));
  return ExpandError{fmt::format(
      "the environment variable {} is not set (${{{}:-VALUE}} would give a default)", name, name)};
}

}  // namespace

base::Result<std::string, ExpandError> expand(std::string_view text) {
  std::string output;
  while (!text.empty()) {
    const size_t dollar = std::min(text.find('$'), text.size());
    output += text.substr(0, dollar);
    text.remove_prefix(dollar);
    if (text.starts_with("$${")) {
      output += "${";
      text.remove_prefix(3);
    } else if (text.starts_with("${")) {
      const size_t end = text.find('}');
      if (end == std::string_view::npos) return ExpandError{"a ${ has no }"};
      auto value = expand_one(text.substr(2, end - 2));
      if (!value) return value;
      output += *value;
      text.remove_prefix(end + 1);
    } else if (!text.empty()) {
      output += '$';
      text.remove_prefix(1);
    }
    if (output.size() > expanded_bytes_max) {
      return ExpandError{
          fmt::format("its variables make it longer than {} bytes", expanded_bytes_max)};
    }
  }
  return output;
}

bool is_reference(std::string_view text) {
  if (!text.starts_with("${") || text.find('}') != text.size() - 1) return false;
  const std::string_view inside = text.substr(2, text.size() - 3);
  return inside.starts_with(file_scheme) || is_variable_name(inside);
}

std::string escape_expansion(std::string_view text) {
  std::string output;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("${")) output += '$';
    output += text[i];
  }
  return output;
}

}  // namespace config
