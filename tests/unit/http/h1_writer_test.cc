// What is written must be read back as the same message.
#include "http/h1_writer.h"

#include <string>

#include <doctest/doctest.h>

#include "http/h1_parser.h"

namespace {

using http::ConnectionOption;
using http::Framing;
using http::H1Event;
using http::H1Parser;
using http::Head;

Head request_head(std::string_view method) {
  Head head;
  head.method = method;
  head.target = "/a?b=%20//c";
  head.add("Host", "h");
  head.add("x-Mixed-CASE", "a, b");
  head.add("Empty", "");
  head.add("x-Mixed-CASE", "c");
  return head;
}

std::string written(const Head& head, Framing framing, ConnectionOption connection) {
  base::Arena arena;
  return std::string(base::as_text(head.status == 0
                                       ? write_request_head(head, framing, connection, arena)
                                       : write_response_head(head, framing, connection, arena)));
}

TEST_CASE("write_request_head: the bytes") {
  const std::string start =
      "GET /a?b=%20//c HTTP/1.1\r\nHost: h\r\nx-Mixed-CASE: a, b\r\n"
      "Empty: \r\nx-Mixed-CASE: c\r\n";
  const Head head = request_head("GET");
  CHECK(written(head, {}, ConnectionOption::none) == start + "\r\n");
  CHECK(written(head, {Framing::Kind::length, 12345}, ConnectionOption::none) ==
        start + "Content-Length: 12345\r\n\r\n");
  CHECK(written(head, {Framing::Kind::length, UINT64_MAX}, ConnectionOption::none) ==
        start + "Content-Length: 18446744073709551615\r\n\r\n");
  CHECK(written(head, {Framing::Kind::chunked, 0}, ConnectionOption::close) ==
        start + "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
  CHECK(written(head, {}, ConnectionOption::keep_alive) ==
        start + "Connection: keep-alive\r\n\r\n");
  CHECK(written(head, {}, ConnectionOption::upgrade) == start + "Connection: upgrade\r\n\r\n");
}

TEST_CASE("write_request_head: no body where one is expected (RFC 9110 8.6)") {
  for (const std::string_view method : {"POST", "PUT", "PATCH"}) {
    CHECK(written(request_head(method), {}, ConnectionOption::none)
              .ends_with("\r\nContent-Length: 0\r\n\r\n"));
  }
  for (const std::string_view method : {"GET", "HEAD", "DELETE", "OPTIONS", "post"}) {
    CHECK(written(request_head(method), {}, ConnectionOption::none).find("Content-Length") ==
          std::string::npos);
  }
}

TEST_CASE("write_response_head: status lines") {
  Head head;
  head.status = 200;
  CHECK(written(head, {}, ConnectionOption::none) == "HTTP/1.1 200 OK\r\n\r\n");
  head.reason = "Fine by me";
  head.version_minor = 0;
  CHECK(written(head, {}, ConnectionOption::none) == "HTTP/1.1 200 Fine by me\r\n\r\n");
  head.reason = {};
  head.status = 299;
  CHECK(written(head, {}, ConnectionOption::none) == "HTTP/1.1 299 \r\n\r\n");
  head.status = 429;
  CHECK(written(head, {Framing::Kind::until_close, 0}, ConnectionOption::close) ==
        "HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\n\r\n");
  head.status = 101;
  CHECK(written(head, {Framing::Kind::tunnel, 0}, ConnectionOption::upgrade) ==
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\n");
}

// Reads `text` as the parser would get it; the head lives in `arena`.
void read_back(H1Parser& parser, std::string_view text, Head& head, base::Arena& arena) {
  parser.begin(head, arena);
  base::Bytes input = base::as_bytes(text);
  REQUIRE(parser.next(input).kind == H1Event::Kind::head);
  CHECK(input.empty());
}

TEST_CASE("written heads are read back as they were") {
  const Framing framings[] = {{}, {Framing::Kind::length, 7}, {Framing::Kind::chunked, 0}};
  for (const Framing framing : framings) {
    for (const auto connection : {ConnectionOption::none, ConnectionOption::close}) {
      base::Arena arena;
      Head head;
      H1Parser requests(H1Parser::Role::request, {});
      const Head sent = request_head("DELETE");
      const std::string request = written(sent, framing, connection);
      read_back(requests, request, head, arena);
      CHECK(requests.framing() == framing);
      CHECK(requests.keep_alive() == (connection == ConnectionOption::none));
      CHECK(head.method == sent.method);
      CHECK(head.target == sent.target);
      REQUIRE(head.fields.size() >= sent.fields.size());
      for (size_t i = 0; i < sent.fields.size(); ++i) {
        CHECK(head.fields[i].name == sent.fields[i].name);
        CHECK(head.fields[i].value == sent.fields[i].value);
      }
      Head response;
      response.status = 418;
      response.reason = "I'm a teapot";
      response.add("A", "b");
      H1Parser responses(H1Parser::Role::response, {});
      const std::string text = written(response, framing, connection);
      read_back(responses, text, head, arena);
      const bool is_open = framing.kind == Framing::Kind::none;
      CHECK(responses.framing() == (is_open ? Framing{Framing::Kind::until_close, 0} : framing));
      CHECK(head.status == 418);
      CHECK(head.reason == "I'm a teapot");
      CHECK(head.fields.at(0).value == "b");
    }
  }
}

TEST_CASE("a HEAD response's Content-Length goes through parser and writer") {
  base::Arena arena;
  Head head;
  H1Parser parser(H1Parser::Role::response, {});
  parser.begin(head, arena, "HEAD");
  base::Bytes input = base::as_bytes("HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 5\r\n\r\n");
  REQUIRE(parser.next(input).kind == H1Event::Kind::head);
  head.remove("Content-Length");
  REQUIRE(parser.content_length().has_value());
  CHECK(written(head, {Framing::Kind::length, *parser.content_length()}, ConnectionOption::none) ==
        "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 5\r\n\r\n");
}

TEST_CASE("write_chunk_prefix: hex and a line end") {
  http::ChunkPrefix buffer;
  CHECK(base::as_text(http::write_chunk_prefix(buffer, 1)) == "1\r\n");
  CHECK(base::as_text(http::write_chunk_prefix(buffer, 0x1fF0)) == "1ff0\r\n");
  CHECK(base::as_text(http::write_chunk_prefix(buffer, UINT64_MAX)) == "ffffffffffffffff\r\n");
}

TEST_CASE("write_last_chunk: with and without trailers") {
  base::Arena arena;
  CHECK(base::as_text(http::write_last_chunk({}, arena)) == "0\r\n\r\n");
  const std::vector<http::Field> trailers = {{"A", "b", http::FieldId::other},
                                             {"C", "", http::FieldId::other}};
  CHECK(base::as_text(http::write_last_chunk(trailers, arena)) == "0\r\nA: b\r\nC: \r\n\r\n");
}

TEST_CASE("reason_phrase: known, unknown") {
  CHECK(http::reason_phrase(200) == "OK");
  CHECK(http::reason_phrase(504) == "Gateway Timeout");
  CHECK(http::reason_phrase(599).empty());
  CHECK(http::reason_phrase(0).empty());
}

}  // namespace
