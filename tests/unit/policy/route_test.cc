#include "policy/route.h"

#include <doctest/doctest.h>

using policy::Router;

TEST_CASE("the longest path that ends at a segment wins") {
  config::Config config;
  config.routes = {{.path = "/", .upstream = "all"},
                   {.path = "/v1", .upstream = "one"},
                   {.path = "/v1/chat", .upstream = "chat"},
                   {.path = "/local/", .upstream = "local"}};
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
                        Case{"/local", "all"},
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
