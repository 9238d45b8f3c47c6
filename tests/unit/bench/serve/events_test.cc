// The events of streams, as an SDK puts them together.
#include "bench/serve/events.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "bench/base/json.h"
#include "bench/serve/text.h"

using bench::Json;
using bench::serve::Api;
using bench::serve::EventStream;
using bench::serve::StreamShape;

namespace {

struct Event {
  std::string text;
  bool had_gap;
};

bench::serve::Reply reply_of(Api api) {
  bench::serve::Reply reply;
  reply.api = api;
  reply.id.fill('7');
  reply.model = "gpt-test";
  reply.created_s = 1'700'000'000;
  reply.prompt_tokens = 12;
  return reply;
}

std::vector<Event> all_of(Api api, StreamShape shape) {
  const bench::serve::Reply reply = reply_of(api);
  EventStream stream(api, shape);
  std::vector<Event> events;
  while (!stream.is_over()) {
    const bool had_gap = stream.is_gap_next();
    std::string text;
    stream.append_next(text, reply);
    events.push_back({text, had_gap});
  }
  return events;
}

// The data of an event that is one line of it, perhaps behind its name.
Json data_of(std::string_view event, std::string_view name = {}) {
  if (!name.empty()) {
    const std::string line = "event: " + std::string(name) + "\n";
    REQUIRE(event.starts_with(line));
    event.remove_prefix(line.size());
  }
  REQUIRE(event.starts_with("data: "));
  REQUIRE(event.ends_with("\n\n"));
  const std::string_view data = event.substr(6, event.size() - 8);
  REQUIRE(data.find('\n') == std::string_view::npos);
  auto json = bench::parse_json(data);
  REQUIRE_MESSAGE(json, data);
  return *std::move(json);
}

std::string words_of(size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i)
    text += bench::serve::words()[i % bench::serve::words().size()];
  return text;
}

}  // namespace

TEST_CASE("a chat's stream: role, words, the reason it ended, [DONE]") {
  const std::vector<Event> events = all_of(Api::chat, {.tokens = 130, .token_bytes = 240});
  REQUIRE(events.size() == 131);
  std::string text;
  for (size_t i = 0; i < 130; ++i) {
    CAPTURE(i);
    CHECK(events[i].text.size() == 240);
    CHECK(events[i].had_gap == (i > 0));
    const Json chunk = data_of(events[i].text);
    CHECK(chunk["object"].text() == "chat.completion.chunk");
    CHECK(chunk["id"].text() == "chatcmpl-" + std::string(32, '7'));
    CHECK_FALSE(chunk.has("usage"));
    const Json choice = chunk["choices"].list().at(0);
    CHECK(choice["delta"].has("role") == (i == 0));
    CHECK(choice["finish_reason"].text() == (i == 129 ? "stop" : ""));
    text += choice["delta"]["content"].text();
  }
  CHECK(text == words_of(130));
  CHECK(events[130].text == "data: [DONE]\n\n");
  CHECK_FALSE(events[130].had_gap);
}

TEST_CASE("usage comes before [DONE] where it is asked for, and null before that") {
  for (const Api api : {Api::chat, Api::completions}) {
    const std::vector<Event> events = all_of(api, {.tokens = 3, .include_usage = true});
    REQUIRE(events.size() == 5);
    CHECK(data_of(events[1].text).has("usage"));
    CHECK(data_of(events[1].text)["usage"].members().empty());
    const Json last = data_of(events[3].text);
    CHECK(last["choices"].list().empty());
    CHECK(last["usage"]["prompt_tokens"].number() == 12);
    CHECK(last["usage"]["completion_tokens"].number() == 3);
    CHECK(last["usage"]["total_tokens"].number() == 15);
    CHECK_FALSE(events[3].had_gap);
  }
}

TEST_CASE("completions have text instead of deltas") {
  const std::vector<Event> events = all_of(Api::completions, {.tokens = 2, .token_bytes = 300});
  CHECK(events[0].text.size() == 300);
  const Json chunk = data_of(events[1].text);
  CHECK(chunk["object"].text() == "text_completion");
  CHECK(chunk["choices"].list().at(0)["text"].text() == bench::serve::words()[1]);
  CHECK(chunk["choices"].list().at(0)["finish_reason"].text() == "stop");
}

TEST_CASE("a response's stream opens and closes what it fills") {
  const std::vector<Event> events = all_of(Api::responses, {.tokens = 4, .token_bytes = 250});
  const std::string_view names[] = {"response.created",
                                    "response.output_item.added",
                                    "response.content_part.added",
                                    "response.output_text.delta",
                                    "response.output_text.delta",
                                    "response.output_text.delta",
                                    "response.output_text.delta",
                                    "response.output_text.done",
                                    "response.content_part.done",
                                    "response.output_item.done",
                                    "response.completed"};
  REQUIRE(events.size() == std::size(names));
  std::string text;
  for (size_t i = 0; i < events.size(); ++i) {
    CAPTURE(i);
    const Json data = data_of(events[i].text, names[i]);
    CHECK(data["type"].text() == names[i]);
    CHECK(data["sequence_number"].number(-1) == static_cast<double>(i));
    CHECK(events[i].had_gap == (i >= 4 && i < 7));
    if (data.has("delta")) {
      CHECK(events[i].text.size() == 250);
      text += data["delta"].text();
    }
  }
  CHECK(text == words_of(4));
  CHECK(data_of(events[7].text, names[7])["text"].text() == text);
  CHECK(data_of(events[8].text, names[8])["part"]["text"].text() == text);
  const Json whole = data_of(events[10].text, names[10])["response"];
  CHECK(whole["status"].text() == "completed");
  CHECK(whole["usage"]["output_tokens"].number() == 4);
  CHECK(whole["output"].list().at(0)["content"].list().at(0)["text"].text() == text);
}

TEST_CASE("a stream without tokens") {
  CHECK(all_of(Api::chat, {}).size() == 1);
  CHECK(all_of(Api::responses, {}).size() == 7);
}

TEST_CASE("the words are UTF-8 that needs no escape, in two languages") {
  const std::string text = words_of(bench::serve::words().size());
  CHECK(text.find_first_of("\"\\") == std::string::npos);
  CHECK(
      text.find("Every word of this stream leaves on its own, as soon as it is due. 这条流里的") !=
      std::string::npos);
  CHECK(bench::serve::blocks().prose.starts_with(text));
  CHECK(bench::serve::blocks().prose.ends_with(text));
}
