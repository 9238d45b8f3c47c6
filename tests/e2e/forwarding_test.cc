// What of a message goes on unchanged, and what does not.
#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using namespace std::string_literals;
using test::Fields;
using test::Message;
using test::Proxy;
using test::RawUpstream;

namespace {

const std::string ok = test::message("200 OK", {}, "ok");

// The request as the upstream saw it, for one sent as `request`.
Message forwarded(const std::string& request, std::string_view yaml = "") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, yaml);
  const Message response = proxy.round_trip(request);
  CHECK(response.status() == 200);
  return upstream.next_request();
}

// The response as the client saw it, for one the upstream sent as `response`.
Message returned(const std::string& response, std::string_view yaml = "") {
  RawUpstream upstream(test::serve(response));
  const Proxy proxy(upstream, yaml);
  return proxy.round_trip(test::get("/"));
}

}  // namespace

TEST_CASE_TRANSPORTS("a request and its response pass") {
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       test::serve(test::message("200 Fine, thanks", {{"X-Up", "1"}}, "hello")));
  const Proxy proxy(upstream);
  const Message response =
      proxy.round_trip(test::post("/v1/chat/completions", "{}", {{"Authorization", "Bearer k"}}));
  CHECK(response.start_line == "HTTP/1.1 200 Fine, thanks");
  CHECK(response.value("x-up") == "1");
  CHECK(response.body == "hello");
  CHECK(response.ending == test::Ending::length);
  const Message seen = upstream.next_request();
  CHECK(seen.start_line == "POST /v1/chat/completions HTTP/1.1");
  CHECK(seen.value("host") == upstream.authority());
  CHECK(seen.value("authorization") == "Bearer k");
  CHECK(seen.body == "{}");
}

TEST_CASE("targets pass byte for byte") {
  for (const std::string target : {"/",
                                   "/a/../b/./c",
                                   "//double//slash",
                                   "/%7e%2F%2f%00%zz%",
                                   "/a;p=1?x=1&&y=%20+&z=a/b?c",
                                   "/?",
                                   "/??",
                                   "/a|b{c}[d]\"<e>^`\\",
                                   "/?api-version=2024-10-21&key=a%26b",
                                   "/v1/files/..%2f..%2fetc"}) {
    CAPTURE(target);
    CHECK(forwarded(test::get(target)).start_line == "GET " + target + " HTTP/1.1");
  }
  const std::string high = "/caf\xc3\xa9?q=\xff";
  CHECK(forwarded(test::get(high)).target() == high);
}

TEST_CASE("any method passes") {
  for (const std::string method :
       {"GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"}) {
    CAPTURE(method);
    const Message seen = forwarded(test::message(method + " /x HTTP/1.1", {{"Host", "p"}}));
    CHECK(seen.method() == method);
    CHECK(seen.body.empty());
  }
}

TEST_CASE("request fields keep order, case and multiplicity") {
  const Message seen = forwarded(test::get("/",
                                           {{"X-B", "1"},
                                            {"x-a", "2"},
                                            {"X-b", "3"},
                                            {"X-EMPTY", ""},
                                            {"Accept-Encoding", "gzip, br, zstd"},
                                            {"X-Odd", "a \t \"b\", ;c=\xc3\xa9"},
                                            {"OpenAI-Organization", "org"},
                                            {"Cookie", "a=1"},
                                            {"Cookie", "b=2"}}));
  Fields fields = seen.fields;
  REQUIRE(fields.size() == 10);
  CHECK(fields[0].first == "Host");
  fields.erase(fields.begin());
  CHECK(fields == Fields{{"X-B", "1"},
                         {"x-a", "2"},
                         {"X-b", "3"},
                         {"X-EMPTY", ""},
                         {"Accept-Encoding", "gzip, br, zstd"},
                         {"X-Odd", "a \t \"b\", ;c=\xc3\xa9"},
                         {"OpenAI-Organization", "org"},
                         {"Cookie", "a=1"},
                         {"Cookie", "b=2"}});
}

TEST_CASE("hop-by-hop request fields stop here") {
  const Message seen = forwarded(test::get("/",
                                           {{"Connection", "keep-alive, X-Mine"},
                                            {"connection", "x-other"},
                                            {"X-Mine", "1"},
                                            {"X-Other", "1"},
                                            {"X-Else", "1"},
                                            {"Keep-Alive", "timeout=5"},
                                            {"Proxy-Connection", "keep-alive"},
                                            {"Proxy-Authorization", "Basic eA=="},
                                            {"TE", "trailers"},
                                            {"Trailer", "X-T"}}));
  CHECK(seen.values("x-else") == std::vector{"1"s});
  for (const char* name :
       {"x-mine", "x-other", "keep-alive", "proxy-connection", "proxy-authorization", "te"}) {
    CAPTURE(name);
    CHECK_FALSE(seen.has(name));
  }
}

TEST_CASE("Connection cannot take away Host or the framing") {
  const Message seen = forwarded(
      test::post("/", "body", {{"Connection", "host, content-length, transfer-encoding, close"}}));
  CHECK(seen.has("host"));
  CHECK(seen.body == "body");
}

TEST_CASE("fields of CDNs and front proxies stop here by default") {
  const Fields added = {{"CF-Connecting-IP", "192.0.2.1"},
                        {"cf-ray", "x"},
                        {"CDN-Loop", "cloudflare"},
                        {"True-Client-IP", "192.0.2.1"},
                        {"X-Forwarded-For", "192.0.2.1"},
                        {"X-Forwarded-Proto", "https"},
                        {"Forwarded", "for=192.0.2.1"},
                        {"X-Real-IP", "192.0.2.1"},
                        {"Via", "1.1 front"}};
  const Message seen = forwarded(test::get("/", added));
  CHECK(seen.fields.size() == 1);
  const Message kept = forwarded(test::get("/", added), "headers: { strip_cdn: false }");
  CHECK(kept.fields.size() == 1 + added.size());
}

