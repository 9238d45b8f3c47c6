#include "policy/glob.h"

#include <string>

#include <doctest/doctest.h>

using policy::matches;

TEST_CASE("patterns with stars") {
  struct Case {
    const char* pattern;
    const char* text;
    bool result;
  };
  for (const Case& c : {Case{"gpt-5*", "gpt-5-mini", true},
                        Case{"gpt-5*", "gpt-5", true},
                        Case{"gpt-5*", "gpt-4", false},
                        Case{"*", "", true},
                        Case{"", "", true},
                        Case{"", "x", false},
                        Case{"*-mini", "gpt-5-mini", true},
                        Case{"*-mini", "gpt-5-mini-2", false},
                        Case{"a*b*c", "a-b-b-c", true},
                        Case{"a*b*c", "a-c-b", false},
                        Case{"**", "anything", true},
                        Case{"GPT-5", "gpt-5", false}}) {
    CAPTURE(c.pattern);
    CAPTURE(c.text);
    CHECK(matches(c.pattern, c.text) == c.result);
  }
}

TEST_CASE("a pattern made to take long does not") {
  CHECK(!matches(std::string(50, '*') + "b", std::string(5'000, 'a')));
}
