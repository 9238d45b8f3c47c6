// Messages the parser refuses, in both directions: whole, byte by byte and split at every byte.
#include <doctest/doctest.h>

#include "h1_case.h"
#include "support/refused_messages.h"

namespace {

using http_test::answers;
using test::RefusedMessage;

TEST_CASE("h1 request refused before its head is out") {
  for (const RefusedMessage& one : test::refused_request_heads())
    http_test::check_case({one.what, one.bytes, one.transcript()}, {});
}

TEST_CASE("h1 request refused behind its head") {
  for (const RefusedMessage& one : test::refused_request_bodies()) {
    http_test::check_case({one.what, one.bytes, "POST / 1.1 % chunked keep; " + one.transcript()},
                          {});
  }
}

TEST_CASE("h1 response refused before its head is out") {
  for (const RefusedMessage& one : test::refused_response_heads())
    http_test::check_case({one.what, one.bytes, one.transcript()}, answers("GET"));
}

TEST_CASE("h1 response refused behind its head") {
  for (const RefusedMessage& one : test::refused_response_bodies()) {
    http_test::check_case({one.what, one.bytes, "200 OK 1.1 % chunked keep; " + one.transcript()},
                          answers("GET"));
  }
}

// Each says what it is, once; or a case could be lost unseen.
TEST_CASE("h1 refused: the tables are as large as they are said to be") {
  const size_t requests =
      test::refused_request_heads().size() + test::refused_request_bodies().size();
  const size_t responses =
      test::refused_response_heads().size() + test::refused_response_bodies().size();
  CHECK(requests >= 250);
  CHECK(responses >= 100);
  MESSAGE(requests << " requests, " << responses << " responses");
}

}  // namespace
