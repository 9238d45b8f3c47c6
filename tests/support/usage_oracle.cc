#include "support/usage_oracle.h"

#include <algorithm>
#include <set>

#include "http/sse.h"
#include "support/json_document.h"

namespace support {
namespace {

using Form = openai::UsageScan::Form;
using Type = JsonNode::Type;
using Names = std::set<std::string_view>;

// As written: unsaid is absent.
struct Counts {
  std::optional<int64_t> input, output, cached, written, reasoning, audio_in, audio_cached,
      audio_out, image_in, image_cached, image_out, audio_ms;
  bool prompt = false;
  bool cache_apart = false;
  bool reasoning_apart = false;

  [[nodiscard]] bool says_something() const {
    return input.has_value() || output.has_value() || audio_ms.has_value();
  }
};

void take(std::optional<int64_t>& into, const JsonNode& node, int64_t scale = 1) {
  if (!node.is(Type::number)) return;
  const int64_t count = count_in(node, openai::tokens_max, scale);
  if (count >= 0) into = std::max(into.value_or(0), count);
}

void take_input_details(Counts& counts, const JsonNode& details) {
  for (const auto& [name, value] : details.members) {
    if (name == "cached_tokens") take(counts.cached, value);
    if (name == "cache_write_tokens") take(counts.written, value);
    if (name == "audio_tokens") take(counts.audio_in, value);
    if (name == "image_tokens") take(counts.image_in, value);
    if (name != "cached_tokens_details") continue;
    for (const auto& [part, tokens] : value.members) {
      if (part == "audio_tokens") take(counts.audio_cached, tokens);
      if (part == "image_tokens") take(counts.image_cached, tokens);
    }
  }
}

void take_output_details(Counts& counts, const JsonNode& details) {
  for (const auto& [name, value] : details.members) {
    if (name == "reasoning_tokens") take(counts.reasoning, value);
    if (name == "audio_tokens") take(counts.audio_out, value);
    if (name == "image_tokens") take(counts.image_out, value);
  }
}

Counts counts_of(const JsonNode& usage) {
  Counts counts;
  for (const auto& [name, value] : usage.members) {
    if (name == "prompt_tokens" || name == "input_tokens" || name == "promptTokenCount") {
      take(counts.input, value);
    }
    if (name == "completion_tokens" || name == "output_tokens" || name == "candidatesTokenCount") {
      take(counts.output, value);
    }
    if (Names{"prompt_cache_hit_tokens",
              "cached_tokens",
              "cache_read_input_tokens",
              "cachedContentTokenCount"}
            .contains(name)) {
      take(counts.cached, value);
    }
    if (name == "cache_creation_input_tokens") take(counts.written, value);
    if (name == "reasoning_tokens" || name == "thoughtsTokenCount") take(counts.reasoning, value);
    if (name == "seconds") take(counts.audio_ms, value, 1000);
    counts.prompt |= name == "prompt_tokens";
    counts.cache_apart |=
        name == "cache_read_input_tokens" || name == "cache_creation_input_tokens";
    counts.reasoning_apart |= name == "thoughtsTokenCount";
    if (Names{"prompt_tokens_details", "input_tokens_details", "input_token_details"}.contains(
            name)) {
      take_input_details(counts, value);
    }
    if (Names{"completion_tokens_details", "output_tokens_details", "output_token_details"}
            .contains(name)) {
      take_output_details(counts, value);
    }
  }
  return counts;
}

// What the newer of two says, where it says it.
Counts updated(const Counts& former, const Counts& later) {
  const auto newer = [](const auto& a, const auto& b) {
    return b ? b : a;
  };
  return {.input = newer(former.input, later.input),
          .output = newer(former.output, later.output),
          .cached = newer(former.cached, later.cached),
          .written = newer(former.written, later.written),
          .reasoning = newer(former.reasoning, later.reasoning),
          .audio_in = newer(former.audio_in, later.audio_in),
          .audio_cached = newer(former.audio_cached, later.audio_cached),
          .audio_out = newer(former.audio_out, later.audio_out),
          .image_in = newer(former.image_in, later.image_in),
          .image_cached = newer(former.image_cached, later.image_cached),
          .image_out = newer(former.image_out, later.image_out),
          .audio_ms = newer(former.audio_ms, later.audio_ms),
          .prompt = former.prompt || later.prompt,
          .cache_apart = former.cache_apart || later.cache_apart,
          .reasoning_apart = former.reasoning_apart || later.reasoning_apart};
}

openai::Usage usage_of(const Counts& counts) {
  openai::Usage usage{.input = counts.input.value_or(0),
                      .cached = counts.cached.value_or(0),
                      .cache_written = counts.written.value_or(0),
                      .output = counts.output.value_or(0),
                      .reasoning = counts.reasoning.value_or(0),
                      .audio_input = counts.audio_in.value_or(0),
                      .audio_cached = counts.audio_cached.value_or(0),
                      .audio_output = counts.audio_out.value_or(0),
                      .image_input = counts.image_in.value_or(0),
                      .image_cached = counts.image_cached.value_or(0),
                      .image_output = counts.image_out.value_or(0),
                      .audio_ms = counts.audio_ms.value_or(0)};
  if (counts.cache_apart && !counts.prompt) usage.input += usage.cached + usage.cache_written;
  if (counts.reasoning_apart) usage.output += usage.reasoning;
  usage.input = std::min(usage.input, openai::tokens_max);
  usage.output = std::min(usage.output, openai::tokens_max);
  return usage;
}

// One document, read on what was found before it.
class Document {
 public:
  Document(UsageFacts& found, Counts& former, Form form)
      : found_(found), former_(former), form_(form) {}

