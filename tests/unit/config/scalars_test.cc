// config/scalars: every kind by a table of text → what it prints back, or "(none)".
#include "config/scalars.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "kind_table.h"

using test::check_table;

TEST_CASE("flags are true or false, or what YAML once took for them") {
  check_table(config::Flag{},
              {{"true", "true"},
               {"false", "false"},
               {"True", "true"},
               {"yes", "true"},
               {"NO", "false"},
               {"on", "true"},
               {"off", "false"},
               {"y", "(none)"},
               {"ja", "(none)"},
               {"1", "(none)"},
               {"", "(none)"}});
}

TEST_CASE("counts keep to their bounds") {
  check_table(config::Count{.min = 2, .max = 10},
              {{"2", "2"},
               {"10", "10"},
               {"007", "7"},
               {"1", "(none)"},
               {"11", "(none)"},
               {"-3", "(none)"},
               {"+3", "(none)"},
               {"3.0", "(none)"},
               {"0x3", "(none)"},
               {" 3", "(none)"},
               {"", "(none)"},
               {"4294967299", "(none)"},
               {"18446744073709551619", "(none)"}});
  check_table(config::Count{.min = 1, .max = 10, .zero_word = "auto"},
              {{"auto", "auto"}, {"1", "1"}, {"0", "(none)"}, {"Auto", "(none)"}});
  CHECK(config::Count{.min = 1, .zero_word = "auto"}.parse("auto") == 0U);
  CHECK(config::Count{}.parse("4294967295") == 4'294'967'295U);
}

TEST_CASE("durations have a unit and no overflow") {
  check_table(config::Duration{},
              {{"1ms", "1ms"},
               {"500ms", "500ms"},
               {"1500ms", "1500ms"},
               {"55s", "55s"},
               {"60s", "1m"},
               {"90s", "90s"},
               {"15m", "15m"},
               {"24h", "24h"},
               {"168h", "168h"},
               {"169h", "(none)"},
               {"0", "(none)"},
               {"0s", "(none)"},
               {"55", "(none)"},
               {"55 s", "55s"},
               {"55  s", "(none)"},
               {"55 ", "(none)"},
               {"s", "(none)"},
               {"1.5s", "(none)"},
               {"-1s", "(none)"},
               {"1d", "(none)"},
               {"1S", "(none)"},
               {"5124095576030431h", "(none)"},
               {"99999999999999999999s", "(none)"}});
  check_table(config::Duration{.min_ms = 0}, {{"0", "0"}, {"0s", "0"}, {"00", "(none)"}});
  CHECK(config::Duration{}.parse("55s") == 55'000U);
  CHECK(config::Duration{}.parse("24h") == 86'400'000U);
}

TEST_CASE("sizes count in 1024s with an i or a letter alone, and in 1000s with a B") {
  check_table(config::Size{},
              {{"0", "0"},
               {"4096", "4KiB"},
               {"4097", "4097"},
               {"17B", "17"},
               {"64KiB", "64KiB"},
               {"1024KiB", "1MiB"},
               {"1GiB", "1GiB"},
               {"10MB", "10000000"},
               {"9223372036854775807", "9223372036854775807"},
               {"9223372036854775808", "(none)"},
               {"17179869184GiB", "(none)"},
               {"18446744073709551616", "(none)"},
               {"1.5MiB", "(none)"},
               {"1 MiB", "1MiB"},
               {"1mib", "(none)"},
               {"1M", "1MiB"},
               {"64k", "64KiB"},
               {"2G", "2GiB"},
               {"1T", "(none)"},
               {"-1", "(none)"},
               {"KiB", "(none)"},
               {"", "(none)"}});
  check_table(config::Size{.min = 10, .max = 20},
              {{"9", "(none)"}, {"20", "20"}, {"21", "(none)"}});
  check_table(config::Size{.min = 10, .zero_word = "off"},
              {{"off", "off"}, {"10", "10"}, {"0", "(none)"}, {"Off", "(none)"}});
  CHECK(config::Size{.min = 10, .zero_word = "off"}.parse("off") == 0U);
  CHECK(config::Size{}.parse("10MB") == 10'000'000U);
  CHECK(config::Size{}.parse("1kB") == 1'000U);
}

TEST_CASE("listening addresses are literal, or unix sockets") {
  check_table(config::ListenText{},
              {{"0.0.0.0:8080", "0.0.0.0:8080"},
               {":8080", "0.0.0.0:8080"},
               {"127.0.0.1:0", "127.0.0.1:0"},
               {"[::]:8080", "[::]:8080"},
               {"[0:0::1]:65535", "[::1]:65535"},
               {"unix:/run/proxy.sock", "unix:/run/proxy.sock"},
               {"unix:" + std::string(107, 'a'), "unix:" + std::string(107, 'a')},
               {"unix:" + std::string(108, 'a'), "(none)"},
               {"unix:", "(none)"},
               {"unix:/a\nb", "(none)"},
               {"localhost:8080", "127.0.0.1:8080"},
               {"my-host:8080", "(none)"},
               {"8080", "0.0.0.0:8080"},
               {"127.0.0.1", "(none)"},
               {"127.0.0.1:", "(none)"},
               {"127.0.0.1:65536", "(none)"},
               {"127.0.0.1:-1", "(none)"},
               {"127.1:80", "(none)"},
               {"::1:80", "(none)"},
               {"[::1]", "(none)"},
               {"[127.0.0.1]:80", "(none)"},
               {"[:80", "(none)"},
               {"*:80", "(none)"},
               {"", "(none)"}});
  check_table(config::ListenOrOff{},
              {{"off", "off"}, {"127.0.0.1:9901", "127.0.0.1:9901"}, {"on", "(none)"}});
  const auto off = config::ListenOrOff::parse("off");
  REQUIRE(off);
  CHECK_FALSE(off->has_value());
}

TEST_CASE("upstream URLs have a base path at most, and are shown without secrets") {
  check_table(config::UpstreamUrl{},
              {{"https://api.openai.com", "https://api.openai.com"},
               {"https://api.openai.com/", "https://api.openai.com"},
               {"http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1"},
               {"https://h/a/", "https://h/a/"},
               {"https://h?api-version=1", "(none)"},
               {"https://h/#x", "(none)"},
               {"https://u:p@h/", "(none)"},
               {"api.openai.com", "(none)"},
               {"ftp://h", "(none)"}});
  CHECK(config::UpstreamUrl::shown("htps://h") == "\"htps://h\"");
  CHECK(config::UpstreamUrl::shown("https://u:secret@h").find("secret") == std::string::npos);
  CHECK(config::UpstreamUrl::shown("https://h/?key=secret").find("secret") == std::string::npos);
  check_table(config::Authority{},
              {{"api.openai.com", "api.openai.com"},
               {"h:8443", "h:8443"},
               {"[::1]:80", "[::1]:80"},
               {"h/", "(none)"},
               {"u@h", "(none)"},
               {"h:", "(none)"},
               {"h h", "(none)"},
               {"", "(none)"}});
}

TEST_CASE("origins are kept as browsers write them") {
  check_table(config::OriginPattern{},
              {{"*", "*"},
               {"null", "null"},
               {"https://App.Example.com", "https://app.example.com"},
               {"https://a.com:443", "https://a.com"},
               {"http://a.com:443", "http://a.com:443"},
               {"http://localhost:3000", "http://localhost:3000"},
               {"http://[::1]:3000", "http://[::1]:3000"},
               {"https://*.example.com", "https://*.example.com"},
               {"https://*.example.com:8443", "https://*.example.com:8443"},
               {"chrome-extension://abcdef", "chrome-extension://abcdef"},
               {"tauri://localhost", "tauri://localhost"},
               {"https://a.com/", "(none)"},
               {"https://a.com/x", "(none)"},
               {"https://a.com?x", "(none)"},
               {"https://u@a.com", "(none)"},
               {"https://a.*.com", "(none)"},
               {"https://*.*.com", "(none)"},
               {"https://*", "(none)"},
               {"https://*.", "(none)"},
               {"https://*example.com", "(none)"},
               {"https://a.com:", "(none)"},
               {"https://a.com:0", "(none)"},
               {"a.com", "(none)"},
               {"//a.com", "(none)"},
               {"://a.com", "(none)"},
               {"ht tp://a.com", "(none)"},
               {"", "(none)"}});
}

TEST_CASE("upstreams on unix sockets") {
  check_table(config::UpstreamUrl{},
              {{"unix:/run/llama.sock", "unix:/run/llama.sock"},
               {"unix:///run/llama.sock", "unix:/run/llama.sock"},
               {"unix:/a b", "unix:/a b"},
               {"unix:/" + std::string(106, 'a'), "unix:/" + std::string(106, 'a')},
               {"unix:/" + std::string(107, 'a'), "(none)"},
               {"unix:", "(none)"},
               {"unix:/", "(none)"},
               {"unix:/run/", "(none)"},
               {"unix:run/llama.sock", "(none)"},
               {"unix:./llama.sock", "(none)"},
               {"unix://run/llama.sock", "(none)"},
               {"unix:@abstract", "(none)"},
               {"unix:/a\nb", "(none)"},
               {"http://unix:/run/llama.sock", "(none)"},
               {"https://unix:/run/llama.sock:/base", "(none)"},
               {"http+unix://%2Frun%2Fllama.sock", "(none)"},
               {"http://unix", "http://unix"},
               {"http://unix:8080/x", "http://unix:8080/x"}});
  using config::UpstreamUrl;
  CHECK(UpstreamUrl::hint("http://unix:/run/a.sock").find("unix:/path") != std::string::npos);
  CHECK(UpstreamUrl::hint("unix:run").find("begins with one slash") != std::string::npos);
  CHECK(UpstreamUrl::hint("ftp://h").empty());
}

TEST_CASE("what is wrong with a route's path is said") {
  using config::RoutePath;
  CHECK(RoutePath::hint("v1").find("begin with a slash") != std::string::npos);
  CHECK(RoutePath::hint("/local*").find("covers its path and all below it") != std::string::npos);
  CHECK(RoutePath::hint("/a//b").find("one slash") != std::string::npos);
  CHECK(RoutePath::hint("/a?b").find("query") != std::string::npos);
  CHECK(RoutePath::hint("/a/../b").find("dot segments") != std::string::npos);
  CHECK(RoutePath::hint("/a%20b").find("percent") != std::string::npos);
  CHECK(RoutePath::advice("/local/*").find("left out") != std::string::npos);
  CHECK(RoutePath::advice("/local").empty());
}

TEST_CASE("names, paths and files") {
  check_table(config::FieldName{},
              {{"X-Request-Id", "x-request-id"},
               {"x-ratelimit-*", "x-ratelimit-*"},
               {"a b", "(none)"},
               {"a:", "(none)"},
               {"a\r\nb", "(none)"},
               {"\xc3\xa9", "(none)"},
               {"", "(none)"}});
  check_table(config::RoutePath{},
              {{"/", "/"},
               {"/v1/", "/v1"},
               {"/v1/models:generate", "/v1/models:generate"},
               {"/~me/a_b-c.d", "/~me/a_b-c.d"},
               {"/local/*", "/local"},
               {"/local/**", "/local"},
               {"/*", "/"},
               {"v1", "(none)"},
               {"*", "(none)"},
               {"local/*", "(none)"},
               {"/local*", "(none)"},
               {"/lo*cal", "(none)"},
               {"/*/v1", "(none)"},
               {"/*/*", "(none)"},
               {"/local/.*", "(none)"},
               {"^/local", "(none)"},
               {"/local$", "(none)"},
               {"/local(/x)", "(none)"},
               {"/{name}", "(none)"},
               {"/:name/x", "(none)"},
               {"//local", "(none)"},
               {"/local//v1", "(none)"},
               {"/local//", "(none)"},
               {"/./local", "(none)"},
               {"/local/../v1", "(none)"},
               {"/local/..", "(none)"},
               {"/a%20b", "(none)"},
               {"/%6Cocal", "(none)"},
               {"/local\\v1", "(none)"},
               {"/\xc3\xa9", "(none)"},
               {"http://h/local", "(none)"},
               {"/a b", "(none)"},
               {"/a?b", "(none)"},
               {"/a#b", "(none)"},
               {"/a\nb", "(none)"},
               {"", "(none)"}});
  check_table(config::Name{},
              {{"openai", "openai"},
               {"my-local_2", "my-local_2"},
               {std::string(64, 'a'), std::string(64, 'a')},
               {std::string(65, 'a'), "(none)"},
               {"a.b", "(none)"},
               {"a b", "(none)"},
               {"", "(none)"}});
  check_table(config::FileName{.words = "", .empty_word = "system"},
              {{"system", "system"}, {"/etc/ca.pem", "/etc/ca.pem"}, {"", "(none)"}});
  check_table(config::FileName{.words = ""},
              {{"a b", "a b"}, {"a\nb", "(none)"}, {std::string("a\0b", 3), "(none)"}});
}

TEST_CASE("what is expected is said with the bounds") {
  CHECK(config::Count{.min = 1, .max = 9, .zero_word = "auto"}.expected() ==
        "auto or a whole number from 1 to 9");
  CHECK(config::log_levels.expected() == "debug, info, warning or error");
  CHECK(config::Size{.min = 1024, .max = 2048}.expected() ==
        "a size such as 4096, 64KiB, 10MB or 1GiB, at least 1KiB, at most 2KiB");
}
