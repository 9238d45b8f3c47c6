#include "http/target.h"

#include <doctest/doctest.h>

namespace {

TEST_CASE("split_target: the forms") {
  struct Row {
    std::string_view target;
    std::string_view authority;
    std::string_view rest;
    bool is_https;
  };
  constexpr Row rows[] = {
      {"/", "", "/", false},
      {"//h/a", "", "//h/a", false},
      {"/a?b=http://c", "", "/a?b=http://c", false},
      {"*", "", "*", false},
      {"http://h", "h", "", false},
      {"http://h/", "h", "/", false},
      {"HTTPS://h:1/a?b", "h:1", "/a?b", true},
      {"http://h?a/b", "h", "?a/b", false},
      {"http://[::1]:80/a", "[::1]:80", "/a", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.target);
    const auto parts = http::split_target(row.target);
    REQUIRE(parts.has_value());
    CHECK(parts->authority == row.authority);
    CHECK(parts->rest == row.rest);
    CHECK(parts->is_https == row.is_https);
  }
  for (const std::string_view target : {"",
                                        "a",
                                        "*a",
                                        "?a",
                                        "h:80",
                                        "http:/h",
                                        "http://",
                                        "http:///a",
                                        "http://u@h/",
                                        "http://h:x/",
                                        "ftp://h/",
                                        "/a#b",
                                        "#",
                                        "http//h"}) {
    CAPTURE(target);
    CHECK_FALSE(http::split_target(target).has_value());
  }
}

TEST_CASE("origin_form: what an origin server is asked for") {
  base::Arena arena;
  CHECK(http::origin_form("GET", "/a//../b?c", arena) == "/a//../b?c");
  CHECK(http::origin_form("OPTIONS", "*", arena) == "*");
  CHECK(http::origin_form("GET", "http://h/a?b", arena) == "/a?b");
  CHECK(http::origin_form("GET", "https://h:8443//a", arena) == "//a");
  CHECK(arena.used() == 0);
  CHECK(http::origin_form("GET", "http://h", arena) == "/");
  CHECK(http::origin_form("OPTIONS", "http://h", arena) == "*");
  CHECK(http::origin_form("OPTIONS", "http://h/", arena) == "/");
  CHECK(http::origin_form("GET", "http://h?a", arena) == "/?a");
}

TEST_CASE("is_same_authority: case and default ports") {
  CHECK(http::is_same_authority("h", "H", false));
  CHECK(http::is_same_authority("h:80", "h", false));
  CHECK(http::is_same_authority("h:", "h:80", false));
  CHECK(http::is_same_authority("h", "h:443", true));
  CHECK(http::is_same_authority("[::A]:443", "[::a]", true));
  CHECK_FALSE(http::is_same_authority("h:80", "h", true));
  CHECK_FALSE(http::is_same_authority("h:443", "h", false));
  CHECK_FALSE(http::is_same_authority("h", "h.", false));
  CHECK_FALSE(http::is_same_authority("h", "i", false));
  CHECK_FALSE(http::is_same_authority("[::1]:80", "[::1]:81", false));
}

}  // namespace