  void read(const JsonNode& root) {
    if (root.is(Type::object) || root.is(Type::array)) walk(root, Place::top, 1);
    const Names finals{"response.completed",
                       "response.incomplete",
                       "response.done",
                       "message_stop",
                       "image_generation.completed",
                       "image_edit.completed",
                       "speech.audio.done",
                       "transcript.text.done",
                       "error",
                       "response.failed"};
    if (finals.contains(type_)) found_.is_complete = true;
    if (type_ == "error" || type_ == "response.failed") found_.has_error = true;
    if (!std::string_view(type_).ends_with("audio.delta")) found_.texts += texts_;
    if (!counts_.says_something()) return;
    former_ = type_ == "message_delta" ? updated(former_, counts_) : counts_;
    if (form_ == Form::messages) {
      add(found_.usage, usage_of(former_));
      ++found_.answers;
    } else {
      found_.usage = usage_of(former_);
      found_.answers = 1;
    }
  }

 private:
  enum class Place : uint8_t { top, answer, text };
  static constexpr uint32_t depth_end = 16;

  void walk(const JsonNode& node, Place place, uint32_t depth) {
    if (depth >= depth_end) return;
    for (const JsonNode& element : node.elements) {
      if (element.is(Type::object) || element.is(Type::array)) walk(element, place, depth + 1);
    }
    for (const auto& [name, value] : node.members) {
      if (place == Place::top) at_top(name, value, depth);
      if (place == Place::answer) of_answer(name, value, depth);
      if (place == Place::text) of_text(name, value, depth);
    }
  }

  void at_top(const std::string& name, const JsonNode& value, uint32_t depth) {
    if (name == "type") {
      if (value.is(Type::string)) type_ = value.text.size() <= 256 ? value.text : "";
    } else if (Names{"choices", "delta", "content_block", "content", "candidates"}.contains(name)) {
      in_choices_ = name == "choices";
      of_model(value, depth);
    } else if (Names{"response", "message", "session", "x_groq"}.contains(name)) {
      if (value.is(Type::object)) walk(value, Place::answer, depth + 1);
    } else {
      of_answer(name, value, depth);
    }
  }

  void of_answer(const std::string& name, const JsonNode& value, uint32_t depth) {
    if (name == "usage" || name == "usageMetadata") {
      read_usage(value, depth);
    } else if (name == "error") {
      found_.has_error |= value.is(Type::string) || value.is(Type::object) || value.is(Type::array);
    } else if (!value.is(Type::string)) {
      return;
    } else if (name == "model" || name == "modelVersion") {
      if (value.text.size() <= 256) found_.model = value.text;
    } else if (name == "service_tier") {
      found_.service_tier = openai::service_tier_of(value.text);
    }
  }

