#include "bench/serve/events.h"

#include "bench/serve/text.h"

namespace bench::serve {
namespace {

// Of /v1/responses, around its deltas.
enum class Opening : uint8_t { created, item_added, part_added };
enum class Closing : uint8_t { text_done, part_done, item_done, completed };
constexpr uint32_t openings = static_cast<uint32_t>(Opening::part_added) + 1;
constexpr uint32_t closings = static_cast<uint32_t>(Closing::completed) + 1;

std::string_view word(uint64_t index) {
  return words()[static_cast<size_t>(index % words().size())];
}

// What the deltas add up to.
std::string text_of(uint64_t tokens) {
  std::string text;
  for (uint64_t i = 0; i < tokens; ++i)
    text += word(i);
  return text;
}

void append_part(std::string& out, std::string_view text) {
  out += R"({"type":"output_text","annotations":[],"text":")";
  out += text;
  out += R"("})";
}

void append_item(std::string& out, std::string_view status, const std::string* text) {
  out += R"({"type":"message","id":"msg_0","status":")";
  out += status;
  out += R"(","role":"assistant","content":[)";
  if (text != nullptr) append_part(out, *text);
  out += "]}";
}

void append_response(std::string& out,
                     const Reply& reply,
                     uint64_t tokens,
                     const std::string* text) {
  out += R"({"id":"resp_)";
  out += reply.id_text();
  out += R"(","object":"response","created_at":)";
  append_number(out, reply.created_s);
  out += R"(,"model":")";
  out += reply.model;
  out += R"(","error":null,"status":)";
  if (text == nullptr) {
    out += R"("in_progress","usage":null,"output":[]})";
    return;
  }
  out += R"("completed","usage":{)";
  append_usage(out, reply, tokens);
  out += R"(},"output":[)";
  append_item(out, "completed", text);
  out += "]}";
}

void begin_event(std::string& out, std::string_view type, uint64_t sequence_number) {
  out += "event: ";
  out += type;
  out += "\ndata: {\"type\":\"";
  out += type;
  out += R"(","sequence_number":)";
  append_number(out, sequence_number);
}

constexpr std::string_view of_part = R"(,"output_index":0,"item_id":"msg_0","content_index":0)";

void append_opening(std::string& out, const Reply& reply, Opening event, uint64_t number) {
  switch (event) {
    case Opening::created:
      begin_event(out, "response.created", number);
      out += R"(,"response":)";
      append_response(out, reply, 0, nullptr);
      break;
    case Opening::item_added:
      begin_event(out, "response.output_item.added", number);
      out += R"(,"output_index":0,"item":)";
      append_item(out, "in_progress", nullptr);
      break;
    case Opening::part_added:
      begin_event(out, "response.content_part.added", number);
      out += of_part;
      out += R"(,"part":)";
      append_part(out, {});
      break;
  }
}

void append_closing(
    std::string& out, const Reply& reply, Closing event, uint64_t number, uint64_t tokens) {
  const std::string text = text_of(tokens);
  switch (event) {
    case Closing::text_done:
      begin_event(out, "response.output_text.done", number);
      out += of_part;
      out += R"(,"logprobs":[],"text":")";
      out += text;
      out += '"';
      break;
    case Closing::part_done:
      begin_event(out, "response.content_part.done", number);
      out += of_part;
      out += R"(,"part":)";
      append_part(out, text);
      break;
    case Closing::item_done:
      begin_event(out, "response.output_item.done", number);
      out += R"(,"output_index":0,"item":)";
      append_item(out, "completed", &text);
      break;
    case Closing::completed:
      begin_event(out, "response.completed", number);
      out += R"(,"response":)";
      append_response(out, reply, tokens, &text);
      break;
  }
}

}  // namespace

EventStream::EventStream(Api api, StreamShape shape) : shape_(shape), api_(api) {
  if (api == Api::responses) {
    opening_ = openings;
    steps_ = openings + shape.tokens + closings;
  } else {
    steps_ = shape.tokens + (shape.include_usage ? 2 : 1);
  }
}

bool EventStream::is_gap_next() const {
  return step_ > opening_ && step_ < opening_ + shape_.tokens;
}

void EventStream::append_next(std::string& out, const Reply& reply) {
  const bool is_token = step_ >= opening_ && step_ < opening_ + shape_.tokens;
  if (is_token) {
    append_token(out, reply, step_ - opening_);
  } else if (api_ == Api::responses) {
    append_response_event(out, reply);
  } else if (step_ + 1 == steps_) {
    out += "data: [DONE]\n\n";
  } else {
    append_chunk_front(out, reply);
    out += R"("choices":[],"usage":{)";
    append_usage(out, reply, shape_.tokens);
    out += "}}\n\n";
  }
  ++step_;
}

void EventStream::append_chunk_front(std::string& out, const Reply& reply) const {
  const bool is_chat = api_ == Api::chat;
  out += is_chat ? R"(data: {"id":"chatcmpl-)" : R"(data: {"id":"cmpl-)";
  out += reply.id_text();
  out += is_chat ? R"(","object":"chat.completion.chunk","created":)"
                 : R"(","object":"text_completion","created":)";
  append_number(out, reply.created_s);
  out += R"(,"model":")";
  out += reply.model;
  out += R"(",)";
}

void EventStream::append_token(std::string& out, const Reply& reply, uint64_t token) const {
  constexpr std::string_view end = "}\n\n";
  const size_t begin = out.size();
  if (api_ == Api::responses) {
    begin_event(out, "response.output_text.delta", step_);
    out += of_part;
    out += R"(,"logprobs":[],"delta":")";
    out += word(token);
    out += '"';
  } else {
    append_chunk_front(out, reply);
    out += R"("choices":[{"index":0,)";
    if (api_ == Api::chat) {
      out += token == 0 ? R"("delta":{"role":"assistant","content":")" : R"("delta":{"content":")";
      out += word(token);
      out += R"("},"finish_reason":)";
    } else {
      out += R"("text":")";
      out += word(token);
      out += R"(","logprobs":null,"finish_reason":)";
    }
    out += token + 1 == shape_.tokens ? R"("stop"}])" : "null}]";
    if (shape_.include_usage) out += R"(,"usage":null)";
  }
  const size_t used = out.size() - begin + end.size();
  if (used < shape_.token_bytes) out.append(static_cast<size_t>(shape_.token_bytes) - used, ' ');
  out += end;
}

void EventStream::append_response_event(std::string& out, const Reply& reply) const {
  if (step_ < opening_) {
    append_opening(out, reply, static_cast<Opening>(step_), step_);
  } else {
    const uint64_t behind = step_ - opening_ - shape_.tokens;
    append_closing(out, reply, static_cast<Closing>(behind), step_, shape_.tokens);
  }
  out += "}\n\n";
}

}  // namespace bench::serve
