#include "support/usage_chunk_oracle.h"

#include <algorithm>
#include <utility>

#include "openai/usage_chunk_filter.h"
#include "support/json_document.h"

namespace support {
namespace {

using Type = JsonNode::Type;

bool is_usage_chunk(const JsonNode& root) {
  if (!root.is(Type::object)) return false;
  size_t choices = 0;
  size_t usages = 0;
  for (const auto& [name, value] : root.members) {
    if (name == "choices") {
      if (!value.is(Type::array) || !value.elements.empty()) return false;
      ++choices;
    }
    if (name == "usage") {
      if (!value.is(Type::object)) return false;
      ++usages;
    }
  }
  return choices != 0 && usages != 0;
}

}  // namespace

std::optional<Filtered> expected_filtered(std::string_view stream) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  Filtered filtered;
  std::string event;
  std::string data;
  bool has_data = false;
  bool is_first_line = true;
  while (!stream.empty()) {
    const size_t size = std::min(stream.find_first_of("\r\n"), stream.size());
    std::string_view line = stream.substr(0, size);
    const std::string_view rest = stream.substr(size);
    const size_t end = rest.starts_with("\r\n") ? 2 : std::min<size_t>(rest.size(), 1);
    event.append(stream.substr(0, size + end));
    stream.remove_prefix(size + end);
    if (end == 0) break;  // a line that has not ended
    if (std::exchange(is_first_line, false) && line.starts_with(byte_order_mark)) {
      line.remove_prefix(byte_order_mark.size());
    }
    if (!line.empty()) {
      if (line != "data" && !line.starts_with("data:")) continue;
      line.remove_prefix(std::min<size_t>(line.size(), 5));
      if (line.starts_with(' ')) line.remove_prefix(1);
      data.append(has_data ? "\n" : "").append(line);
      has_data = true;
      continue;
    }
    const auto root = has_data ? parse_json(data) : std::optional<JsonNode>(JsonNode());
    if (!root && !data.empty() && data != "[DONE]") return std::nullopt;
    const bool is_it =
        root && is_usage_chunk(*root) && event.size() <= openai::UsageChunkFilter::held_bytes_max;
    if (is_it) {
      ++filtered.hidden;
    } else {
      filtered.passed += event;
    }
    event.clear();
    data.clear();
    has_data = false;
  }
  filtered.passed += event;
  return filtered;
}

}  // namespace support
