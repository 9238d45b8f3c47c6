#include "policy/fields.h"

#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "head_builder.h"

using policy::FieldFilter;

namespace {

std::string sent_upstream(const config::Headers& config, FieldList fields) {
  http::Head to;
  FieldFilter(config).request(make_request("POST", fields), to, "api.example");
  return text_of(to);
}

}  // namespace

TEST_CASE("end-to-end fields go up in order, case and multiplicity") {
  CHECK(sent_upstream({},
                      {{"hOsT", "proxy.example"},
                       {"Authorization", "Bearer k"},
                       {"X-A", "1"},
                       {"x-a", "2"},
                       {"Accept-Encoding", "gzip"}}) ==
        "hOsT: api.example\nAuthorization: Bearer k\nX-A: 1\nx-a: 2\nAccept-Encoding: gzip\n");
  CHECK(sent_upstream({}, {{"X-A", "1"}}) == "Host: api.example\nX-A: 1\n");
}

TEST_CASE("hop-by-hop fields and those Connection names stay here") {
  CHECK(sent_upstream({},
                      {{"Host", "p"},
                       {"Connection", "keep-alive, X-Secret ,close"},
                       {"Keep-Alive", "timeout=5"},
                       {"Proxy-Connection", "keep-alive"},
                       {"Proxy-Authorization", "Basic x"},
                       {"TE", "trailers"},
                       {"Trailer", "X-T"},
                       {"Transfer-Encoding", "chunked"},
                       {"Upgrade", "websocket"},
                       {"x-secret", "dropped"},
                       {"Connection", "X-Other"},
                       {"X-OTHER", "dropped"},
                       {"Content-Length", "5"},
                       {"X-Kept", "1"}}) == "Host: api.example\nX-Kept: 1\n");
}

TEST_CASE("what a CDN or a front proxy added is dropped unless asked for") {
  const FieldList fields = {{"Host", "p"},
                            {"CF-Connecting-IP", "1.2.3.4"},
                            {"cf-ray", "x"},
                            {"CDN-Loop", "cloudflare"},
                            {"True-Client-IP", "1.2.3.4"},
                            {"X-Forwarded-For", "1.2.3.4"},
                            {"X-Forwarded-Proto", "https"},
                            {"Forwarded", "for=1.2.3.4"},
                            {"X-Real-IP", "1.2.3.4"},
                            {"Via", "1.1 nginx"},
                            {"Cookie", "a=b"},
                            {"X-Forward", "kept"}};
  CHECK(sent_upstream({}, fields) == "Host: api.example\nCookie: a=b\nX-Forward: kept\n");
  const std::string all = sent_upstream({.strip_cdn = false}, fields);
  CHECK(std::count(all.begin(), all.end(), '\n') == 12);
  CHECK(sent_upstream({.strip_request = {"cookie"}}, fields) ==
        "Host: api.example\nX-Forward: kept\n");
}

TEST_CASE(
    "what a client says to an upstream behind Cloudflare passes, what the CDN says does not") {
  for (const char* name : {"cf-aig-authorization",
                           "CF-AIG-Metadata",
                           "cf-aig-cache-key",
                           "cf-aig-request-timeout",
                           "CF-Access-Client-Id",
                           "CF-Access-Client-Secret",
                           "cf-access-token",
                           "cf-workers-preview-token",
                           "cf-create-bucket-if-missing",
                           "cf-turnstile-response",
                           "Fastly-Key"}) {
    CAPTURE(name);
    CHECK(sent_upstream({}, {{"Host", "p"}, {name, "v"}}).find(name) != std::string::npos);
  }
  for (const char* name : {"cf-connecting-ip",
                           "CF-Connecting-IPv6",
                           "cf-connecting-o2o",
                           "cf-pseudo-ipv4",
                           "CF-IPCountry",
                           "cf-ipcity",
                           "cf-iplatitude",
                           "cf-region-code",
                           "cf-timezone",
                           "cf-ray",
                           "cf-visitor",
                           "cf-worker",
                           "cf-ew-via",
                           "cf-warp-tag-id",
                           "cf-device-type",
                           "cf-request-id",
                           "cf-cert-presented",
                           "cf-ja3-hash",
                           "cf-what-comes-next",
                           "Cf-Access-Jwt-Assertion",
                           "Cf-Access-Authenticated-User-Email",
                           "cf-access-tokens",
                           "CloudFront-Viewer-Address",
                           "Fastly-Client-IP",
                           "Fly-Client-IP",
                           "Incap-Client-IP",
                           "X-Client-IP",
                           "X-Azure-ClientIP",
                           "X-Original-Forwarded-For",
                           "X-Vercel-IP-Country"}) {
    CAPTURE(name);
    CHECK(sent_upstream({}, {{"Host", "p"}, {name, "v"}}) == "Host: api.example\n");
  }
}

