// bench/response_reader: framing, status and connection, the same at every split; what it refuses.
#include "bench/load/response_reader.h"

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

using bench::load::ResponseReader;
using Kind = bench::load::ResponseReader::Kind;

namespace {

// What a response came out as.
struct Read {
  std::string body = {};
  int status = 0;
  bool keep_alive = false;
  bool is_event_stream = false;
  bool ended = false;
  bool failed = false;
  bool ends_with_input = false;
  size_t left = 0;  // bytes behind the response

  bool operator==(const Read&) const = default;
};

// Feeds `pieces` in turn; stops at the end of the response or at an error.
Read read(const std::vector<std::string_view>& pieces) {
  ResponseReader reader;
  reader.begin();
  Read seen;
  for (const std::string_view piece : pieces) {
    base::Bytes input = base::as_bytes(piece);
    while (!seen.ended && !seen.failed) {
      const ResponseReader::Event event = reader.next(input);
      if (event.kind == Kind::need_more) break;
      seen.ended = event.kind == Kind::end;
      seen.failed = event.kind == Kind::error;
      seen.body += base::as_text(event.body);
      if (event.kind != Kind::head) continue;
      seen.status = reader.status();
      seen.keep_alive = reader.keep_alive();
      seen.is_event_stream = reader.is_event_stream();
    }
    if (seen.failed) return {.failed = true};
    seen.left += input.size();
  }
  seen.ends_with_input = reader.ends_with_input();
  return seen;
}

// Whole, in two pieces at every place, and byte by byte: always the same.
Read read_every_way(std::string_view text) {
  const Read whole = read({text});
  for (size_t at = 1; at < text.size(); ++at) {
    CAPTURE(at);
    REQUIRE(read({text.substr(0, at), text.substr(at)}) == whole);
  }
  std::vector<std::string_view> bytes;
  for (size_t at = 0; at < text.size(); ++at)
    bytes.push_back(text.substr(at, 1));
  REQUIRE(read(bytes) == whole);
  return whole;
}

std::string with_head(std::string_view fields, std::string_view rest = "") {
  return "HTTP/1.1 200 OK\r\n" + std::string(fields) + "\r\n" + std::string(rest);
}

}  // namespace

TEST_CASE("a body of known length") {
  CHECK(read_every_way(
            with_head("Content-Type: application/json\r\ncontent-length:5 \r\n", "hello")) ==
        Read{.body = "hello", .status = 200, .keep_alive = true, .ended = true});
  CHECK(read_every_way(with_head("Content-Length: 0\r\n")) ==
        Read{.status = 200, .keep_alive = true, .ended = true});
}

TEST_CASE("what comes behind the response is left") {
  const Read seen = read_every_way(with_head("Content-Length: 2\r\n", "okHTTP/1.1"));
  CHECK(seen.body == "ok");
  CHECK(seen.left == 8);
}

TEST_CASE("chunks, with extensions and trailers") {
  const std::string text = with_head(
      "Transfer-Encoding: Chunked\r\nContent-Type: text/event-stream; charset=utf-8\r\n",
      "5\r\nhello\r\n00A;name=\"value\"\r\n0123456789\r\n1 \r\n!\r\n0\r\nX-Sum: 1\r\n\r\n");
  CHECK(read_every_way(text) == Read{.body = "hello0123456789!",
                                     .status = 200,
                                     .keep_alive = true,
                                     .is_event_stream = true,
                                     .ended = true});
}

TEST_CASE("a body that the connection's end delimits") {
  const Read seen = read_every_way(with_head("Content-Type: text/event-streams\r\n", "abc"));
  CHECK(seen == Read{.body = "abc", .status = 200, .ends_with_input = true});
}

TEST_CASE("interim responses are passed over") {
  const Read seen = read_every_way(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103\r\nLink: <x>\r\n\r\n"
      "HTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx");
  CHECK(seen == Read{.body = "x", .status = 201, .keep_alive = true, .ended = true});
}

