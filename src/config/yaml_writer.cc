// Indentation and quoting.
#include "config/yaml_writer.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/ascii.h"

namespace config {
namespace {

bool is_plain(std::string_view text) {
  if (text.empty() || text.ends_with(':')) return false;
  if (text == "null" || text == "Null" || text == "NULL") return false;
  if (!base::is_letter_or_digit(text.front()) && text.front() != '/') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return base::is_letter_or_digit(c) ||
           std::string_view("-_./:").find(c) != std::string_view::npos;
  });
}

}  // namespace

void YamlWriter::line(std::string_view name, std::string_view value) {
  size_t indent = 2 * depth_;
  if (item_begins_) indent -= 2;
  text_.append(indent, ' ');
  if (item_begins_) text_ += "- ";
  item_begins_ = false;
  text_ += name;
  text_ += value.empty() ? ":" : ": ";
  text_ += value;
  text_ += '\n';
}

std::string YamlWriter::quoted(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  std::string output = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') output += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      output += fmt::format("\\x{:02x}", c);
    } else {
      output += c;
    }
  }
  return output + '"';
}

}  // namespace config
