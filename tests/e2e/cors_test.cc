// Which pages may read what (Fetch standard, "CORS protocol"), and the Worker's default.
#include <algorithm>

#include <doctest/doctest.h>

#include "http/head.h"
#include "support/proxy_fixture.h"

using test::Fields;
using test::Message;
using test::Proxy;
using test::RawUpstream;

namespace {

constexpr std::string_view listed =
    "cors: { allow_origins: ['https://app.example', 'https://*.example.com'] }";

std::string preflight(const Fields& more) {
  Fields fields = {{"Host", "p"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return test::message("OPTIONS /v1/chat/completions HTTP/1.1", fields);
}

bool lists(const std::vector<std::string>& values, std::string_view item) {
  return std::ranges::any_of(values, [&](const std::string& value) {
    bool found = false;
    http::for_each_list_element(value, [&](std::string_view element) {
      found = found || http::equals_ignoring_case(element, item);
      return !found;
    });
    return found;
  });
}

}  // namespace

TEST_CASE_TRANSPORTS("by default every response is for every origin, whatever the upstream says") {
  RawUpstream upstream(
      test::upstream_options(transports.upstream),
      test::serve(test::message("200 OK",
                                {{"Access-Control-Allow-Origin", "https://only.example"},
                                 {"access-control-allow-origin", "https://twice.example"}},
                                "x")));
  const Proxy proxy(upstream);
  CHECK(proxy.round_trip(test::get("/")).value("access-control-allow-origin") == "*");
  CHECK(proxy.round_trip(test::get("/", {{"Origin", "https://page.example"}}))
            .value("access-control-allow-origin") == "*");
}

TEST_CASE("a valid Access-Control-Allow-Origin of the request is answered in kind") {
  RawUpstream upstream(test::serve(test::message("200 OK")));
  const Proxy proxy(upstream);
  const auto answer_to = [&](const std::string& asked) {
    return proxy.round_trip(test::get("/", {{"Access-Control-Allow-Origin", asked}}))
        .value("access-control-allow-origin");
  };
  for (const char* valid : {"https://page.example", "http://localhost:3000", "null", "*"}) {
    CHECK(answer_to(valid) == valid);
  }
  for (const char* invalid : {"", "nonsense", "https://a, https://b", "https://a/path", "a b"}) {
    CAPTURE(invalid);
    CHECK(answer_to(invalid) == "*");
  }
}

TEST_CASE("a preflight is answered here with what was asked for") {
  RawUpstream upstream(test::serve(test::message("200 OK")));
  const Proxy proxy(upstream);
  test::RawClient client = proxy.client();
  for (int i = 0; i < 2; ++i) {
    const Message response = client.round_trip(preflight(
        {{"Origin", "https://page.example"},
         {"Access-Control-Request-Method", "POST"},
         {"Access-Control-Request-Headers", "authorization,content-type,x-stainless-lang"}}));
    CHECK(response.status() == 204);
    CHECK(response.value("access-control-allow-origin") == "*");
    CHECK(response.value("access-control-allow-methods") == "POST");
    CHECK(response.value("access-control-allow-headers") ==
          "authorization,content-type,x-stainless-lang");
    CHECK(response.value("access-control-max-age") == "86400");
    CHECK_FALSE(response.has("content-length"));
  }
  CHECK(upstream.requests() == 0);
}

TEST_CASE("an OPTIONS that is no preflight goes up") {
  RawUpstream upstream(test::serve(test::message("200 OK", {{"Allow", "GET"}}, "x")));
  const Proxy proxy(upstream);
  CHECK(proxy.round_trip(preflight({})).value("allow") == "GET");
  CHECK(proxy.round_trip(preflight({{"Origin", "https://page.example"}})).status() == 200);
  CHECK(proxy.round_trip(preflight({{"Access-Control-Request-Method", "POST"}})).status() == 200);
  CHECK(upstream.requests() == 3);
}

TEST_CASE("an allow-list answers its origins by name, and others not at all") {
  RawUpstream upstream(
      test::serve(test::message("200 OK", {{"Access-Control-Allow-Origin", "*"}}, "x")));
  const Proxy proxy(upstream, listed);
  for (const char* allowed :
       {"https://app.example", "https://a.example.com", "https://a.b.example.com"}) {
    CAPTURE(allowed);
    const Message response = proxy.round_trip(test::get("/", {{"Origin", allowed}}));
    CHECK(response.value("access-control-allow-origin") == allowed);
    CHECK(lists(response.values("vary"), "Origin"));
    const Message flight = proxy.round_trip(
        preflight({{"Origin", allowed}, {"Access-Control-Request-Method", "PUT"}}));
    CHECK(flight.status() == 204);
    CHECK(flight.value("access-control-allow-origin") == allowed);
    CHECK(flight.value("access-control-allow-methods") == "PUT");
    CHECK(lists(flight.values("vary"), "Origin"));
  }
  for (const char* other : {"https://evil.example",
                            "http://app.example",
                            "https://app.example:444",
                            "https://example.com",
                            "https://evilexample.com",
                            "https://x.example.com.evil.example",
                            "https://evil.example/.example.com",
                            "https://evil.example:1@x.example.com",
                            "null",
                            "*"}) {
    CAPTURE(other);
    const Message response = proxy.round_trip(
        test::get("/", {{"Origin", other}, {"Access-Control-Allow-Origin", other}}));
    CHECK(response.status() == 200);
    CHECK_FALSE(response.has("access-control-allow-origin"));
    CHECK(lists(response.values("vary"), "Origin"));
    const Message flight =
        proxy.round_trip(preflight({{"Origin", other}, {"Access-Control-Request-Method", "PUT"}}));
    CHECK_FALSE(flight.has("access-control-allow-origin"));
    CHECK_FALSE(flight.has("access-control-allow-methods"));
  }
  CHECK_FALSE(proxy.round_trip(test::get("/")).has("access-control-allow-origin"));
}

TEST_CASE("pages may read the API's own fields") {
  RawUpstream upstream(test::serve(test::message("200 OK",
                                                 {{"x-request-id", "r"},
                                                  {"openai-processing-ms", "5"},
                                                  {"x-ratelimit-limit-requests", "9"},
                                                  {"retry-after-ms", "100"},
                                                  {"X-Other", "1"}},
                                                 "x")));
  const Proxy proxy(upstream);
  const auto exposed = proxy.round_trip(test::get("/", {{"Origin", "https://page.example"}}))
                           .values("access-control-expose-headers");
  for (const char* name :
       {"x-request-id", "openai-processing-ms", "x-ratelimit-limit-requests", "retry-after-ms"}) {
    CAPTURE(name);
    CHECK(lists(exposed, name));
  }
  CHECK_FALSE(lists(exposed, "X-Other"));

  const Proxy own(upstream, "cors: { expose_headers: [X-Other, x-more] }");
  const auto configured = own.round_trip(test::get("/", {{"Origin", "https://page.example"}}))
                              .values("access-control-expose-headers");
  CHECK(lists(configured, "X-Other"));
  CHECK(lists(configured, "x-more"));
}

TEST_CASE("errors of ours are readable for pages") {
  test::ListeningSocket gone;
  const std::string url = "http://127.0.0.1:" + std::to_string(gone.port());
  gone.close();
  const Proxy proxy(url, listed);
  const Message response = proxy.round_trip(test::get("/", {{"Origin", "https://app.example"}}));
  CHECK(response.status() == 502);
  CHECK(response.value("access-control-allow-origin") == "https://app.example");
  const auto exposed = response.values("access-control-expose-headers");
  CHECK(lists(exposed, "x-request-id"));
  CHECK(lists(exposed, "Retry-After"));
  const Message refused = proxy.round_trip(
      "GET / HTTP/1.1\r\nOrigin: https://app.example\r\nHost: a\r\nHost: b\r\n\r\n");
  CHECK(refused.status() == 400);
}

TEST_CASE("a fixed list of headers, and max_age") {
  RawUpstream upstream(test::serve(test::message("200 OK")));
  const Proxy proxy(upstream, "cors: { allow_headers: [authorization, x-a], max_age: 10m }");
  const Message response = proxy.round_trip(preflight({{"Origin", "https://page.example"},
                                                       {"Access-Control-Request-Method", "POST"},
                                                       {"Access-Control-Request-Headers", "x-b"}}));
  CHECK(response.value("access-control-allow-headers") == "authorization, x-a");
  CHECK(response.value("access-control-max-age") == "600");
}

TEST_CASE("cors: enabled: false leaves everything to the upstream") {
  RawUpstream upstream(
      test::serve(test::message("200 OK", {{"Access-Control-Allow-Origin", "https://u"}}, "x")));
  const Proxy proxy(upstream, "cors: { enabled: false }");
  CHECK(proxy.round_trip(test::get("/")).value("access-control-allow-origin") == "https://u");
  CHECK(proxy
            .round_trip(preflight(
                {{"Origin", "https://page.example"}, {"Access-Control-Request-Method", "POST"}}))
            .status() == 200);
  CHECK(upstream.requests() == 2);
}