  void of_text(const std::string& name, const JsonNode& value, uint32_t depth) {
    if (in_choices_ && depth == 3 && name == "usage") {
      read_usage(value, depth);
    } else if (Names{"delta",
                     "content",
                     "message",
                     "text",
                     "tool_calls",
                     "function",
                     "arguments",
                     "reasoning_content",
                     "reasoning",
                     "refusal",
                     "thinking",
                     "partial_json",
                     "function_call",
                     "parts",
                     "transcript"}
                   .contains(name)) {
      of_model(value, depth);
    }
  }

  void of_model(const JsonNode& value, uint32_t depth) {
    if (value.is(Type::string) && !value.text.empty()) ++texts_;
    if (value.is(Type::object) || value.is(Type::array)) walk(value, Place::text, depth + 1);
  }

  void read_usage(const JsonNode& value, uint32_t depth) {
    if (!value.is(Type::object) || depth + 1 >= depth_end) return;
    const Counts counts = counts_of(value);
    if (counts.says_something()) counts_ = counts;
  }

  UsageFacts& found_;
  Counts& former_;
  const Form form_;
  Counts counts_;
  std::string type_;
  uint64_t texts_ = 0;
  bool in_choices_ = false;
};

// Reads one document; false where nlohmann/json does not take it.
bool read(std::string_view text, Document document) {
  const auto root = parse_json(text);
  if (root) document.read(*root);
  return root.has_value();
}

}  // namespace

std::optional<UsageFacts> expected_usage(Form form, std::string_view body) {
  UsageFacts facts;
  Counts former;
  if (form == Form::json) {
    if (!read(body, Document(facts, former, form))) return std::nullopt;
    // A number alone has no end that could be seen.
    const size_t begin = body.find_first_not_of("\xef\xbb\xbf \t\r\n");
    facts.is_complete |=
        std::string_view("-0123456789").find(body[begin]) == std::string_view::npos;
    return facts;
  }
  if (form == Form::messages) {
    while (!body.empty()) {
      const size_t size = std::min(body.find('\n'), body.size());
      if (size != 0 && !read(body.substr(0, size), Document(facts, former, form))) {
        return std::nullopt;
      }
      body.remove_prefix(std::min(size + 1, body.size()));
    }
    return facts;
  }
  const std::string whole = std::string(body) + "\n\n";
  base::Bytes input = base::as_bytes(whole);
  http::SseSplitter splitter;
  http::SseEvent event;
  while (splitter.next(input, event)) {
    if (event.data.empty()) continue;
    if (event.data == "[DONE]") {
      facts.is_complete = true;
    } else if (event.too_large || !read(event.data, Document(facts, former, form))) {
      return std::nullopt;
    }
  }
  return facts;
}

UsageFacts found_usage(const openai::UsageScan& scan) {
  return {.usage = scan.usage(),
          .answers = scan.answers(),
          .model = std::string(scan.model()),
          .service_tier = scan.service_tier(),
          .has_error = scan.has_error(),
          .is_complete = scan.is_complete(),
          .texts = scan.text_bytes() != 0 ? uint64_t{1} : uint64_t{0}};
}

std::string to_text(const UsageFacts& facts) {
  const openai::Usage& u = facts.usage;
  std::string text = facts.model + " answers=" + std::to_string(facts.answers);
  const auto add = [&](std::string_view name, int64_t count) {
    if (count != 0) text.append(" ").append(name).append("=").append(std::to_string(count));
  };
  add("input", u.input);
  add("cached", u.cached);
  add("cache_written", u.cache_written);
  add("output", u.output);
  add("reasoning", u.reasoning);
  add("audio_input", u.audio_input);
  add("audio_cached", u.audio_cached);
  add("audio_output", u.audio_output);
  add("image_input", u.image_input);
  add("image_cached", u.image_cached);
  add("image_output", u.image_output);
  add("audio_ms", u.audio_ms);
  add("tier", static_cast<int64_t>(facts.service_tier));
  if (facts.has_error) text.append(" error");
  if (facts.is_complete) text.append(" complete");
  if (facts.texts != 0) text.append(" text");
  return text;
}

}  // namespace support