TEST_CASE("responses without a body") {
  CHECK(read_every_way("HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n").ended);
  CHECK(read_every_way("HTTP/1.1 304 \r\n\r\n").ended);
}

TEST_CASE("who may ask again on the connection") {
  CHECK_FALSE(read(std::vector<std::string_view>{
                       "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n"})
                  .keep_alive);
  CHECK_FALSE(read({"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"}).keep_alive);
  CHECK(
      read({"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"}).keep_alive);
}

TEST_CASE("incomplete is neither an end nor an error") {
  const std::string text = with_head("Content-Length: 5\r\n", "hello");
  for (size_t size = 0; size < text.size(); ++size) {
    const Read seen = read({std::string_view(text).substr(0, size)});
    CHECK_FALSE(seen.ended);
    CHECK_FALSE(seen.failed);
    CHECK_FALSE(seen.ends_with_input);
  }
}

TEST_CASE("what is not HTTP/1.1 is refused") {
  for (const std::string& text : {
           std::string("SSH-2.0-OpenSSH_9.2\r\n\r\n"),
           std::string("HTTP/2 200\r\n\r\n"),
           std::string("HTTP/1.1 20 OK\r\n\r\n"),
           std::string("HTTP/1.1 2000\r\n\r\n"),
           std::string("HTTP/1.1 600 Odd\r\n\r\n"),
           std::string("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
           std::string("HTTP/1.1 200 OK\r\nbare\nline: x\r\n\r\n"),
           with_head("no colon\r\n"),
           with_head(": empty\r\n"),
           with_head("Content-Length: 5x\r\n"),
           with_head("Content-Length: -5\r\n"),
           with_head("Content-Length: 5\r\nContent-Length: 6\r\n"),
           with_head("Content-Length: 99999999999999999999\r\n"),
           with_head("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
           with_head("Transfer-Encoding: gzip, chunked\r\n"),
           with_head("Transfer-Encoding: chunked\r\n", "\r\n"),
           with_head("Transfer-Encoding: chunked\r\n", "g\r\n"),
           with_head("Transfer-Encoding: chunked\r\n", "5\nhello"),
           with_head("Transfer-Encoding: chunked\r\n", "1\r\nab\r\n"),
           with_head("Transfer-Encoding: chunked\r\n", "1000000000000000\r\n"),
           with_head("Transfer-Encoding: chunked\r\n", "0\r\nX: 1\n\r\n"),
       }) {
    CAPTURE(text);
    CHECK(read_every_way(text).failed);
  }
}

TEST_CASE("a head without an end is not kept for ever") {
  ResponseReader reader;
  reader.begin();
  const std::string block(1024, 'x');
  size_t fed = 0;
  Kind kind = Kind::need_more;
  while (kind == Kind::need_more && fed < 10 * ResponseReader::head_bytes_max) {
    base::Bytes input = base::as_bytes(block);
    kind = reader.next(input).kind;
    fed += block.size();
  }
  CHECK(kind == Kind::error);
  CHECK(fed <= ResponseReader::head_bytes_max + block.size());
}

TEST_CASE("one response after the other") {
  const std::string text = with_head("Content-Length: 1\r\n", "a") +
                           with_head("Transfer-Encoding: chunked\r\n", "1\r\nb\r\n0\r\n\r\n");
  ResponseReader reader;
  base::Bytes input = base::as_bytes(text);
  std::string bodies;
  for (int i = 0; i < 2; ++i) {
    reader.begin();
    ResponseReader::Event event{};
    while ((event = reader.next(input)).kind != Kind::end) {
      REQUIRE(event.kind != Kind::error);
      REQUIRE(event.kind != Kind::need_more);
      bodies += base::as_text(event.body);
    }
  }
  CHECK(bodies == "ab");
  CHECK(input.empty());
}
