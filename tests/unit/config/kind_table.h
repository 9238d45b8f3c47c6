#pragma once

// A kind of value by a table of text → what it prints back, or "(none)".

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace test {

struct KindCase {
  std::string text;
  std::string printed;
};

// What parses prints as the table says, and what is printed parses to the same again.
template <class Kind>
void check_table(const Kind& kind, const std::vector<KindCase>& cases) {
  for (const KindCase& each : cases) {
    CAPTURE(each.text);
    const auto value = kind.parse(each.text);
    const std::string seen = value ? kind.print(*value) : "(none)";
    CHECK(seen == each.printed);
    if (!value) continue;
    const auto again = kind.parse(seen);
    REQUIRE(again);
    CHECK(kind.print(*again) == seen);
  }
}

}  // namespace test
