#include "http/sse.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace {

using http::SseEvent;
using http::SseSplitter;

struct Seen {
  std::string events;  // "type:data;" each
  uint64_t count = 0;
  bool at_boundary = false;
  bool operator==(const Seen&) const = default;
};

void feed(SseSplitter& splitter, std::string_view piece, std::string& events) {
  const std::vector<char> copy(piece.begin(), piece.end());
  base::Bytes input = base::as_bytes({copy.data(), copy.size()});
  SseEvent event;
  while (splitter.next(input, event)) {
    events.append(event.type).append(":").append(event.data);
    events += event.too_large ? "(too large);" : ";";
  }
  CHECK(input.empty());
}

Seen split(std::string_view text, size_t first, size_t step) {
  SseSplitter splitter;
  Seen seen;
  feed(splitter, text.substr(0, first), seen.events);
  for (size_t i = first; i < text.size(); i += step) {
    feed(splitter, text.substr(i, step), seen.events);
  }
  seen.count = splitter.events();
  seen.at_boundary = splitter.is_at_boundary();
  return seen;
}

void check(std::string_view text, const Seen& expected) {
  CAPTURE(text);
  const Seen seen = split(text, 0, text.size() + 1);
  CHECK(seen.events == expected.events);
  CHECK(seen.count == expected.count);
  CHECK(seen.at_boundary == expected.at_boundary);
  CHECK(split(text, 0, 1) == expected);
  for (size_t i = 1; i < text.size(); ++i)
    CHECK(split(text, i, text.size()) == expected);
}

TEST_CASE("sse: events as the standard has them") {
  check("", {"", 0, true});
  check("data: a\n\n", {"message:a;", 1, true});
  check("data:a\n\n", {"message:a;", 1, true});
  check("data:  a \n\n", {"message: a ;", 1, true});
  check("data: a\n\ndata: b\n\n", {"message:a;message:b;", 2, true});
  check("data: a\ndata: b\ndata\n\n", {"message:a\nb\n;", 1, true});
  check("event: x\ndata: a\n\ndata: b\n\n", {"x:a;message:b;", 2, true});
  check("event: x\n\ndata: b\n\n", {"message:b;", 1, true});
  check("event: x\nevent: y\ndata: b\n\n", {"y:b;", 1, true});
  check("id: 1\nretry: 5\ndata: a\n\n", {"message:a;", 1, true});
  check("data\n\n", {"message:;", 1, true});
  check("data:\n\n", {"message:;", 1, true});
  check("data: [DONE]\n\n", {"message:[DONE];", 1, true});
  check("data: {\"a\":\"b:c\"}\n\n", {"message:{\"a\":\"b:c\"};", 1, true});
}

TEST_CASE("sse: lines end in CR, LF or CRLF") {
  check("data: a\r\n\r\n", {"message:a;", 1, true});
  check("data: a\r\r", {"message:a;", 1, true});
  check("data: a\r\ndata: b\rdata: c\n\r", {"message:a\nb\nc;", 1, true});
  check("data: a\n\r\ndata: b\r\n\n", {"message:a;message:b;", 2, true});
  check("data: a\r\n\rdata: b\n\n", {"message:a;message:b;", 2, true});
  check("\n\r\n\r\n\ndata: a\n\n\n\n", {"message:a;", 1, true});
}

TEST_CASE("sse: what is no event") {
  check(": keep-alive\n\n", {"", 0, true});
  check(":\n\n: x\n\n", {"", 0, true});
  check(": x\ndata: a\n\n", {"message:a;", 1, true});
  check("dat: a\n\n", {"", 0, true});
  check("Data: a\n\n", {"", 0, true});
  check(" data: a\n\n", {"", 0, true});
  check("dataa: a\n\n", {"", 0, true});
}

TEST_CASE("sse: where the stream stands") {
  check("d", {"", 0, false});
  check("data: a", {"", 0, false});
  check("data: a\n", {"", 0, false});
  check("data: a\r\n", {"", 0, false});
  check("data: a\n\nx", {"message:a;", 1, false});
  check("data: a\n\n: x\n", {"message:a;", 1, false});
  check("data: a\r\n\r", {"message:a;", 1, true});
  check("\n", {"", 0, true});
}

TEST_CASE("sse: a byte order mark, at the start only") {
  check(
      "\xef\xbb\xbf"
      "data: a\n\n",
      {"message:a;", 1, true});
  check("\xef\xbb\xbf\ndata: a\n\n", {"message:a;", 1, true});
  check(
      "\n\xef\xbb\xbf"
      "data: a\n\n",
      {"", 0, true});
  check(
      "\xef\xbb"
      "data: a\n\n",
      {"", 0, true});
  check(
      "\xef\xbb\xbf\xef\xbb\xbf"
      "data: a\n\n",
      {"", 0, true});
}

// Too long to split everywhere: a few ways of cutting stand for all.
TEST_CASE("sse: events beyond the bound are counted, not kept") {
  const size_t most = SseSplitter::kept_bytes_max;
  const std::string just(most - 6, 'a');
  const std::string over(most, 'a');
  const std::string half(most / 2 + 1, 'b');
  struct Row {
    std::string text;
    std::string events;
  };
  const Row rows[] = {
      {"data: " + just + "\n\n", "message:" + just + ";"},
      {"data: " + over + "\n\ndata: x\n\n", "message:(too large);message:x;"},
      {"event: e\ndata: " + over + "\ndata: x\n\ndata: y\n\n", "e:(too large);message:y;"},
      {"data: " + half + "\ndata: " + half + "\n\ndata: x\n\n", "message:(too large);message:x;"},
      {": " + over + "\ndata: x\n\n", "message:x;"},
      {over + ": y\ndata: x\n\n", "message:x;"},
  };
  for (const Row& row : rows) {
    for (const size_t step : {row.text.size(), size_t{1}, size_t{7}, size_t{4096}, most - 1}) {
      for (const size_t first : {size_t{0}, size_t{2}, size_t{5}, most - 3, most + 2}) {
        CHECK(split(row.text, std::min(first, row.text.size()), step).events == row.events);
      }
    }
  }
}

}  // namespace
