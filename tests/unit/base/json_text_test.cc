#include "base/json_text.h"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace {

std::string quoted(std::string_view text) {
  std::string out;
  base::append_json_string(out, text);
  return out;
}

std::string ascii(std::string_view text) {
  std::string out;
  base::append_json_escaped(out, text, base::NonAscii::escaped);
  return out;
}

TEST_CASE("json text: quotes, backslashes and controls are escaped, the rest is left alone") {
  CHECK(quoted("") == R"("")");
  CHECK(quoted("plain text, as it is") == R"("plain text, as it is")");
  CHECK(quoted("\"a\\b\"") == R"("\"a\\b\"")");
  CHECK(quoted(std::string_view("\n\0\x1f\x7f", 4)) == R"("\u000a\u0000\u001f\u007f")");
}

TEST_CASE("json text: characters stay whole, what is none is replaced") {
  CHECK(quoted("Grüße, 世界 🙂") == "\"Grüße, 世界 🙂\"");
  CHECK(quoted("a\xff"
               "b") == R"("a\ufffdb")");
  CHECK(quoted("\xe4\xb8") == R"("\ufffd\ufffd")");            // broken off
  CHECK(quoted("\xc0\xaf") == R"("\ufffd\ufffd")");            // overlong
  CHECK(quoted("\xed\xa0\x80") == R"("\ufffd\ufffd\ufffd")");  // a surrogate
  CHECK(quoted("\xf4\x90\x80\x80") == R"("\ufffd\ufffd\ufffd\ufffd")");
}

TEST_CASE("json text: escaped, no byte is more than ASCII") {
  CHECK(ascii("/a\"b\\c\x1b[31m") == R"(/a\"b\\c\u001b[31m)");
  CHECK(ascii("ü\x9b") == R"(\u00c3\u00bc\u009b)");
}

}  // namespace
