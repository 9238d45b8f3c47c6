#include "config/redis_url.h"

#include <optional>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

using config::RedisUrl;
using config::RedisUrlText;

namespace {

std::optional<RedisUrl> parsed(std::string_view text) {
  return RedisUrlText::parse(text, text);
}

}  // namespace

TEST_CASE("where a Redis is, as printed again") {
  struct Case {
    const char* text;
    const char* printed;
  };
  const Case cases[] = {
      {"none", "none"},
      {"redis://redis.internal", "redis://redis.internal:6379/0"},
      {"redis://redis.internal/", "redis://redis.internal:6379/0"},
      {"redis://127.0.0.1:7000/15", "redis://127.0.0.1:7000/15"},
      {"redis://h:80", "redis://h:80/0"},
      {"redis://[::1]:6380", "redis://[::1]:6380/0"},
      {"redis://:p%40ss@h", "redis://:********@h:6379/0"},
      {"redis://:p@ss@h", "redis://:********@h:6379/0"},
      {"redis://fleet:pass@h/1", "redis://fleet:********@h:6379/1"},
      {"unix:/run/redis/redis.sock", "unix:/run/redis/redis.sock"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.text);
    const auto url = parsed(each.text);
    REQUIRE(url);
    CHECK(RedisUrlText::print(*url) == each.printed);
  }
  CHECK(parsed("redis://:p%40ss@h")->password.reveal() == "p@ss");
  CHECK(parsed("redis://u:p@h")->user == "u");
  CHECK(parsed("redis://h")->place() == "h:6379");
}

TEST_CASE("a URL from a variable or a file is shown by its name") {
  const auto url = RedisUrlText::parse("redis://:pass@h", "${REDIS_URL}");
  REQUIRE(url);
  CHECK(RedisUrlText::print(*url) == "${REDIS_URL}");
  CHECK(url->password.reveal() == "pass");
}

TEST_CASE("what is no place of a Redis") {
  for (const char* const text : {"",
                                 "redis",
                                 "localhost:6379",
                                 "http://h",
                                 "rediss://h:6379/0",
                                 "redis://",
                                 "redis://h:0x",
                                 "redis://h:70000",
                                 "redis://h/x",
                                 "redis://h/0/1",
                                 "redis://h?db=1",
                                 "redis://pass@h",
                                 "redis://:@h",
                                 "redis://:%4@h",
                                 "redis://:********@h",
                                 "unix:redis.sock",
                                 "unix:/",
                                 "/run/redis.sock"}) {
    CAPTURE(text);
    CHECK_FALSE(parsed(text));
  }
}

TEST_CASE("a refusal says what to write, and shows no password") {
  CHECK(RedisUrlText::hint("rediss://h").find("TLS") == 0);
  CHECK(RedisUrlText::hint("redis://:********@h").find("mask") != std::string_view::npos);
  CHECK(RedisUrlText::hint("redis://pass@h").find(":PASSWORD@") != std::string_view::npos);
  CHECK(RedisUrlText::hint("/run/redis.sock").find("unix:") != std::string_view::npos);
  CHECK(RedisUrlText::hint("nonsense").empty());
  CHECK(RedisUrlText::shown("redis://:s3cret@h").find("s3cret") == std::string::npos);
}
