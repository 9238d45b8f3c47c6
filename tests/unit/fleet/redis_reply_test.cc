#include "fleet/redis_reply.h"

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

using fleet::RedisReader;
using fleet::RedisReply;
using Kind = fleet::RedisReply::Kind;

namespace {

constexpr std::string_view wire =
    "+OK\r\n-OOM command not allowed\r\n:42\r\n$5\r\nhello\r\n$-1\r\n"
    "*3\r\n:1\r\n$-1\r\n:-7\r\n*0\r\n";

// What the wire has, as text.
std::string spelled(const RedisReply& reply) {
  switch (reply.kind) {
    case Kind::nothing:
      return "nothing";
    case Kind::text:
      return reply.text;
    case Kind::error:
      return "error " + reply.text;
    case Kind::integer:
      return std::to_string(reply.integer);
    case Kind::list:
      break;
  }
  std::string text = "[";
  for (const auto& item : reply.items)
    text += spelled(*item) + ",";
  return text + "]";
}

std::vector<std::string> read(size_t piece) {
  RedisReader reader;
  std::vector<std::string> replies;
  for (size_t i = 0; i < wire.size(); i += piece) {
    reader.feed(base::as_bytes(wire.substr(i, piece)));
    while (const auto reply = reader.next())
      replies.push_back(spelled(*reply));
  }
  CHECK_FALSE(reader.is_broken());
  return replies;
}

}  // namespace

TEST_CASE("replies are the same however they come") {
  const std::vector<std::string> expected = {
      "OK", "error OOM command not allowed", "42", "hello", "nothing", "[1,nothing,-7,]", "[]"};
  for (const size_t piece : {size_t{1}, size_t{2}, size_t{3}, size_t{7}, wire.size()}) {
    CAPTURE(piece);
    CHECK(read(piece) == expected);
  }
}

TEST_CASE("integers of a list; 0 for what is none") {
  RedisReader reader;
  reader.feed(base::as_bytes("*2\r\n:9007199254740991\r\n$1\r\nx\r\n"));
  const auto reply = reader.next();
  REQUIRE(reply != nullptr);
  CHECK(reply->integer_at(0) == 9'007'199'254'740'991);
  CHECK(reply->integer_at(1) == 0);
  CHECK(reply->integer_at(2) == 0);
}

TEST_CASE("what is no reply breaks the reader, until it begins anew") {
  for (const std::string_view text : {std::string_view("HTTP/1.1 400 Bad Request\r\n"),
                                      std::string_view(":12x\r\n"),
                                      std::string_view("*1000000000\r\n"),
                                      std::string_view("\x15\x03\x01\r\n")}) {
    CAPTURE(text);
    RedisReader reader;
    reader.feed(base::as_bytes(text));
    CHECK(reader.next() == nullptr);
    CHECK(reader.is_broken());
    reader.reset();
    reader.feed(base::as_bytes("+OK\r\n"));
    CHECK(reader.next() != nullptr);
  }
}
