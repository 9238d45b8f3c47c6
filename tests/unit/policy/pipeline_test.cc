#include "policy/pipeline.h"

#include <optional>

#include <doctest/doctest.h>

#include "config/config.h"
#include "head_builder.h"
#include "policy/loop.h"

using policy::Answered;
using policy::Asked;
using policy::Destination;
using policy::Pipeline;
using policy::PolicyState;
using policy::Verdict;

namespace {

config::Config everything() {
  config::Config config;
  config.upstreams["openai"] = {};
  config.routes = {{.path = "/", .upstream = "openai"}};
  return config;
}

config::Config one_path() {
  config::Config config = everything();
  config.routes = {{.path = "/v1", .upstream = "openai", .websockets = false}};
  config.limits.body_bytes_max = 10;
  return config;
}

// A request and all that is asked of the pipeline about it.
struct Case {
  explicit Case(const config::Config& config = everything()) : pipeline(config) {
    pipeline.begin(state);
  }

  [[nodiscard]] Asked asked() {
    return {.head = head,
            .traits = traits,
            .client_address = "192.0.2.7",
            .arena = arena,
            .body = body};
  }
  [[nodiscard]] Verdict decide(bool memory_is_tight = false) {
    return pipeline.decide(asked(), memory_is_tight, {.us = 1, .s = 1}, response, state);
  }
  // The status of the answer; 0: it proceeds.
  [[nodiscard]] unsigned status() {
    const Verdict verdict = decide();
    if (verdict.kind == Verdict::Kind::proceed) return 0;
    REQUIRE(verdict.kind == Verdict::Kind::answer);
    return verdict.error ? verdict.error->status : response.status;
  }

  Pipeline pipeline;
  PolicyState state;
  base::Arena arena;
  http::Head head = make_request("POST", {{"Host", "proxy"}});
  http::MessageTraits traits;
  base::BlockPool blocks;
  base::OutQueue body{blocks};
  http::Head response;
};

}  // namespace

TEST_CASE("what is served goes up by its route") {
  Case request(one_path());
  CHECK(request.status() == 0);
  CHECK(request.state.route->upstream == "openai");
  CHECK(request.state.route->path == "/v1");
}

TEST_CASE("refusals, each for its reason") {
  Case request(one_path());
  unsigned status = 0;
  SUBCASE("no route") {
    request.head.target = "/other";
    status = 404;
  }
  SUBCASE("a path that others may read as another one") {
    request.head.target = "/v1/../other";
    status = 400;
  }
  SUBCASE("a body that says it is too large") {
    request.traits.framing = {http::Framing::Kind::length, 11};
    status = 413;
  }
  SUBCASE("a body of just the size") {
    request.traits.framing = {http::Framing::Kind::length, 10};
  }
  SUBCASE("WebSockets where there are none") {
    request.traits.upgrade = true;
    status = 426;
  }
  CHECK(request.status() == status);
}

TEST_CASE("a refused upgrade says what is required instead") {
  Case request(one_path());
  request.traits.upgrade = true;
  const Verdict verdict = request.decide();
  REQUIRE(verdict.fields.size() == 1);
  CHECK(verdict.fields[0].name == "Upgrade");
  CHECK(verdict.fields[0].value == "HTTP/1.1");
}

TEST_CASE("a request that has come back is told, whatever its path, and named to the operator") {
  Case request;
  request.head.add(policy::loop_field, policy::marked(request.head, request.arena));
  const Verdict verdict = request.decide();
  REQUIRE(verdict.error);
  CHECK(verdict.error->status == 508);
  CHECK(verdict.notice == Verdict::Notice::loop);
  CHECK(request.state.route->upstream == "openai");
}

TEST_CASE("preflights are answered without a route, an error or room in memory") {
  Case request(one_path());
  request.head = make_request("OPTIONS",
                              {{"Origin", "https://page.example"},
                               {"Access-Control-Request-Method", "POST"},
                               {"Access-Control-Request-Headers", "authorization"}});
  request.head.target = "/nowhere";
  const Verdict verdict = request.decide(true);
  CHECK(verdict.kind == Verdict::Kind::answer);
  CHECK(!verdict.error);
  CHECK(request.response.status == 204);
  CHECK(values_of(request.response, "Access-Control-Allow-Headers") == "authorization");
}

TEST_CASE("nothing begins while memory is tight") {
  Case request;
  const Verdict verdict = request.decide(true);
  REQUIRE(verdict.error);
  CHECK(verdict.error->status == 503);
  CHECK(verdict.notice == Verdict::Notice::memory);
}

