// The fast way through a head's fields: what it takes, what it leaves to llhttp.
#include "http/field_lines.h"

#include <string>

#include <doctest/doctest.h>

namespace {

using http::Field;
using http::FieldId;
using http::split_plain_fields;

TEST_CASE("plain fields become views with trimmed values and ids") {
  std::vector<Field> fields;
  REQUIRE(split_plain_fields(
      "Host: a\r\nX-One:two\r\nempty:\r\nblank: \t \r\nContent-Type: \ta b\xc3\xa9 \t\r\n",
      10,
      fields));
  REQUIRE(fields.size() == 5);
  CHECK(fields[0].name == "Host");
  CHECK(fields[0].value == "a");
  CHECK(fields[0].id == FieldId::host);
  CHECK(fields[1].name == "X-One");
  CHECK(fields[1].value == "two");
  CHECK(fields[1].id == FieldId::other);
  CHECK(fields[2].value.empty());
  CHECK(fields[3].value.empty());
  CHECK(fields[4].value == "a b\xc3\xa9");
}

TEST_CASE("what is not plain is left to llhttp, and nothing is appended") {
  const struct {
    const char* why;
    std::string lines;
  } cases[] = {
      {"bare LF", "a: b\n"},
      {"LF alone", "\n"},
      {"bare CR within", "a: b\rc\r\n"},
      {"CR before CRLF", "a: b\r\r\n"},
      {"no line end", "a: b"},
      {"no colon", "ab\r\n"},
      {"no name", ": b\r\n"},
      {"space before the colon", "a : b\r\n"},
      {"folded line", "a: b\r\n c: d\r\n"},
      {"folded with a tab", "a: b\r\n\tc\r\n"},
      {"empty line", "a: b\r\n\r\n"},
      {"NUL in a value", std::string("a: b\0c\r\n", 8)},
      {"DEL in a value", "a: b\x7f\r\n"},
      {"control byte far in a long value", "a: " + std::string(100, 'x') + "\x01\r\n"},
      {"eighth bit in a name", "\xc3\xa9: b\r\n"},
      {"NUL in a name", std::string("a\0: b\r\n", 7)},
  };
  for (const auto& given : cases) {
    CAPTURE(given.why);
    std::vector<Field> fields{{"kept", "before", FieldId::other}};
    CHECK(!split_plain_fields("ok: yes\r\n" + given.lines, 10, fields));
    CHECK(fields.size() == 1);
  }
}

TEST_CASE("more fields than allowed are left to llhttp") {
  std::vector<Field> fields;
  CHECK(split_plain_fields("a: 1\r\nb: 2\r\n", 2, fields));
  fields.clear();
  CHECK(!split_plain_fields("a: 1\r\nb: 2\r\nc: 3\r\n", 2, fields));
  CHECK(fields.empty());
}

TEST_CASE("names are equal whatever their case, and only their case") {
  const std::string name = "x-ratelimit-remaining-tokens";
  std::string other = name;
  for (char& c : other)
    c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  CHECK(http::equals_ignoring_case(name, other));
  for (size_t i = 0; i < name.size(); ++i) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = name;
      changed[i] = static_cast<char>(byte);
      const bool same = changed[i] == name[i] || changed[i] == other[i];
      REQUIRE(http::equals_ignoring_case(name, changed) == same);
    }
  }
}

}  // namespace
