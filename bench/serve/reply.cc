#include "bench/serve/reply.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/json_text.h"
#include "bench/serve/text.h"
#include "http/h1_writer.h"

namespace bench::serve {
namespace {

// A token is about so much of a prompt or a reply.
constexpr uint64_t bytes_per_token = 4;

struct Shape {
  std::string_view id_prefix;
  std::string_view object;
  std::string_view created;  // its name
  std::string_view choice;   // up to the text
  std::string_view end;      // behind it
};

constexpr Shape chat = {"chatcmpl-",
                        "chat.completion",
                        "created",
                        R"("choices":[{"index":0,"finish_reason":"stop","logprobs":null,"message":)"
                        R"({"role":"assistant","refusal":null,"annotations":[],"content":")",
                        R"("}}]})"};
constexpr Shape completions = {
    "cmpl-",
    "text_completion",
    "created",
    R"("choices":[{"index":0,"finish_reason":"stop","logprobs":null,"text":")",
    R"("}]})"};
constexpr Shape responses = {
    "resp_",
    "response",
    "created_at",
    R"("status":"completed","error":null,"output":[{"type":"message","id":"msg_0",)"
    R"("status":"completed","role":"assistant","content":)"
    R"([{"type":"output_text","annotations":[],"text":")",
    R"("}]}]})"};

const Shape& shape_of(Api api) {
  if (api == Api::responses) return responses;
  return api == Api::completions ? completions : chat;
}

// Everything up to the text but the white space that makes the size right, which may follow the
// first byte.
void append_text_front(std::string& out, const Reply& reply, uint64_t tokens) {
  const Shape& shape = shape_of(reply.api);
  out += R"({"id":")";
  out += shape.id_prefix;
  out += reply.id_text();
  out += R"(","object":")";
  out += shape.object;
  out += R"(",")";
  out += shape.created;
  out += R"(":)";
  append_number(out, reply.created_s);
  out += R"(,"model":")";
  out += reply.model;
  out += R"(","usage":{)";
  append_usage(out, reply, tokens);
  out += "},";
  out += shape.choice;
}

void append_embedding_front(std::string& out, const Reply& reply) {
  out += R"({"object":"list","model":")";
  out += reply.model;
  out += R"(","usage":{)";
  append_usage(out, reply, 0);
  out += R"(},"data":[{"object":"embedding","index":0,"embedding":)";
  out += reply.base64 ? '"' : '[';
}

// The most of the block that makes sense within `size`.
uint64_t fitting(const BlockBody& body, Api api, bool base64, uint64_t size) {
  if (api != Api::embeddings) {
    const uint64_t whole = size - size % body.block.size();
    return whole + whole_characters(body.block, static_cast<size_t>(size - whole));
  }
  if (base64) return size - size % base64_bytes;
  // The comma behind the last number is not part of the list.
  return size < float_bytes ? 0 : (size + 1) / float_bytes * float_bytes - 1;
}

}  // namespace

void append_number(std::string& out, uint64_t number) {
  const fmt::format_int text(number);
  out.append(text.data(), text.size());
}

std::array<char, 16> hex_of(uint64_t number) {
  std::array<char, 16> text;
  for (size_t i = text.size(); i-- > 0; number >>= 4U)
    text[i] = "0123456789abcdef"[number & 0xfU];
  return text;
}

void append_hex(std::string& out, uint64_t number) {
  const auto text = hex_of(number);
  out.append(text.data(), text.size());
}

void append_usage(std::string& out, const Reply& reply, uint64_t tokens) {
  const bool is_new = reply.api == Api::responses;
  out += is_new ? R"("input_tokens":)" : R"("prompt_tokens":)";
  append_number(out, reply.prompt_tokens);
  if (reply.api != Api::embeddings) {
    out += is_new ? R"(,"output_tokens":)" : R"(,"completion_tokens":)";
    append_number(out, tokens);
  }
  out += R"(,"total_tokens":)";
  append_number(out, reply.prompt_tokens + tokens);
}

