#include "policy/redirect.h"

#include <initializer_list>

#include <doctest/doctest.h>

using policy::plan_redirect;

namespace {

base::Url url(std::string_view text) {
  return *base::parse_url(text);
}

}  // namespace

TEST_CASE("which requests become GET, by the Fetch standard") {
  struct Case {
    uint16_t status;
    const char* method;
    bool becomes_get;
  };
  for (const Case& c : {Case{301, "GET", false},
                        Case{301, "POST", true},
                        Case{301, "PUT", false},
                        Case{302, "POST", true},
                        Case{302, "DELETE", false},
                        Case{302, "HEAD", false},
                        Case{303, "POST", true},
                        Case{303, "PUT", true},
                        Case{303, "GET", false},
                        Case{303, "HEAD", false},
                        Case{307, "POST", false},
                        Case{308, "POST", false}}) {
    CAPTURE(c.status);
    CAPTURE(c.method);
    const auto plan =
        plan_redirect(c.status, c.method, url("https://a.example/x"), "a.example", "/y");
    REQUIRE(plan);
    CHECK(plan->becomes_get == c.becomes_get);
    CHECK(!plan->cross_origin);
    CHECK(plan->url.target == "/y");
  }
}

TEST_CASE("another scheme, host or port is another origin") {
  const base::Url here = url("https://a.example/x/y?z");
  struct Case {
    const char* location;
    const char* target;
    bool cross_origin;
  };
  for (const Case& c : {Case{"https://a.example:443/q", "/q", false},
                        Case{"HTTPS://A.EXAMPLE/q", "/q", false},
                        Case{"w?v", "/x/w?v", false},
                        Case{"//b.example/q", "/q", true},
                        Case{"https://a.example:8443/q", "/q", true},
                        Case{"http://a.example/q", "/q", true}}) {
    CAPTURE(c.location);
    const auto plan = plan_redirect(307, "POST", here, "a.example", c.location);
    REQUIRE(plan);
    CHECK(plan->url.target == c.target);
    CHECK(plan->cross_origin == c.cross_origin);
  }
}

TEST_CASE("only http and https are followed") {
  for (const char* location :
       {"ftp://a.example/", "file:///etc/passwd", "javascript:x", "data:,x", "https://u:p@a/"}) {
    CAPTURE(location);
    CHECK(!plan_redirect(302, "GET", url("https://a.example/"), "a.example", location));
  }
}

TEST_CASE("statuses, body fields and credentials") {
  for (const uint16_t status : std::initializer_list<uint16_t>{301, 302, 303, 307, 308})
    CHECK(policy::is_redirect_status(status));
  for (const uint16_t status : std::initializer_list<uint16_t>{200, 300, 304, 305, 306, 309, 404})
    CHECK(!policy::is_redirect_status(status));
  CHECK(policy::describes_body("Content-Type"));
  CHECK(!policy::describes_body("Content-Length-Guess"));
}

TEST_CASE("the name an upstream is called by is the upstream") {
  const base::Url socket = base::unix_url("/run/a.sock");
  const auto from_socket = plan_redirect(307, "POST", socket, "localhost", "http://localhost/x");
  REQUIRE(from_socket);
  CHECK(!from_socket->cross_origin);
  CHECK(from_socket->url.origin.unix_path == "/run/a.sock");
  const auto relative = plan_redirect(307, "POST", socket, "localhost", "/x");
  REQUIRE(relative);
  CHECK(relative->url.origin.unix_path == "/run/a.sock");

  const base::Url here = url("http://127.0.0.1:8000/");
  const auto named = plan_redirect(307, "POST", here, "api.internal", "http://API.internal:80/x");
  REQUIRE(named);
  CHECK(named->url.origin == here.origin);
  CHECK(named->url.target == "/x");
  CHECK(plan_redirect(307, "POST", here, "api.internal", "https://api.internal/x")->cross_origin);
  CHECK(plan_redirect(307, "POST", here, "api.internal", "http://api.internal:81/x")->cross_origin);
}

TEST_CASE("what proves an identity stays with its origin, whatever it is called") {
  for (const char* name : {"authorization",
                           "Cookie",
                           "Cookie2",
                           "Api-Key",
                           "X-API-Key",
                           "x-apikey",
                           "apikey",
                           "x-goog-api-key",
                           "X-Goog-IAM-Authorization-Token",
                           "Ocp-Apim-Subscription-Key",
                           "xi-api-key",
                           "X-Functions-Key",
                           "X-Master-Key",
                           "X-AccessKey",
                           "Fastly-Key",
                           "X-Auth",
                           "X-Auth-User",
                           "X-Authentication",
                           "X-Auth-Token",
                           "X-Amz-Security-Token",
                           "X-Amz-Signature",
                           "x-access-token",
                           "Private-Token",
                           "X-Vault-Token",
                           "X-CSRF-Token",
                           "cf-access-token",
                           "CF-Access-Client-Secret",
                           "cf-aig-authorization",
                           "Cf-Access-Jwt-Assertion",
                           "X-Client-Secret",
                           "X-Hub-Signature-256",
                           "Signature",
                           "Signature-Input",
                           "Sec-WebSocket-Protocol",
                           "Proxy-Authorization",
                           "Proxy-Anything",
                           "X-Session-Id",
                           "X-Password",
                           "X-JWT",
                           "DPoP",
                           "X-Bearer",
                           "X-Forwarded-Client-Cert",
                           "X-MS-Client-Principal",
                           "x_api_key"}) {
    CAPTURE(name);
    CHECK(policy::is_credential(name));
  }
  for (const char* name : {"Content-Type",
                           "Accept",
                           "Accept-Encoding",
                           "User-Agent",
                           "Host",
                           "openai-organization",
                           "OpenAI-Project",
                           "OpenAI-Beta",
                           "anthropic-version",
                           "x-stainless-lang",
                           "X-Request-Id",
                           "Idempotency-Key",
                           "traceparent",
                           "Sec-WebSocket-Key",
                           "Origin",
                           "Keep-It",
                           "X-Monkeys",
                           "X-Compass",
                           "Cache-Control"}) {
    CAPTURE(name);
    CHECK(!policy::is_credential(name));
  }
}
