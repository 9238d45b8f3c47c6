#include "policy/cors.h"

#include <string>

#include <doctest/doctest.h>

#include "head_builder.h"

using policy::Cors;

namespace {

constexpr std::string_view allow_origin = "Access-Control-Allow-Origin";

std::string allowed_for(const Cors& cors, std::string_view origin) {
  base::Arena arena;
  const http::Head request = make_request("POST", {{"Origin", origin}});
  http::Head response = make_response(200, {});
  cors.apply(request, response, arena);
  return values_of(response, allow_origin);
}

}  // namespace

TEST_CASE("by default Access-Control-Allow-Origin is set as the Worker set it") {
  const Cors cors{config::Cors{}};
  base::Arena arena;
  struct Case {
    const char* asked;  // the request's own Access-Control-Allow-Origin, nullptr: none
    const char* given;
  };
  for (const Case& c : {Case{nullptr, "*"},
                        Case{"https://a.example", "https://a.example"},
                        Case{"null", "null"},
                        Case{"*", "*"},
                        Case{"", "*"},
                        Case{"not an origin", "*"},
                        Case{"https://a.example/path", "*"},
                        Case{"https://a.example, https://b.example", "*"},
                        Case{"https://user@a.example", "*"}}) {
    CAPTURE(c.asked);
    http::Head request = make_request("POST", {});
    if (c.asked != nullptr) request.add(allow_origin, c.asked);
    http::Head response = make_response(
        200, {{"access-control-allow-origin", "https://upstream"}, {"Content-Type", "x"}});
    cors.apply(request, response, arena);
    CHECK(values_of(response, allow_origin) == c.given);
    CHECK(values_of(response, "Content-Type") == "x");
    CHECK(values_of(response, "Vary") == "-");
  }
}

TEST_CASE("pages may read what SDKs need") {
  const Cors cors{config::Cors{}};
  base::Arena arena;
  http::Head response = make_response(200,
                                      {{"X-Request-Id", "r"},
                                       {"openai-processing-ms", "1"},
                                       {"x-ratelimit-remaining-tokens_usage_based", "1"},
                                       {"retry-after-ms", "1"},
                                       {"Server", "s"},
                                       {"x-should-retry", "true"}});
  SUBCASE("the fields that are there") {
    cors.apply(make_request("GET", {{"Origin", "https://a.example"}}), response, arena);
    CHECK(values_of(response, "Access-Control-Expose-Headers") ==
          "X-Request-Id, openai-processing-ms, x-ratelimit-remaining-tokens_usage_based, "
          "retry-after-ms, x-should-retry");
  }
  SUBCASE("no field for a request that no page made") {
    cors.apply(make_request("GET", {}), response, arena);
    CHECK(values_of(response, "Access-Control-Expose-Headers") == "-");
  }
  SUBCASE("a list of one's own") {
    const Cors own{config::Cors{.expose_headers = {{"x-a", "x-b"}}}};
    own.apply(make_request("GET", {{"Origin", "https://a.example"}}), response, arena);
    CHECK(values_of(response, "Access-Control-Expose-Headers") == "x-a, x-b");
  }
  SUBCASE("beside what the upstream exposes") {
    response.add("Access-Control-Expose-Headers", "CF-Ray");
    const Cors own{config::Cors{.expose_headers = {{"x-a"}}}};
    own.apply(make_request("GET", {{"Origin", "https://a.example"}}), response, arena);
    CHECK(values_of(response, "Access-Control-Expose-Headers") == "CF-Ray|x-a");
  }
}

TEST_CASE("a list of origins gives nothing to others") {
  const Cors cors{
      config::Cors{.allow_origins = {"https://app.example.com", "https://*.example.org"}}};
  CHECK(allowed_for(cors, "https://app.example.com") == "https://app.example.com");
  CHECK(allowed_for(cors, "HTTPS://app.example.com") == "HTTPS://app.example.com");
  CHECK(allowed_for(cors, "https://a.example.org") == "https://a.example.org");
  CHECK(allowed_for(cors, "https://a.b.example.org") == "https://a.b.example.org");
  for (const char* origin : {"https://example.org",
                             "https://.example.org",
                             "http://a.example.org",
                             "https://a.example.org.evil.net",
                             "https://evil.net/.example.org",
                             "https://evil.net:80@a.example.org",
                             "https://evilexample.org",
                             "https://app.example.com:8443",
                             "null",
                             ""}) {
    CAPTURE(origin);
    CHECK(allowed_for(cors, origin) == "-");
  }
  base::Arena arena;
  http::Head response = make_response(200, {{"Vary", "Accept-Encoding"}, {allow_origin, "*"}});
  cors.apply(make_request("GET", {}), response, arena);
  CHECK(values_of(response, "Vary") == "Accept-Encoding|Origin");
  CHECK(values_of(response, allow_origin) == "-");
}

