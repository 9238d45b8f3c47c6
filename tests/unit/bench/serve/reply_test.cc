// Bodies and heads: right to the byte, and JSON.
#include "bench/serve/reply.h"

#include <cstring>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include "bench/base/json.h"
#include "bench/serve/text.h"

using bench::Json;
using bench::serve::Api;

namespace {

bench::serve::Reply reply_of(Api api) {
  bench::serve::Reply reply;
  reply.api = api;
  reply.id.fill('7');
  reply.model = "gpt-test";
  reply.created_s = 1'700'000'000;
  reply.prompt_tokens = 12;
  return reply;
}

// As a connection sends it.
std::string whole(const bench::serve::Reply& reply, uint64_t size) {
  std::string text;
  bench::serve::BlockBody body = bench::serve::append_reply(text, reply, size);
  while (body.block_bytes > 0) {
    const std::string_view piece = body.block.substr(0, body.block_bytes);
    text += piece;
    body.block_bytes -= piece.size();
  }
  text += body.end;
  return text;
}

Json parsed(std::string_view text) {
  auto json = bench::parse_json(text);
  REQUIRE_MESSAGE(json, text.substr(0, 500));
  return *std::move(json);
}

}  // namespace

TEST_CASE("replies are JSON of the API's shape and have the size that is asked for") {
  for (const uint64_t size :
       {0U, 400U, 401U, 402U, 403U, 404U, 405U, 1150U, 5000U, 200'001U, 200'002U}) {
    CAPTURE(size);
    const std::string chat_text = whole(reply_of(Api::chat), size);
    const std::string responses_text = whole(reply_of(Api::responses), size);
    const std::string completions_text = whole(reply_of(Api::completions), size);
    if (size >= 400) {
      CHECK(chat_text.size() == size);
      CHECK(responses_text.size() == size);
      CHECK(completions_text.size() == size);
    }

    const Json chat = parsed(chat_text);
    CHECK(chat["object"].text() == "chat.completion");
    CHECK(chat["id"].text() == "chatcmpl-" + std::string(32, '7'));
    CHECK(chat["model"].text() == "gpt-test");
    CHECK(chat["usage"]["prompt_tokens"].number() == 12);
    CHECK(chat["usage"]["total_tokens"].number() ==
          12 + chat["usage"]["completion_tokens"].number());
    const Json choice = chat["choices"].list().at(0);
    CHECK(choice["finish_reason"].text() == "stop");
    CHECK(choice["message"]["role"].text() == "assistant");
    const std::string content = choice["message"]["content"].text();
    const std::string& prose = bench::serve::blocks().prose;
    bool is_prose = true;
    for (size_t at = 0; at < content.size(); ++at)
      is_prose = is_prose && content[at] == prose[at % prose.size()];
    CHECK(is_prose);

    const Json responses = parsed(responses_text);
    CHECK(responses["status"].text() == "completed");
    const Json part = responses["output"].list().at(0)["content"].list().at(0);
    CHECK(part["type"].text() == "output_text");
    CHECK(responses["usage"]["input_tokens"].number() == 12);

    const Json completions = parsed(completions_text);
    CHECK(completions["object"].text() == "text_completion");
    CHECK(completions["choices"].list().at(0).has("text"));
  }
}

TEST_CASE("embeddings as numbers and as base64") {
  bench::serve::Reply reply = reply_of(Api::embeddings);
  for (const uint64_t size : {0U, 200U, 201U, 208U, 209U, 4096U, 100'003U}) {
    CAPTURE(size);
    reply.base64 = false;
    const std::string numbers = whole(reply, size);
    if (size >= 200) CHECK(numbers.size() == size);
    const Json json = parsed(numbers);
    for (const Json& number : json["data"].list().at(0)["embedding"].list()) {
      REQUIRE(number.number(-1) > 0);
      REQUIRE(number.number() < 0.1);
    }
    reply.base64 = true;
    const std::string encoded = whole(reply, size);
    if (size >= 200) CHECK(encoded.size() == size);
    const std::string text = parsed(encoded)["data"].list().at(0)["embedding"].text();
    CHECK(text.size() % bench::serve::base64_bytes == 0);
  }
  CHECK(bench::serve::blocks().base64.size() % bench::serve::base64_bytes == 0);
  CHECK(bench::serve::blocks().floats.size() % bench::serve::float_bytes == 0);
  // 0.05f, the first number, is cd cc 4c 3d.
  CHECK(bench::serve::blocks().base64.starts_with("zcxMP"));
  CHECK(bench::serve::blocks().floats.starts_with("0.050000,"));
}

TEST_CASE("texts are cut between characters") {
  const std::string_view text = "aé字𐍈b";  // of 1, 2, 3, 4 and 1 bytes
  const std::set<size_t> boundaries = {0, 1, 3, 6, 10, 11};
  for (size_t size = 0; size <= text.size(); ++size) {
    const size_t cut = bench::serve::whole_characters(text, size);
    CHECK(boundaries.contains(cut));
    CHECK(cut <= size);
    CHECK(size - cut < 4);
  }
  CHECK(bench::serve::whole_characters(text, 100) == text.size());
}

TEST_CASE("errors are the API's, whatever is in them") {
  std::string text;
  bench::serve::append_error(
      text,
      {.message = "a \"b\" \\ \x01 字 \xff\xc0\xaf\xed\xa0\x80\xf5 é", .type = "t", .param = "p"});
  const Json error = parsed(text)["error"];
  CHECK(error["message"].text() ==
        "a \"b\" \\ \x01 字 \uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD é");
  CHECK(error["type"].text() == "t");
  CHECK(error["param"].text() == "p");
  CHECK(error.has("code"));
  CHECK(error["code"].text("none") == "none");
}

TEST_CASE("counts and models") {
  bench::serve::Counts counts;
  counts.requests = 5;
  counts.faults[static_cast<size_t>(bench::serve::FaultKind::status_429)] = 2;
  std::string text;
  bench::serve::append_counts(text, counts);
  const Json json = parsed(text);
  CHECK(json["requests"].number() == 5);
  CHECK(json["faults"]["429"].number() == 2);
  CHECK(json["faults"].members().size() == bench::serve::fault_kinds);
  text.clear();
  bench::serve::append_models(text, 1);
  CHECK(parsed(text)["data"].list().at(0)["object"].text() == "model");
}

TEST_CASE("heads") {
  bench::serve::ResponseHead head;
  head.status = 429;
  head.fields = "Retry-After: 1\r\n";
  head.length = 5;
  head.connection = "close";
  head.date = "Sun, 06 Nov 1994 08:49:37 GMT";
  head.request_id = {1, 0xfedcba9876543210};
  head.processing_ms = 3;
  std::string text;
  bench::serve::append_head(text, head);
  CHECK(text ==
        "HTTP/1.1 429 Too Many Requests\r\n"
        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        "Content-Type: application/json\r\n"
        "Content-Length: 5\r\n"
        "Connection: close\r\n"
        "openai-organization: org-bench\r\n"
        "openai-version: 2020-10-01\r\n"
        "openai-processing-ms: 3\r\n"
        "x-request-id: req_0000000000000001fedcba9876543210\r\n"
        "Retry-After: 1\r\n"
        "\r\n");
}
