#include "policy/route.h"

#include <doctest/doctest.h>

#include "config/load.h"

using policy::Router;

TEST_CASE("the longest path that ends at a segment wins") {
  config::Config config;
  config.routes = {{.path = "/", .upstream = "all"},
                   {.path = "/v1", .upstream = "one"},
                   {.path = "/v1/chat", .upstream = "chat"},
                   {.path = "/local", .upstream = "local"}};
  const Router router(config);
  struct Case {
    const char* path;
    const char* upstream;
  };
  for (const Case& c : {Case{"/", "all"},
                        Case{"/v1", "one"},
                        Case{"/v1?x=/chat", "one"},
                        Case{"/v1/", "one"},
                        Case{"/v1x", "all"},
                        Case{"/v1/chat/completions", "chat"},
                        Case{"/v1/chatter", "one"},
                        Case{"/local", "local"},
                        Case{"/local/", "local"},
                        Case{"/local/v1", "local"},
                        Case{"//v1", "all"}}) {
    CAPTURE(c.path);
    const policy::Route* route = router.find(c.path);
    REQUIRE(route != nullptr);
    CHECK(route->upstream == c.upstream);
  }
}

TEST_CASE("without a match there is no route") {
  config::Config config;
  config.routes = {{.path = "/v1", .upstream = "one"}};
  CHECK(Router(config).find("/v2") == nullptr);
}

TEST_CASE("a path that could be meant for another route is told from one that could not") {
  config::Config config;
  config.routes = {{.path = "/", .upstream = "all"},
                   {.path = "/local", .upstream = "local", .strip_prefix = true},
                   {.path = "/v1", .upstream = "one"}};
  const Router router(config);
  struct Case {
    const char* path;
    bool ambiguous;
  };
  for (const Case& c : {Case{"/", false},
                        Case{"/v1/models", false},
                        Case{"/local", false},
                        Case{"/local/", false},
                        Case{"/local/v1/Models?a=/../x//", false},
                        Case{"/local/./v1", false},
                        Case{"/local/a/../b", false},
                        Case{"/local//v1", false},
                        Case{"/v1/models/org%2Fmodel", false},
                        Case{"/v1/a%20b%", false},
                        Case{"/v1/...", false},
                        Case{"/v1/.well-known", false},
                        Case{"/x/../y", false},
                        Case{"/../x", false},
                        Case{"/localhost", false},
                        // Of another route, read otherwise.
                        Case{"/Local/v1", true},
                        Case{"/LOCAL", true},
                        Case{"//local/v1", true},
                        Case{"/./local/v1", true},
                        Case{"/x/../local/v1", true},
                        Case{"/%6Cocal/v1", true},
                        Case{"/local%2Fv1", true},
                        Case{"/local%2fv1", true},
                        Case{"\\local\\v1", true},
                        Case{"/local\\v1", true},
                        Case{"/local/../v1", true},
                        Case{"/local/..", true},
                        Case{"/local/%2e%2E/v1", true},
                        Case{"/local/.%2e/x", true},
                        Case{"/local/..%2Fv1", true},
                        Case{"/local/..;/v1", true},
                        Case{"/local/..\\v1", true},
                        // Of the same route, but only by climbing out of it.
                        Case{"/local/../local/v1", true}}) {
    CAPTURE(c.path);
    CHECK(router.is_ambiguous(c.path, router.find(c.path)) == c.ambiguous);
  }
}

TEST_CASE("with one route for all no path is ambiguous, but for one that leaves a base path") {
  config::Config config = config::default_config();
  const Router all(config);
  for (const char* path : {"/v1/..", "//v1", "/%2e%2e/x", "/V1"})
    CHECK_FALSE(all.is_ambiguous(path, all.find(path)));
  config.upstreams.at("openai").url = *base::parse_url("https://a.example/base");
  const Router below(config);
  CHECK(below.is_ambiguous("/../x", below.find("/../x")));
  CHECK(below.is_ambiguous("/v1/%2e%2e/../x", below.find("/v1/%2e%2e/../x")));
  CHECK_FALSE(below.is_ambiguous("/v1/../x", below.find("/v1/../x")));
  CHECK_FALSE(below.is_ambiguous("/V1//x", below.find("/V1//x")));
}

TEST_CASE("what a route forwards of a path") {
  config::Config config;
  config.routes = {{.path = "/", .upstream = "all", .strip_prefix = true},
                   {.path = "/a", .upstream = "a", .strip_prefix = true},
                   {.path = "/b", .upstream = "b"}};
  const Router router(config);
  CHECK(router.find("/x")->forwarded("/x") == "/x");
  CHECK(router.find("/a")->forwarded("/a").empty());
  CHECK(router.find("/a?q")->forwarded("/a?q") == "?q");
  CHECK(router.find("/a/x")->forwarded("/a/x") == "/x");
  CHECK(router.find("/b/x")->forwarded("/b/x") == "/b/x");
}