BlockBody append_reply(std::string& out, const Reply& reply, uint64_t size) {
  const Blocks& all = blocks();
  const size_t begin = out.size();
  BlockBody body;
  if (reply.api == Api::embeddings) {
    append_embedding_front(out, reply);
    body.block = reply.base64 ? all.base64 : all.floats;
    body.end = reply.base64 ? R"("}]})" : "]}]}";
  } else {
    append_text_front(out, reply, size / bytes_per_token);
    body.block = all.prose;
    body.end = shape_of(reply.api).end;
  }
  const uint64_t used = out.size() - begin + body.end.size();
  const uint64_t left = size > used ? size - used : 0;
  body.block_bytes = fitting(body, reply.api, reply.base64, left);
  out.insert(begin + 1, static_cast<size_t>(left - body.block_bytes), ' ');
  return body;
}

void append_error(std::string& out, const ErrorText& error) {
  const auto text_or_null = [&out](std::string_view text) {
    if (text.empty()) {
      out += "null";
    } else {
      base::append_json_string(out, text);
    }
  };
  out += R"({"error":{"message":)";
  base::append_json_string(out, error.message);
  out += R"(,"type":)";
  base::append_json_string(out, error.type);
  out += R"(,"param":)";
  text_or_null(error.param);
  out += R"(,"code":)";
  text_or_null(error.code);
  out += "}}";
}

void append_models(std::string& out, uint64_t created_s) {
  out += R"({"object":"list","data":[)";
  const std::string_view names[] = {"gpt-bench", "gpt-bench-mini"};
  for (const std::string_view name : names) {
    if (name != names[0]) out += ',';
    fmt::format_to(std::back_inserter(out),
                   R"({{"id":"{}","object":"model","created":{},"owned_by":"bench"}})",
                   name,
                   created_s);
  }
  out += "]}";
}

void append_counts(std::string& out, const Counts& counts) {
  fmt::format_to(std::back_inserter(out),
                 R"({{"connections":{},"requests":{},"events":{},"bytes_in":{},"bytes_out":{})"
                 R"(,"faults":{{)",
                 counts.connections,
                 counts.requests,
                 counts.events,
                 counts.bytes_in,
                 counts.bytes_out);
  for (size_t i = 0; i < fault_kinds; ++i) {
    fmt::format_to(std::back_inserter(out),
                   R"({}"{}":{})",
                   i == 0 ? "" : ",",
                   fault_name(static_cast<FaultKind>(i)),
                   counts.faults[i]);
  }
  out += "}}";
}

void append_head(std::string& out, const ResponseHead& head) {
  if (head.status == 200) {
    out += "HTTP/1.1 200 OK\r\nDate: ";
  } else {
    fmt::format_to(std::back_inserter(out),
                   "HTTP/1.1 {} {}\r\nDate: ",
                   head.status,
                   http::reason_phrase(head.status));
  }
  out += head.date;
  out += "\r\nContent-Type: ";
  out += head.type;
  if (head.ending == ResponseHead::Ending::length) {
    out += "\r\nContent-Length: ";
    append_number(out, head.length);
  } else if (head.ending == ResponseHead::Ending::chunked) {
    out += "\r\nTransfer-Encoding: chunked";
  }
  if (!head.connection.empty()) {
    out += "\r\nConnection: ";
    out += head.connection;
  }
  out +=
      "\r\nopenai-organization: org-bench\r\nopenai-version: 2020-10-01\r\nopenai-processing-ms: ";
  append_number(out, head.processing_ms);
  out += "\r\nx-request-id: req_";
  append_hex(out, head.request_id[0]);
  append_hex(out, head.request_id[1]);
  out += "\r\n";
  out += head.fields;
  out += "\r\n";
}

}  // namespace bench::serve
