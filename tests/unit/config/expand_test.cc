// config/expand: variables of the environment and secret files in values.
#include "config/expand.h"

#include <cstdlib>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/files.h"

namespace {

std::string expanded(std::string_view text) {
  const auto value = config::expand(text);
  return value ? *value : "error: " + value.error().why;
}

}  // namespace

TEST_CASE("variables are replaced, defaults stand in for unset and empty ones") {
  REQUIRE(setenv("OPENAI_PROXY_TEST_SET", "value", 1) == 0);
  REQUIRE(setenv("OPENAI_PROXY_TEST_EMPTY", "", 1) == 0);
  REQUIRE(unsetenv("OPENAI_PROXY_TEST_UNSET") == 0);
  struct Case {
    std::string text;
    std::string expected;
  };
  const std::vector<Case> cases = {
      {"", ""},
      {"plain", "plain"},
      {"${OPENAI_PROXY_TEST_SET}", "value"},
      {"a${OPENAI_PROXY_TEST_SET}b${OPENAI_PROXY_TEST_SET}", "avaluebvalue"},
      {"${OPENAI_PROXY_TEST_SET:-other}", "value"},
      {"${OPENAI_PROXY_TEST_EMPTY}", ""},
      {"${OPENAI_PROXY_TEST_EMPTY:-other}", "other"},
      {"${OPENAI_PROXY_TEST_UNSET:-https://h:80/x}", "https://h:80/x"},
      {"${OPENAI_PROXY_TEST_UNSET:-}", ""},
      {"$5 and $", "$5 and $"},
      {"$HOME", "$HOME"},
      {"$${OPENAI_PROXY_TEST_SET}", "${OPENAI_PROXY_TEST_SET}"},
      {"$$${", "$${"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.text);
    CHECK(expanded(each.text) == each.expected);
  }
}

TEST_CASE("what cannot be expanded is said with the variable's name") {
  REQUIRE(unsetenv("OPENAI_PROXY_TEST_UNSET") == 0);
  CHECK(expanded("x${OPENAI_PROXY_TEST_UNSET}")
            .find("error: the environment variable OPENAI_PROXY_TEST_UNSET is not set") == 0);
  for (const std::string text :
       {"${", "${A", "${}", "${:-x}", "${1A}", "${A B}", "${A-x}", "${A:-${B}}", "${A:=x}"}) {
    CAPTURE(text);
    CHECK(expanded(text).find("error: ") == 0);
  }
}

TEST_CASE("a file's one line is a value, and what is wrong with the file is said") {
  const test::TemporaryFolder folder;
  const auto written = [&](const std::string& content) {
    test::write_file(folder / "secret", content);
    return folder / "secret";
  };
  CHECK(expanded("a${file:" + written("sk-1:-}") + "}b") == "ask-1:-}b");
  CHECK(expanded("${file:" + written("line\n") + "}") == "line");
  CHECK(expanded("${file:" + written("line\r\n") + "}") == "line");
  CHECK(expanded("${file:" + written("") + "}").empty());
  CHECK(expanded("${file:" + written("${OPENAI_PROXY_TEST_SET}") + "}") ==
        "${OPENAI_PROXY_TEST_SET}");
  const std::string two_lines = expanded("${file:" + written("sk-one\nsk-two\n") + "}");
  CHECK(two_lines == "error: " + folder / "secret" + " has more than one line");
  CHECK(expanded("${file:" + (folder / "none") + "}") ==
        "error: cannot read " + (folder / "none") + ": No such file or directory");
  CHECK(expanded("${file:secret}") == "error: expected ${file:/PATH}, from the root on");
}

TEST_CASE("the expanded text is bounded") {
  REQUIRE(setenv("OPENAI_PROXY_TEST_LONG", std::string(100'000, 'a').c_str(), 1) == 0);
  std::string text;
  for (int i = 0; i < 11; ++i)
    text += "${OPENAI_PROXY_TEST_LONG}";
  CHECK(expanded(text).find("error: its variables make it longer than") == 0);
  REQUIRE(unsetenv("OPENAI_PROXY_TEST_LONG") == 0);
}

TEST_CASE("escaping is the inverse of expanding") {
  for (const std::string text : {"", "$", "${", "$${", "$$${A}", "a${A:-b}c", "${${", "$$"}) {
    CAPTURE(text);
    CHECK(expanded(config::escape_expansion(text)) == text);
  }
}