TEST_CASE("further request fields can be dropped") {
  const Message seen = forwarded(test::get("/", {{"X-Secret", "1"}, {"X-Open", "1"}}),
                                 "headers: { strip_request: [x-secret] }");
  CHECK_FALSE(seen.has("x-secret"));
  CHECK(seen.has("x-open"));
}

TEST_CASE("nothing about the client is added, unless asked for") {
  CHECK(forwarded(test::get("/")).fields.size() == 1);
  const Message told = forwarded(test::get("/"), "headers: { add_forwarded: true, add_via: true }");
  CHECK(told.value("x-forwarded-for") == "127.0.0.1");
  CHECK(told.value("via").find("openai-proxy") != std::string::npos);
}

TEST_CASE("response fields keep order, case and multiplicity; those of the hop stop here") {
  const Message response = returned(test::message("200 OK",
                                                  {{"X-Request-Id", "r1"},
                                                   {"x-two", "a"},
                                                   {"Connection", "keep-alive, X-Hop"},
                                                   {"X-Hop", "1"},
                                                   {"Keep-Alive", "timeout=5"},
                                                   {"X-Two", "b"},
                                                   {"Set-Cookie", "a=1"},
                                                   {"Set-Cookie", "b=2"},
                                                   {"Content-Encoding", "br"},
                                                   {"Proxy-Authenticate", "Basic"}},
                                                  "\x1b\x03\x00\xff"s));
  Fields ours;
  for (const auto& field : response.fields) {
    if (field.first != "Access-Control-Allow-Origin" && field.first != "Content-Length" &&
        field.first != "Connection") {
      ours.push_back(field);
    }
  }
  CHECK(ours == Fields{{"X-Request-Id", "r1"},
                       {"x-two", "a"},
                       {"X-Two", "b"},
                       {"Set-Cookie", "a=1"},
                       {"Set-Cookie", "b=2"},
                       {"Content-Encoding", "br"}});
  CHECK(response.body == "\x1b\x03\x00\xff"s);
}

TEST_CASE("response fields that bind the host stop here by default") {
  const std::string upstream_says = test::message("200 OK",
                                                  {{"Alt-Svc", "h3=\":443\""},
                                                   {"Strict-Transport-Security", "max-age=1"},
                                                   {"NEL", "{}"},
                                                   {"Report-To", "{}"},
                                                   {"X-Kept", "1"}},
                                                  "x");
  const Message response = returned(upstream_says);
  for (const char* name : {"alt-svc", "strict-transport-security", "nel", "report-to"}) {
    CAPTURE(name);
    CHECK_FALSE(response.has(name));
  }
  CHECK(response.has("x-kept"));

  const Message listed = returned(upstream_says, "headers: { strip_response: [X-KEPT] }");
  CHECK(listed.has("alt-svc"));
  CHECK_FALSE(listed.has("x-kept"));
}

TEST_CASE("the base path of the upstream's URL comes first") {
  RawUpstream upstream(test::serve(ok));
  for (const std::string base : {"/openai/deployments/x", "/openai/deployments/x/"}) {
    const Proxy proxy(upstream.url() + base, "");
    CHECK(proxy.round_trip(test::get("/v1/chat?a=b")).status() == 200);
    CHECK(upstream.next_request().target() == "/openai/deployments/x/v1/chat?a=b");
  }
}

TEST_CASE_TRANSPORTS("Host and SNI can differ from the URL") {
  RawUpstream upstream(test::upstream_options(transports.upstream), test::serve(ok));
  const Proxy proxy(upstream, "upstreams: { openai: { host: localhost } }");
  CHECK(proxy.round_trip(test::get("/")).status() == 200);
  CHECK(upstream.next_request().value("host") == "localhost");
  if (transports.upstream == test::Transport::tls)
    CHECK(upstream.last_server_name() == "localhost");
}

TEST_CASE("routes: the longest prefix wins, at a segment's end; strip_prefix") {
  RawUpstream first(test::serve(ok));
  RawUpstream second(test::serve(test::message("200 OK", {}, "second")));
  const Proxy proxy(first,
                    "upstreams: { local: { url: '" + second.url() + "' } }\n" +
                        "routes:\n"
                        "  - { path: /, upstream: openai }\n"
                        "  - { path: /local, upstream: local, strip_prefix: true }\n"
                        "  - { path: /local/keep, upstream: local }\n");
  CHECK(proxy.round_trip(test::get("/localx")).body == "ok");
  CHECK(first.next_request().target() == "/localx");
  CHECK(proxy.round_trip(test::get("/local/v1?q")).body == "second");
  CHECK(second.next_request().target() == "/v1?q");
  CHECK(proxy.round_trip(test::get("/local")).body == "second");
  CHECK(second.next_request().target() == "/");
  CHECK(proxy.round_trip(test::get("/local?q=1")).body == "second");
  CHECK(second.next_request().target() == "/?q=1");
  CHECK(proxy.round_trip(test::get("/local/keep/x")).body == "second");
  CHECK(second.next_request().target() == "/local/keep/x");
}

TEST_CASE("an absolute-form target goes on in origin-form") {
  const Message seen =
      forwarded("GET http://proxy.test/v1/models?x=1 HTTP/1.1\r\nHost: proxy.test\r\n\r\n");
  CHECK(seen.target() == "/v1/models?x=1");
}

TEST_CASE("OPTIONS * stays what it is") {
  const Message seen = forwarded("OPTIONS * HTTP/1.1\r\nHost: p\r\n\r\n");
  CHECK(seen.start_line == "OPTIONS * HTTP/1.1");
}
