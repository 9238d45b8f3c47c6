// Request lines to wishes.
#include "bench/serve/request_line.h"

#include <string>

#include <doctest/doctest.h>

using bench::serve::Api;
using bench::serve::Route;
using bench::serve::Wanted;

namespace {

Wanted read(std::string_view method, std::string_view target) {
  auto wanted = bench::serve::read_request(method, target, {});
  REQUIRE(wanted);
  return *wanted;
}

std::string refused(std::string_view target) {
  const auto wanted = bench::serve::read_request("GET", target, {});
  REQUIRE_FALSE(wanted);
  return wanted.error().message;
}

}  // namespace

TEST_CASE("routes by method and path") {
  struct Case {
    std::string_view method;
    std::string_view target;
    Route route;
    Api api = Api::chat;
  };
  for (const Case& c :
       {Case{"POST", "/v1/chat/completions", Route::reply, Api::chat},
        Case{"POST", "http://host:1/v1/responses?x=1", Route::reply, Api::responses},
        Case{"POST", "/v1/completions", Route::reply, Api::completions},
        Case{"POST", "/v1/embeddings?", Route::reply, Api::embeddings},
        Case{"GET", "/v1/models", Route::models},
        Case{"HEAD", "/v1/models", Route::models},
        Case{"GET", "/bench/bytes/17", Route::bytes},
        Case{"GET", "/bench/counts", Route::counts},
        Case{"POST", "/v1/files", Route::file},
        Case{"POST", "/", Route::upload},
        Case{"PUT", "/v1/uploads/1/parts", Route::upload},
        Case{"GET", "/", Route::not_found},
        Case{"DELETE", "/v1/files/1", Route::not_found},
        Case{"OPTIONS", "*", Route::not_found},
        Case{"GET", "/v1/chat/completions", Route::wrong_method},
        Case{"EA", "/v1/models", Route::wrong_method},
        Case{"POST", "/v1/models", Route::wrong_method},
        Case{"POST", "/bench/bytes/17", Route::wrong_method}}) {
    CAPTURE(c.method);
    CAPTURE(c.target);
    const Wanted wanted = read(c.method, c.target);
    CHECK(wanted.route == c.route);
    CHECK(wanted.api == c.api);
  }
  CHECK(read("GET", "/bench/bytes/17").bytes == 17);
  CHECK(read("GET", "/v1/files").allow == "POST");
}

TEST_CASE("the query goes before the options") {
  bench::serve::Options options;
  options.tokens = 7;
  options.gap_us = 8;
  const auto wanted = bench::serve::read_request(
      "POST",
      "/v1/responses?tokens=1&reply_bytes=2&token_bytes=3&jitter_us=5&think_us=6&hash=0"
      "&fault=stall&fault_after=9&api-version=2024-01-01&flag&=&tokens=4",
      options);
  REQUIRE(wanted);
  CHECK(wanted->tokens == 4);  // the last one
  CHECK(wanted->reply_bytes == 2);
  CHECK(wanted->token_bytes == 3);
  CHECK(wanted->gap_us == 8);
  CHECK(wanted->jitter_us == 5);
  CHECK(wanted->think_us == 6);
  CHECK_FALSE(wanted->hash);
  CHECK(wanted->fault == bench::serve::FaultKind::stall);
  CHECK(wanted->fault_after == 9);
  CHECK(read("POST", "/v1/responses").tokens == bench::serve::Options{}.tokens);
}

TEST_CASE("what cannot be read is refused, with what would do") {
  CHECK(refused("/v1/models?tokens=-1") ==
        "tokens is '-1': give a whole number from 0 to 10000000");
  for (const std::string_view query : {"tokens=",
                                       "tokens",
                                       "tokens=1x",
                                       "tokens= 1",
                                       "tokens=10000001",
                                       "token_bytes=65537",
                                       "gap_us=99999999999999999999999",
                                       "hash=2",
                                       "fault=",
                                       "fault=418",
                                       "fault_after=soon",
                                       "reply_bytes=1.5",
                                       "think_us=3600000001"}) {
    CAPTURE(query);
    CHECK(refused("/v1/models?" + std::string(query)).find(": give") != std::string::npos);
  }
  for (const std::string_view bytes : {"", "x", "1/2", "-1", "1099511627777"}) {
    CAPTURE(bytes);
    CHECK(refused("/bench/bytes/" + std::string(bytes)).find(": give") != std::string::npos);
  }
}

TEST_CASE("options have the same bounds") {
  bench::serve::Options options;
  CHECK_FALSE(bench::serve::refuse_options(options));
  options.token_bytes = 65'537;
  CHECK(bench::serve::refuse_options(options) ==
        "token_bytes is '65537': give a whole number from 0 to 65536");
  options = {};
  options.threads = 0;
  CHECK(bench::serve::refuse_options(options) == "threads is 0: give at least 1");
}
