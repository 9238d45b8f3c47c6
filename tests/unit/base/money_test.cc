#include "base/money.h"

#include <doctest/doctest.h>

TEST_CASE("dollars are read exactly, and printed back") {
  struct Case {
    const char* text;
    int64_t nano_dollars;
    const char* printed;
  };
  for (const Case& its : {Case{"20", 20'000'000'000, "20.00"},
                          {"20.00", 20'000'000'000, "20.00"},
                          {"$1.5", 1'500'000'000, "1.50"},
                          {"0", 0, "0.00"},
                          {"0.1", 100'000'000, "0.10"},
                          {"0.29", 290'000'000, "0.29"},
                          {"0.000000001", 1, "0.000000001"},
                          {"0.0000015", 1'500, "0.0000015"},
                          {"1.230000000", 1'230'000'000, "1.23"},
                          {"1000000000", 1'000'000'000'000'000'000, "1000000000.00"}}) {
    CAPTURE(its.text);
    CHECK(base::parse_dollars(its.text) == its.nano_dollars);
    CHECK(base::print_dollars(its.nano_dollars) == its.printed);
    CHECK(base::parse_dollars(its.printed) == its.nano_dollars);
  }
  CHECK(base::print_dollars(-1'500'000'000) == "-1.50");
  CHECK(base::print_dollars(INT64_MIN) == "-9223372036.854775808");
}

TEST_CASE("what is no sum of dollars") {
  for (const char* text : {"",
                           "$",
                           ".",
                           ".5",
                           "5.",
                           "-1",
                           "+1",
                           "1e3",
                           "1,5",
                           "1 000",
                           "0x10",
                           "1.0000000001",
                           "1.1234567890",
                           "1.2.3",
                           "$$1",
                           "1$",
                           "1000000000.000000001",
                           "99999999999999999999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(base::parse_dollars(text));
  }
}
