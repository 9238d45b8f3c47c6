// The body of a request, in one piece and cut anywhere.
#include "openai/body_scan.h"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace {

struct Case {
  std::string_view body;
  bool is_object;
  bool stream = false;
  bool include_usage = false;
  std::string_view model = {};
  bool base64 = false;
};

const Case cases[] = {
    {R"({})", true},
    {R"( {"stream":true} )", true, true},
    {R"({"stream" : false, "model" : "m"})", true, false, false, "m"},
    {R"({"stream":null})", true},
    {R"({"stream":"true"})", true},
    {R"({"stream":1})", true},
    {R"({"stream":true,"stream":false})", true, false},
    {R"({"model":"gpt-4o","stream":true,"stream_options":{"include_usage":true}})",
     true,
     true,
     true,
     "gpt-4o"},
    {R"({"stream_options":{"x":[{"include_usage":true}],"include_usage":false},"stream":true})",
     true,
     true},
    {R"({"stream_options":{"x":{"include_usage":false}, "include_usage":true}})",
     true,
     false,
     true},
    {R"({"stream_options":null,"include_usage":true})", true},
    {R"({"other":{"include_usage":true,"stream":true,"model":"no"}})", true},
    {R"({"encoding_format":"base64"})", true, false, false, {}, true},
    {R"({"encoding_format":"float"})", true},
    // What a prompt says is no member.
    {R"({"messages":[{"content":"\"stream\":true, {\"stream\": true}"}]})", true},
    {R"({"prompt":"\\","stream":true})", true, true},
    {R"({"prompt":"\\\"stream\":true,"})", true},
    {R"({"prompt":"}{][\u0022stream\u0022:true"})", true},
    {R"({"prompt":"stream","x":true})", true},
    {R"({"a":["stream",true],"b":"stream"})", true},
    {R"({"stream ":true,"Stream":true,"streamx":true})", true},
    // Models that are not echoed: escapes, too long, control bytes.
    {R"({"model":"a\"b"})", true},
    {R"({"model":"0123456789012345678901234567890123456789012345678901234567890123"})",
     true,
     false,
     false,
     "0123456789012345678901234567890123456789012345678901234567890123"},
    {R"({"model":"01234567890123456789012345678901234567890123456789012345678901234"})", true},
    {"{\"model\":\"a\nb\"}", true},
    {R"({"model":"a","model":7})", true, false, false, "a"},
    // Not one object.
    {"", false},
    {"  ", false},
    {"[]", false},
    {"true", false},
    {R"({"a":1)", false},
    {R"({"a":"b)", false},
    {R"({"a":"b\)", false},
    {R"({"a":[1,2)", false},
    {R"({"a":1}})", false},
    {R"({"a":1} {)", false},
    {R"({"a":1])", false},
};

void check(const openai::BodyScan& scan, const Case& expected) {
  CHECK(scan.is_object() == expected.is_object);
  if (!expected.is_object) return;
  CHECK(scan.stream() == expected.stream);
  CHECK(scan.include_usage() == expected.include_usage);
  CHECK(scan.model() == expected.model);
  CHECK(scan.base64() == expected.base64);
}

}  // namespace

TEST_CASE("the members that matter are found, whatever surrounds them") {
  for (const Case& c : cases) {
    CAPTURE(c.body);
    openai::BodyScan scan;
    scan.feed(c.body);
    check(scan, c);
  }
}

TEST_CASE("a body may come cut anywhere") {
  for (const Case& c : cases) {
    CAPTURE(c.body);
    openai::BodyScan bytewise;
    for (const char& byte : c.body)
      bytewise.feed({&byte, 1});
    check(bytewise, c);
    for (size_t cut = 0; cut <= c.body.size(); ++cut) {
      CAPTURE(cut);
      openai::BodyScan scan;
      scan.feed(c.body.substr(0, cut));
      scan.feed(c.body.substr(cut));
      check(scan, c);
    }
  }
}

TEST_CASE("long prompts, with and without escapes, and deep nesting") {
  const std::string plain(3'000'000, 'x');
  std::string escaped;
  for (int i = 0; i < 300'000; ++i)
    escaped += R"(\"\\)";
  for (const std::string& prompt : {plain, escaped}) {
    openai::BodyScan scan;
    scan.feed(R"({"prompt":")" + prompt + R"(","deep":)" + std::string(100'000, '[') +
              std::string(100'000, ']') + R"(,"stream":true})");
    CHECK(scan.is_object());
    CHECK(scan.stream());
  }
}
