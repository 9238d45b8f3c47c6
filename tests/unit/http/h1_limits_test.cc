// What the parser bounds, and its use beyond whole messages.
#include <doctest/doctest.h>

#include "h1_case.h"
#include "http/chars.h"

namespace {

using http::H1Event;
using http::H1Parser;
using http_test::TranscriptOptions;

const std::string start = "GET / HTTP/1.1\r\nHost: h\r\n";
const std::string chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

TranscriptOptions limited(size_t head_bytes_max, size_t fields_max, size_t target_bytes_max) {
  TranscriptOptions options;
  options.limits = {head_bytes_max, fields_max, target_bytes_max};
  return options;
}

TEST_CASE("h1 limits: the head's bytes, to the byte") {
  const std::string request = start + "A: 0123456789\r\n\r\n";
  const TranscriptOptions exact = limited(request.size(), 10, 100);
  const TranscriptOptions less = limited(request.size() - 1, 10, 100);
  http_test::check_case({"just fits", request, "GET %; end"}, exact);
  http_test::check_case({"one too many", request, "!431 the head is too large"}, less);
  http_test::check_case({"each message anew", request + request, "GET %; end; GET %; end"}, exact);
  http_test::check_case({"white space that is no value counts",
                         start + "A:" + std::string(500, ' ') + "b\r\n\r\n",
                         "!431 %too large"},
                        exact);
  http_test::check_case({"a name without end", start + std::string(500, 'a'), "!431 %too large"},
                        exact);
  http_test::check_case(
      {"a value without end", start + "A: " + std::string(500, 'a'), "!431 %too large"}, exact);
}

TEST_CASE("h1 limits: the request target") {
  const auto request = [](size_t size) {
    return "GET /" + std::string(size - 1, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n";
  };
  const TranscriptOptions options = limited(1000, 10, 50);
  http_test::check_case({"just fits", request(50), "GET %; end"}, options);
  http_test::check_case({"one too many", request(51), "!414 the request target is too long"},
                        options);
  http_test::check_case({"no end at all", "GET /" + std::string(300, 'a'), "!414 %"}, options);
  http_test::check_case({"larger than the head may be", request(500), "!414 %"},
                        limited(100, 10, 1000));
  http_test::check_case({"as large as the head may be", request(96), "!414 %"},
                        limited(100, 10, 1000));
  http_test::check_case({"leaves too little for the rest", request(90), "!431 %"},
                        limited(100, 10, 1000));
}

TEST_CASE("h1 limits: the number of fields") {
  const TranscriptOptions options = limited(1000, 3, 100);
  http_test::check_case({"just fits", start + "A: 1\r\nB: 2\r\n\r\n", "GET %; end"}, options);
  http_test::check_case(
      {"one too many", start + "A: 1\r\nB: 2\r\nC: 3\r\n\r\n", "!431 too many fields"}, options);
  http_test::check_case(
      {"one too many, and no end", start + "A: 1\r\nB: 2\r\nC: 3\r\nD", "!431 too many%"}, options);
}

TEST_CASE("h1 limits: trailers") {
  const TranscriptOptions options = limited(100, 3, 100);
  http_test::check_case(
      {"as many as fields", chunked + "0\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", "%end [A=1|B=2|C=3]"},
      options);
  http_test::check_case({"one too many",
                         chunked + "0\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n",
                         "%keep; !431 too many fields"},
                        options);
  http_test::check_case({"dropped ones count",
                         chunked + "0\r\nA: 1\r\nHost: 2\r\nC: 3\r\nD: 4\r\n\r\n",
                         "%keep; !431 too many fields"},
                        options);
  http_test::check_case({"too many bytes",
                         chunked + "0\r\nA: " + std::string(100, 'a') + "\r\n\r\n",
                         "%keep; !431 the trailer section is too large"},
                        options);
  http_test::check_case({"large chunks need no room for it",
                         chunked + "c8\r\n" + std::string(200, 'a') + "\r\n0\r\n\r\n",
                         "%'; end"},
                        options);
}

TEST_CASE("h1 limits: chunk size lines are bounded one by one, not in all") {
  std::string body = chunked;
  std::string expected = "%'";
  for (int i = 0; i < 20; ++i) {
    body += "1;signature=" + std::string(400, 'f') + "\r\na\r\n";
    expected += "a";
  }
  const std::string seen = http_test::transcribe(body + "0\r\n\r\n", {}, http_test::whole);
  CHECK(http_test::matches(seen, expected + "'; end"));
  CHECK(http_test::transcribe(body + "0\r\n\r\n", {}, http_test::byte_by_byte) == seen);
}

// Every byte in every kind of place: accepted exactly where the grammar says so.
TEST_CASE("h1 bytes: each of the 256 in methods, targets, names, values, reasons") {
  for (int byte = 0; byte < 256; ++byte) {
    CAPTURE(byte);
    const char c = static_cast<char>(byte);
    const std::string text(1, c);
    const auto accepts = [](const std::string& request, H1Parser::Role role) {
      TranscriptOptions options;
      options.role = role;
      const std::string seen = http_test::transcribe(request, options, http_test::whole);
      CHECK(http_test::transcribe(request, options, http_test::byte_by_byte) == seen);
      return seen.find('!') != 0 && seen.find("; !") == std::string::npos;
    };
    const auto request = H1Parser::Role::request;
    const std::string end = " HTTP/1.1\r\nHost: h\r\n\r\n";
    CHECK(accepts("A" + text + "A /" + end, request) == http::is_token_char(c));
    const bool in_target = (byte > 0x20 && byte != 0x7f && c != '#');
    CHECK(accepts("GET /a" + text + "b" + end, request) == in_target);
    CHECK(accepts("GET /a?" + text + "b" + end, request) == in_target);
    // A colon ends the name; what is behind it then is a value.
    CHECK(accepts(start + "A" + text + "A: b\r\n\r\n", request) ==
          (http::is_token_char(c) || c == ':'));
    const bool in_value = byte >= 0x20 ? byte != 0x7f : c == '\t';
    CHECK(accepts(start + "A: b" + text + "c\r\n\r\n", request) == in_value);
    CHECK(accepts(start + "A: b\r\nConnection: b" + text + "c\r\n\r\n", request) == in_value);
    CHECK(accepts(start + "Upgrade: b" + text + "c\r\n\r\n", request) == in_value);
    CHECK(accepts("HTTP/1.1 200 O" + text + "K\r\n\r\n", H1Parser::Role::response) == in_value);
    CHECK(http::is_field_text(text) == in_value);
  }
}

TEST_CASE("h1 parser: a long value in single bytes costs no more than a few times its length") {
  H1Parser parser(H1Parser::Role::request, {});
  http::Head head;
  base::Arena arena;
  parser.begin(head, arena);
  const std::string request = start + "A: " + std::string(60'000, 'a') + "\r\n\r\n";
  H1Event event{};
  for (size_t i = 0; i < request.size(); ++i) {
    base::Bytes input = base::as_bytes(request).subspan(i, 1);
    event = parser.next(input);
  }
  CHECK(event.kind == H1Event::Kind::head);
  CHECK(head.find("A")->value.size() == 60'000);
  CHECK(arena.used() < 4 * request.size());
}

TEST_CASE("h1 parser: ends of input") {
  H1Parser parser(H1Parser::Role::request, {});
  http::Head head;
  base::Arena arena;
  CHECK(parser.finish().kind == H1Event::Kind::need_more);
  parser.begin(head, arena);
  CHECK_FALSE(parser.message_begun());
  CHECK(parser.finish().kind == H1Event::Kind::need_more);
  base::Bytes input = base::as_bytes("\r\n");
  CHECK(parser.next(input).kind == H1Event::Kind::need_more);
  CHECK_FALSE(parser.message_begun());
  CHECK(parser.finish().kind == H1Event::Kind::need_more);
  input = base::as_bytes("G");
  CHECK(parser.next(input).kind == H1Event::Kind::need_more);
  CHECK(parser.message_begun());
  CHECK(parser.finish().kind == H1Event::Kind::error);
  // An error is for ever, until the next begin().
  CHECK(parser.next(input).kind == H1Event::Kind::error);
  CHECK(parser.finish().kind == H1Event::Kind::error);
  parser.begin(head, arena);
  const std::string request = start + "\r\n";
  input = base::as_bytes(request);
  CHECK(parser.next(input).kind == H1Event::Kind::head);
  CHECK(parser.finish().kind == H1Event::Kind::end);
}

TEST_CASE("h1 parser: end needs no further byte") {
  H1Parser parser(H1Parser::Role::request, {});
  http::Head head;
  base::Arena arena;
  for (const std::string& request :
       {start + "\r\n", start + "Content-Length: 1\r\n\r\na", chunked + "1\r\na\r\n0\r\n\r\n"}) {
    parser.begin(head, arena);
    base::Bytes input = base::as_bytes(request);
    H1Event event = parser.next(input);
    CHECK(event.kind == H1Event::Kind::head);
    do {
      event = parser.next(input);
    } while (event.kind == H1Event::Kind::body);
    CHECK(event.kind == H1Event::Kind::end);
    CHECK(input.empty());
  }
}

TEST_CASE("h1 parser: Content-Length of a response without a body") {
  H1Parser parser(H1Parser::Role::response, {});
  http::Head head;
  base::Arena arena;
  const std::string response = "HTTP/1.1 200 OK\r\nContent-Length: 123\r\n\r\n";
  parser.begin(head, arena, "HEAD");
  base::Bytes input = base::as_bytes(response);
  CHECK(parser.next(input).kind == H1Event::Kind::head);
  CHECK(parser.framing() == http::Framing{});
  CHECK(parser.content_length() == 123U);
  parser.begin(head, arena, "GET");
  CHECK_FALSE(parser.content_length().has_value());
}

TEST_CASE("h1 parser: ids of fields") {
  H1Parser parser(H1Parser::Role::request, {});
  http::Head head;
  base::Arena arena;
  const std::string request =
      start +
      "AUTHORIZATION: x\r\nX-Unknown: y\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nDate: z\r\n\r\n";
  parser.begin(head, arena);
  base::Bytes input = base::as_bytes(request);
  CHECK(parser.next(input).kind == H1Event::Kind::head);
  CHECK(parser.next(input).kind == H1Event::Kind::end);
  CHECK(head.fields[1].id == http::FieldId::authorization);
  CHECK(head.fields[2].id == http::FieldId::other);
  CHECK(head.trailers.at(0).id == http::FieldId::date);
}

}  // namespace