TEST_CASE("a mark against loops is not passed on as it came") {
  CHECK(sent_upstream({.strip_cdn = false}, {{"Host", "p"}, {"x-proxy-loop", "1"}}) ==
        "Host: api.example\n");
}

TEST_CASE("of responses only a 426 keeps Upgrade") {
  const FieldList fields = {{"Connection", "upgrade"}, {"Upgrade", "websocket"}};
  for (const uint16_t status : {uint16_t{101}, uint16_t{200}, uint16_t{400}, uint16_t{501}}) {
    http::Head response = make_response(status, fields);
    FieldFilter(config::Headers{}).response(response);
    CHECK(text_of(response).empty());
  }
  http::Head response = make_response(426, fields);
  FieldFilter(config::Headers{}).response(response);
  CHECK(text_of(response) == "Upgrade: websocket\n");
}

TEST_CASE("response fields that speak for the API's host are dropped") {
  const FieldList fields = {{"Alt-Svc", "h3"},
                            {"Strict-Transport-Security", "max-age=1"},
                            {"NEL", "{}"},
                            {"Report-To", "{}"},
                            {"Connection", "close, X-Hop"},
                            {"X-Hop", "1"},
                            {"Transfer-Encoding", "chunked"},
                            {"Content-Length", "5"},
                            {"Set-Cookie", "a"},
                            {"set-cookie", "b"}};
  http::Head response = make_response(200, fields);
  FieldFilter(config::Headers{}).response(response);
  CHECK(text_of(response) == "Set-Cookie: a\nset-cookie: b\n");

  response = make_response(200, fields);
  FieldFilter(config::Headers{.strip_response = {"set-cookie"}}).response(response);
  CHECK(text_of(response) ==
        "Alt-Svc: h3\nStrict-Transport-Security: max-age=1\nNEL: {}\nReport-To: {}\n");
}

TEST_CASE("the client is announced only where configured") {
  http::Head request = make_request("GET", {});
  http::Head response = make_response(200, {});
  FieldFilter(config::Headers{}).announce(request, "192.0.2.1", false);
  FieldFilter(config::Headers{}).announce(response);
  CHECK(text_of(request).empty());
  CHECK(text_of(response).empty());
  const FieldFilter telling(config::Headers{.add_forwarded = true, .add_via = true});
  telling.announce(request, "192.0.2.1", false);
  telling.announce(response);
  CHECK(text_of(request) ==
        "X-Forwarded-For: 192.0.2.1\nX-Forwarded-Proto: http\nVia: 1.1 openai-proxy\n");
  http::Head encrypted = make_request("GET", {});
  telling.announce(encrypted, "192.0.2.1", true);
  CHECK(text_of(encrypted) ==
        "X-Forwarded-For: 192.0.2.1\nX-Forwarded-Proto: https\nVia: 1.1 openai-proxy\n");
  CHECK(text_of(response) == "Via: 1.1 openai-proxy\n");
}
