#include "policy/credential.h"

#include <doctest/doctest.h>

#include "head_builder.h"

using policy::find_token;

namespace {

http::Head asking(std::string_view target, FieldList fields) {
  http::Head head = make_request("GET", fields);
  head.target = target;
  return head;
}

std::string found(const http::Head& head) {
  return std::string(find_token(head).value_or("-"));
}

}  // namespace

TEST_CASE("the first place that has a token counts") {
  CHECK(found(asking("/", {})) == "-");
  CHECK(found(asking("/", {{"Authorization", "Bearer a"}, {"api-key", "b"}})) == "a");
  CHECK(found(asking("/", {{"AUTHORIZATION", "bearer  a "}})) == "a");
  CHECK(found(asking("/", {{"Authorization", "Basic a"}, {"api-key", "b"}})) == "b");
  CHECK(found(asking("/", {{"Authorization", "Bearer"}, {"X-Api-Key", "b"}})) == "b");
  CHECK(found(asking("/?key=c", {{"x-goog-api-key", "b"}})) == "b");
  CHECK(found(asking("/?monkey=x&key=c&key=d", {})) == "c");
  CHECK(found(asking("/key=c", {})) == "-");
  CHECK(found(asking("/", {{"Sec-WebSocket-Protocol", "a, openai-insecure-api-key.t ,b"}})) == "t");
}

TEST_CASE("no place keeps one, and all else stays as it is") {
  base::Arena arena;
  http::Head head = asking("/p?a=1&key=t&b=2&key=other",
                           {{"X-First", "1"},
                            {"Authorization", "Bearer t"},
                            {"API-Key", "t"},
                            {"Sec-WebSocket-Protocol", "realtime, openai-insecure-api-key.t"},
                            {"X-Last", "2"}});
  policy::drop_tokens(head, "t", arena);
  CHECK(head.target == "/p?a=1&b=2&key=other");
  CHECK(text_of(head) == "X-First: 1\nSec-WebSocket-Protocol: realtime\nX-Last: 2\n");
}

TEST_CASE("a subprotocol that was the token alone goes, and so does a query that was") {
  base::Arena arena;
  http::Head head = asking("/p?key=t", {{"Sec-WebSocket-Protocol", "openai-insecure-api-key.t"}});
  policy::drop_tokens(head, "t", arena);
  CHECK(head.target == "/p");
  CHECK(text_of(head).empty());
}

TEST_CASE("a key goes where the upstream wants it") {
  using Kind = config::KeyPlace::Kind;
  base::Arena arena;
  http::Head head = asking("/p", {{"api-key", "old"}});
  const config::KeyPlace field{Kind::header, "api-key"};
  policy::add_key(head, field, "k", arena);
  CHECK(values_of(head, "api-key") == "k");
  policy::add_key(head, {}, "Bearer k", arena);
  CHECK(values_of(head, "authorization") == "Bearer k");
  policy::add_key(head, {Kind::query, "key"}, "k", arena);
  CHECK(head.target == "/p?key=k");
  policy::add_key(head, {Kind::query, "x"}, "y", arena);
  CHECK(head.target == "/p?key=k&x=y");
}