TEST_CASE("preflights are told from other OPTIONS requests") {
  const Cors cors{config::Cors{}};
  const auto preflight = [](std::string_view method) {
    return make_request(
        method, {{"Origin", "https://a.example"}, {"Access-Control-Request-Method", "POST"}});
  };
  CHECK(cors.is_preflight(preflight("OPTIONS")));
  CHECK(!cors.is_preflight(preflight("GET")));
  CHECK(!cors.is_preflight(make_request("OPTIONS", {{"Origin", "https://a.example"}})));
  CHECK(!cors.is_preflight(make_request("OPTIONS", {{"Access-Control-Request-Method", "POST"}})));
  CHECK(!Cors{config::Cors{.enabled = false}}.is_preflight(preflight("OPTIONS")));
}

TEST_CASE("preflights allow what is asked for") {
  base::Arena arena;
  http::Head response;
  const http::Head request =
      make_request("OPTIONS",
                   {{"Origin", "https://a.example"},
                    {"Access-Control-Request-Method", "DELETE"},
                    {"Access-Control-Request-Headers", "authorization,x-stainless-lang"}});
  SUBCASE("everything by default") {
    Cors{config::Cors{}}.answer_preflight(request, response, arena);
    CHECK(response.status == 204);
    CHECK(values_of(response, allow_origin) == "*");
    CHECK(values_of(response, "Access-Control-Allow-Methods") == "DELETE");
    CHECK(values_of(response, "Access-Control-Allow-Headers") == "authorization,x-stainless-lang");
    CHECK(values_of(response, "Access-Control-Max-Age") == "86400");
  }
  SUBCASE("a list of headers") {
    Cors{config::Cors{.allow_headers = {{"authorization", "content-type"}}, .max_age_ms = 60'000}}
        .answer_preflight(request, response, arena);
    CHECK(values_of(response, "Access-Control-Allow-Headers") == "authorization, content-type");
    CHECK(values_of(response, "Access-Control-Max-Age") == "60");
  }
  SUBCASE("nothing for an origin that is not listed") {
    Cors{config::Cors{.allow_origins = {"https://b.example"}}}.answer_preflight(
        request, response, arena);
    CHECK(response.status == 204);
    CHECK(values_of(response, allow_origin) == "-");
    CHECK(values_of(response, "Access-Control-Allow-Methods") == "-");
  }
}

TEST_CASE("turned off, CORS changes nothing") {
  base::Arena arena;
  http::Head response = make_response(200, {{allow_origin, "https://upstream"}});
  Cors{config::Cors{.enabled = false}}.apply(
      make_request("GET", {{"Origin", "https://a.example"}}), response, arena);
  CHECK(text_of(response) == "Access-Control-Allow-Origin: https://upstream\n");
}

TEST_CASE("a page of the internet may ask for a server in a private network") {
  base::Arena arena;
  const auto preflight = [&](const Cors& cors, FieldList more) {
    http::Head request = make_request(
        "OPTIONS", {{"Origin", "https://a.example"}, {"Access-Control-Request-Method", "POST"}});
    for (const auto& [name, value] : more)
      request.add(name, value);
    http::Head response;
    cors.answer_preflight(request, response, arena);
    return values_of(response, "Access-Control-Allow-Private-Network");
  };
  const Cors all{config::Cors{}};
  const FieldList asked = {{"access-control-request-private-network", "true"}};
  CHECK(preflight(all, asked) == "true");
  CHECK(preflight(all, {}) == "-");
  CHECK(preflight(all, {{"Access-Control-Request-Private-Network", "false"}}) == "-");
  CHECK(preflight(Cors{config::Cors{.allow_origins = {"https://a.example"}}}, asked) == "true");
  CHECK(preflight(Cors{config::Cors{.allow_origins = {"https://b.example"}}}, asked) == "-");
}