TEST_CASE("a body is counted as it comes, where its length is not known") {
  Case request(one_path());
  REQUIRE(request.status() == 0);
  CHECK(!Pipeline::check_body(10, request.state));
  REQUIRE(Pipeline::check_body(11, request.state));
  CHECK(Pipeline::check_body(11, request.state)->status == 413);
}

TEST_CASE(
    "what goes up: the target below the upstream's path, its host, none of the connection's") {
  Case request(one_path());
  REQUIRE(request.status() == 0);
  request.head = make_request("POST",
                              {{"Host", "proxy"},
                               {"Connection", "keep-alive"},
                               {"Authorization", "Bearer key"},
                               {"Content-Type", "application/json"},
                               {"Expect", "100-continue"}});
  request.head.target = "/v1/chat?x=1";
  const base::Url url = *base::parse_url("https://h.example/base");
  http::Head up;
  SUBCASE("as it came") {
    const Destination to{.url = url, .host = "h.example"};
    Pipeline::prepare_request(request.asked(), to, request.state, up);
    CHECK(up.method == "POST");
    CHECK(up.target == "/base/v1/chat?x=1");
    CHECK(values_of(up, "Host") == "h.example");
    CHECK(values_of(up, "Connection") == "-");
    CHECK(values_of(up, "Authorization") == "Bearer key");
  }
  SUBCASE("after a redirect to another origin that made it a GET") {
    const base::Url there = *base::parse_url("https://o.example/there");
    const Destination to{.url = url,
                         .host = "o.example",
                         .redirected_to = &there,
                         .drops_body = true,
                         .drops_credentials = true};
    Pipeline::prepare_request(request.asked(), to, request.state, up);
    CHECK(up.method == "GET");
    CHECK(up.target == "/there");
    CHECK(values_of(up, "Authorization") == "-");
    CHECK(values_of(up, "Content-Type") == "-");
    CHECK(values_of(up, "Expect") == "-");
  }
  SUBCASE("marked where an upstream may be ourselves") {
    const Destination to{.url = url, .host = "h.example", .marks_requests = true};
    Pipeline::prepare_request(request.asked(), to, request.state, up);
    CHECK(policy::has_come_back(up));
  }
}

TEST_CASE("what comes down: readable for pages, streams not gathered, places led back") {
  Case request(one_path());
  REQUIRE(request.status() == 0);
  const base::Url url = *base::parse_url("https://h.example");
  http::Head down =
      make_response(201, {{"Connection", "close"}, {"Location", "https://h.example/v1/files/1"}});
  const Answered answered{.head = down,
                          .method = "POST",
                          .target = "/v1/files",
                          .asked_host = "h.example",
                          .asked_url = url,
                          .upstream = url,
                          .host = "h.example"};
  request.pipeline.prepare_response(request.asked(), request.state, answered, true);
  CHECK(values_of(down, "Connection") == "-");
  CHECK(values_of(down, "Access-Control-Allow-Origin") == "*");
  CHECK(values_of(down, "X-Accel-Buffering") == "no");
  CHECK(values_of(down, "Location") == "/v1/files/1");
}

TEST_CASE("redirects are followed as far as the route and the body allow") {
  config::Config config = everything();
  config.redirects = {.follow = true, .max = 2};
  Case request(config);
  REQUIRE(request.status() == 0);
  const base::Url url = *base::parse_url("https://h.example");
  http::Head down = make_response(307, {{"Location", "/there"}});
  Answered answered{.head = down,
                    .method = "POST",
                    .target = "/v1/files",
                    .asked_host = "h.example",
                    .asked_url = url,
                    .upstream = url,
                    .host = "h.example"};
  uint32_t redirects = 1;
  bool follows = true;
  SUBCASE("with its body") {}
  SUBCASE("without it, where it becomes a GET") {
    down.status = 303;
    answered.body_is_held = false;
  }
  SUBCASE("not without a body that is needed") {
    answered.body_is_held = false;
    follows = false;
  }
  SUBCASE("not one too many") {
    redirects = 2;
    follows = false;
  }
  SUBCASE("not to nowhere") {
    down.fields.clear();
    follows = false;
  }
  SUBCASE("not with an upgrade") {
    request.traits.upgrade = true;
    follows = false;
  }
  const auto redirect = Pipeline::review(request.asked(), request.state, answered, redirects);
  REQUIRE(redirect.has_value() == follows);
  if (redirect) CHECK(redirect->url.target == "/there");
}
