// Which upstream gets a request, what it is told of the page behind it, and where it may send the
// client.
#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Message;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;

namespace {

std::string two_upstreams(const RawUpstream& local, const std::string& more = "") {
  return "upstreams: {local: {url: '" + local.url() + "'" + more +
         "}}\nroutes: [{path: /, upstream: openai}, {path: /local, upstream: local, strip_prefix: "
         "true}]\n";
}

// Adds a slash to paths, as many frameworks do.
RawUpstream::Script adding_slash(bool absolute) {
  return test::serve([=](const Message& request) {
    if (request.target().ends_with('/')) return test::message("200 OK", {}, "there");
    const std::string host = absolute ? "http://" + request.value("host") : "";
    return test::message("307 M", {{"Location", host + request.target() + "/"}});
  });
}

}  // namespace

TEST_CASE("a redirect that is passed on leads back by the route it came from") {
  for (const bool absolute : {false, true}) {
    CAPTURE(absolute);
    RawUpstream openai(test::serve(test::message("200 OK", {}, "openai")));
    RawUpstream local(adding_slash(absolute));
    const Proxy proxy(openai, two_upstreams(local));
    // Too large to be sent again by the proxy.
    const Message passed =
        proxy.round_trip(test::post("/local/v1/files", std::string(200'000, 'x')));
    CHECK(passed.status() == 307);
    CHECK(passed.value("location") == "/local/v1/files/");
    CHECK(proxy.round_trip(test::post(passed.value("location"), "x")).body == "there");
    CHECK(proxy.round_trip(test::post("/local/v1/files", "small")).body == "there");
    CHECK(openai.requests() == 0);
  }
}

TEST_CASE("a path that could be meant for another route goes to neither") {
  RawUpstream openai(test::serve(test::message("200 OK", {}, "openai")));
  RawUpstream local(test::serve(test::message("200 OK", {}, "local")));
  const Proxy proxy(openai, two_upstreams(local));
  for (const char* path : {"/Local/v1",
                           "//local/v1",
                           "/local/../v1",
                           "/local/%2e%2E/v1",
                           "/local%2Fv1",
                           "/x/../local/v1"}) {
    CAPTURE(path);
    const Message refused = proxy.round_trip(test::get(path, {{"Authorization", "Bearer k"}}));
    CHECK(refused.status() == 400);
    CHECK(test::api_error(refused).code == "ambiguous_path");
  }
  CHECK(openai.requests() == 0);
  CHECK(local.requests() == 0);
  CHECK(proxy.round_trip(test::get("/v1/models/org%2Fmodel")).body == "openai");
  CHECK(openai.next_request().target() == "/v1/models/org%2Fmodel");
  CHECK(proxy.round_trip(test::get("/local?x")).body == "local");
  CHECK(local.next_request().target() == "/?x");
}

TEST_CASE("an upstream beside the proxy does not hear of the page, unless it shall") {
  const test::Fields page = {{"Origin", "https://page.example"},
                             {"Referer", "https://page.example/x"},
                             {"Sec-Fetch-Site", "cross-site"}};
  struct Case {
    const char* upstream;  // more of its section
    const char* cors;
    bool told;
  };
  for (const Case& c : {Case{"", "", false},
                        Case{", origin: auto", "", false},
                        Case{", origin: drop", "", false},
                        Case{", origin: keep", "", true},
                        // A page that is not let in is the upstream's to judge.
                        Case{"", "cors: {allow_origins: ['https://other.example']}\n", true},
                        Case{"", "cors: {allow_origins: ['https://page.example']}\n", false},
                        // And where it answers pages itself, it must know.
                        Case{"", "cors: {enabled: false}\n", true}}) {
    CAPTURE(c.upstream);
    CAPTURE(c.cors);
    RawUpstream local(test::serve(test::message("200 OK", {}, "ok")));
    const Proxy proxy("http://192.0.2.1", two_upstreams(local, c.upstream) + c.cors);
    CHECK(proxy.round_trip(test::get("/local/x", page)).body == "ok");
    const Message seen = local.next_request();
    CHECK(seen.has("origin") == c.told);
    CHECK(seen.has("referer") == c.told);
    CHECK(seen.has("sec-fetch-site") == c.told);
  }
}

TEST_CASE("a page's WebSocket to an upstream beside the proxy, too") {
  RawUpstream local(test::serve(test::message("426 U", {{"Upgrade", "websocket"}}, "x")));
  const Proxy proxy("http://192.0.2.1", two_upstreams(local));
  const Message response = proxy.round_trip(test::get(
      "/local/ws",
      {{"Connection", "Upgrade"}, {"Upgrade", "websocket"}, {"Origin", "https://page.example"}}));
  CHECK(response.status() == 426);
  CHECK_FALSE(local.next_request().has("origin"));
}

TEST_CASE("what proves an identity stays with its origin, in trailers as well") {
  RawUpstream elsewhere(test::serve(test::message("200 OK", {}, "there")));
  RawUpstream upstream(test::serve([&](const Message&) {
    return test::message("307 M", {{"Location", elsewhere.url() + "/x"}});
  }));
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send(
      "POST / HTTP/1.1\r\nHost: p\r\nOcp-Apim-Subscription-Key: k\r\nX-Amz-Security-Token: t\r\n"
      "cf-aig-authorization: Bearer k\r\nX-Kept: 1\r\nTransfer-Encoding: chunked\r\n\r\n" +
      test::chunk("x") + "0\r\nX-Api-Key: k\r\nX-T: 1\r\n\r\n");
  CHECK(client.read_response().body == "there");
  const Message seen = elsewhere.next_request();
  CHECK(seen.has("x-kept"));
  CHECK_FALSE(seen.has("ocp-apim-subscription-key"));
  CHECK_FALSE(seen.has("x-amz-security-token"));
  CHECK_FALSE(seen.has("cf-aig-authorization"));
  CHECK(seen.trailers == test::Fields{{"X-T", "1"}});
}
