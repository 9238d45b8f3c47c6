#include "support/request_oracle.h"

#include <algorithm>
#include <limits>

#include "base/ascii.h"
#include "support/json_document.h"

namespace support {
namespace {

using Type = JsonNode::Type;
using Text = RequestFacts::Text;

constexpr int64_t count_max = std::numeric_limits<int64_t>::max();

Text text_of(const JsonNode& node, size_t bytes_max) {
  if (node.is(Type::null)) return {};
  if (!node.is(Type::string) || node.text.size() > bytes_max) return {.is_there = true};
  return {.is_there = true, .text = node.text};
}

std::optional<int64_t> count_of(const JsonNode& node) {
  if (!node.is(Type::number)) return std::nullopt;
  const int64_t count = count_in(node, count_max);
  return count < 0 ? std::nullopt : std::optional<int64_t>(count);
}

Text conversation_of(const JsonNode& node) {
  Text found = text_of(node, 128);
  for (const auto& [name, value] : node.members) {
    if (name == "id") found = text_of(value, 128);
  }
  return found;
}

bool include_usage_of(const JsonNode& node) {
  bool found = false;
  for (const auto& [name, value] : node.members) {
    if (name == "include_usage") found = value.is(Type::truth);
  }
  return found;
}

template <size_t bytes_max>
Text found(const openai::FoundText<bytes_max>& text) {
  if (!text.is_known()) return {.is_there = text.is_there()};
  return {.is_there = true, .text = std::string(text.text())};
}

}  // namespace

std::optional<RequestFacts> expected_request(std::string_view body) {
  const auto document = parse_json(body);
  if (!document || !document->is(Type::object)) return std::nullopt;
  RequestFacts facts;
  bool is_ambiguous = false;
  for (const auto& [name, value] : document->members) {
    is_ambiguous |= name != "model" && base::in_lower_case(name) == "model";
    if (name == "model") facts.model = text_of(value, 256);
    if (name == "prompt_cache_key") facts.prompt_cache_key = text_of(value, 128);
    if (name == "user") facts.user = text_of(value, 128);
    if (name == "previous_response_id") facts.previous_response_id = text_of(value, 128);
    if (name == "service_tier") facts.service_tier = text_of(value, 32);
    if (name == "conversation") facts.conversation = conversation_of(value);
    if (name == "stream") facts.stream = value.is(Type::truth);
    if (name == "stream_options") facts.include_usage = include_usage_of(value);
    if (name == "encoding_format") facts.base64 = value.is(Type::string) && value.text == "base64";
    if (name == "max_tokens") facts.max_tokens = count_of(value);
    if (name == "max_completion_tokens") facts.max_completion_tokens = count_of(value);
    if (name == "max_output_tokens") facts.max_output_tokens = count_of(value);
    if (name == "n") facts.answers = std::max<int64_t>(1, count_of(value).value_or(1));
  }
  if (is_ambiguous) facts.model = {.is_there = true};
  return facts;
}

RequestFacts found_request(const openai::RequestScan& scan) {
  return {.model = found(scan.model()),
          .prompt_cache_key = found(scan.prompt_cache_key()),
          .user = found(scan.user()),
          .previous_response_id = found(scan.previous_response_id()),
          .conversation = found(scan.conversation()),
          .service_tier = found(scan.service_tier()),
          .stream = scan.stream(),
          .include_usage = scan.include_usage(),
          .base64 = scan.base64(),
          .max_tokens = scan.max_tokens(),
          .max_completion_tokens = scan.max_completion_tokens(),
          .max_output_tokens = scan.max_output_tokens(),
          .answers = scan.answers()};
}

std::string to_text(const RequestFacts& facts) {
  std::string text;
  const auto add = [&](std::string_view name, const Text& found) {
    if (!found.is_there) return;
    text.append(name).append("=").append(found.text.value_or("(unreadable)")).append(" ");
  };
  const auto add_count = [&](std::string_view name, const std::optional<int64_t>& count) {
    if (count) text.append(name).append("=").append(std::to_string(*count)).append(" ");
  };
  add("model", facts.model);
  add("prompt_cache_key", facts.prompt_cache_key);
  add("user", facts.user);
  add("previous_response_id", facts.previous_response_id);
  add("conversation", facts.conversation);
  add("service_tier", facts.service_tier);
  if (facts.stream) text.append("stream ");
  if (facts.include_usage) text.append("include_usage ");
  if (facts.base64) text.append("base64 ");
  add_count("max_tokens", facts.max_tokens);
  add_count("max_completion_tokens", facts.max_completion_tokens);
  add_count("max_output_tokens", facts.max_output_tokens);
  add_count("n", facts.answers);
  return text;
}

}  // namespace support
