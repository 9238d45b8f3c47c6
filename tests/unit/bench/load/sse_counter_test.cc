// bench/sse_counter: events counted the same at every split; how a stream says that it is complete.
#include "bench/load/sse_counter.h"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "http/sse.h"

using bench::load::SseCounter;

namespace {

struct Seen {
  uint32_t events = 0;
  bool is_done = false;
  bool is_malformed = false;

  bool operator==(const Seen&) const = default;
};

Seen seen_of(const SseCounter& counter, uint32_t events) {
  return {events, counter.is_done(), counter.is_malformed()};
}

Seen count(std::string_view text) {
  SseCounter counter;
  const uint32_t events = counter.feed(base::as_bytes(text));
  return seen_of(counter, events);
}

// Whole, in two pieces at every place, and byte by byte: always the same.
Seen count_every_way(std::string_view text) {
  const Seen whole = count(text);
  for (size_t at = 0; at <= text.size(); ++at) {
    CAPTURE(at);
    SseCounter counter;
    uint32_t events = counter.feed(base::as_bytes(text.substr(0, at)));
    events += counter.feed(base::as_bytes(text.substr(at)));
    REQUIRE(seen_of(counter, events) == whole);
  }
  SseCounter counter;
  uint32_t events = 0;
  for (size_t at = 0; at < text.size(); ++at)
    events += counter.feed(base::as_bytes(text.substr(at, 1)));
  REQUIRE(seen_of(counter, events) == whole);
  return whole;
}

}  // namespace

TEST_CASE("a stream as the API sends it") {
  const std::string text =
      "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {}\n\ndata: [DONE]\n\n";
  CHECK(count_every_way(text) == Seen{3, true, false});
}

TEST_CASE("lines may end in CR LF, data may be of several lines, comments are no events") {
  CHECK(count_every_way(": ping\r\n\r\nevent: delta\r\nid: 1\r\ndata: {\r\ndata: }\r\n\r\n"
                        "retry: 10\n\ndata:[DONE]\r\n\r\n") == Seen{2, true, false});
}

TEST_CASE("a stream of the Responses API ends with an event of its own") {
  for (const std::string type : {"completed", "incomplete", "failed"}) {
    CHECK(count_every_way("event: response." + type + "\ndata: {\"type\":\"x\"}\n\n") ==
          Seen{1, true, false});
  }
  CHECK(count_every_way("event: response.completed.not\ndata: {}\n\n") == Seen{1, false, false});
}

TEST_CASE("a stream that stops is not complete, and one within an event is malformed") {
  CHECK(count_every_way("data: {}\n\n") == Seen{1, false, false});
  CHECK(count_every_way("data: {}\n\ndata: [DONE]\n") == Seen{1, true, true});
  CHECK(count_every_way("data: {}\n\ndata: [DO") == Seen{1, false, true});
  CHECK(count_every_way("") == Seen{0, false, false});
}

TEST_CASE("lines that no stream has are noticed") {
  CHECK(count_every_way("data: 1\n\n{\"error\": 1}\n\ndata: [DONE]\n\n") == Seen{2, true, true});
  CHECK(count_every_way("database: x\n\n") == Seen{0, false, true});
}

TEST_CASE("[DONE] is a whole line") {
  CHECK(count_every_way("data: [DONE] and more of a line that is long enough\n\n") ==
        Seen{1, false, false});
  CHECK(count_every_way("data:  [DONE]\n\n") == Seen{1, false, false});
}

TEST_CASE("counts what the thorough splitter counts") {
  std::string text;
  for (int i = 0; i < 500; ++i) {
    text += "data: " + std::string(static_cast<size_t>(i) * 7 % 90, 'x') + "\n";
    if (i % 3 != 0) text += i % 5 == 0 ? "\r\n" : "\n";
    if (i % 11 == 0) text += ": comment\n\n";
  }
  http::SseSplitter splitter;
  http::SseEvent event;
  base::Bytes input = base::as_bytes(text);
  while (splitter.next(input, event)) {
  }
  CHECK(count(text).events == splitter.events());
}
