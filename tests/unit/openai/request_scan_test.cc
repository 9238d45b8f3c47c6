// What policy asks of a request's body.
#include "openai/request_scan.h"

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "support/request_oracle.h"

namespace {

using openai::RequestScan;

RequestScan scanned(std::string_view body,
                    size_t longest = size_t{1} << 30,
                    std::string_view type = "application/json",
                    bool is_whole = true) {
  RequestScan scan(type);
  for (size_t at = 0; at < body.size(); at += longest) {
    const std::string_view piece = body.substr(at, longest);
    const std::vector<char> copy(piece.begin(), piece.end());
    scan.feed(base::as_bytes({copy.data(), copy.size()}));
  }
  scan.finish(is_whole);
  return scan;
}

std::string edited(std::string body) {
  const openai::BodyEdit edit = scanned(body).include_usage_edit();
  if (!edit.is_needed()) return body;
  return body.replace(edit.offset, edit.removed_bytes, edit.text);
}

constexpr std::string_view form_type = "multipart/form-data; charset=utf-8; boundary=\"a b\"";

std::string part(std::string_view disposition, std::string_view value) {
  return "--a b\r\nContent-Type: x/y\r\ncontent-DISPOSITION: form-data; " +
         std::string(disposition) + "\r\n\r\n" + std::string(value) + "\r\n";
}

// A body as clients write it, and sometimes as they do not.
class MadeUp {
 public:
  explicit MadeUp(uint32_t seed) : random_(seed) {}

  std::string object(int depth) {
    static constexpr std::string_view names[] = {"model",
                                                 "stream",
                                                 "stream_options",
                                                 "include_usage",
                                                 "n",
                                                 "max_tokens",
                                                 "user",
                                                 "max_completion_tokens",
                                                 "conversation",
                                                 "id",
                                                 "messages",
                                                 "content",
                                                 "max_output_tokens",
                                                 "input_audio",
                                                 "data",
                                                 "prompt_cache_key",
                                                 "service_tier",
                                                 "encoding_format",
                                                 "previous_response_id",
                                                 "mod\\u0065l",
                                                 "Model"};
    std::string text = "{";
    const uint32_t count = below(5) + (depth == 0 ? 3 : 0);
    for (uint32_t i = 0; i < count; ++i) {
      if (i != 0) text += ",";
      text.append(space()).append("\"").append(names[below(std::size(names))]).append("\"");
      text.append(space()).append(":").append(space()).append(value(depth + 1)).append(space());
    }
    return text + "}";
  }

 private:
  std::string value(int depth) {
    static constexpr std::string_view scalars[] = {"true",
                                                   "false",
                                                   "null",
                                                   "0",
                                                   "12",
                                                   "-3",
                                                   "1e3",
                                                   "2.75",
                                                   "99999999999999999999",
                                                   "\"\"",
                                                   "\"gpt-4o\"",
                                                   "\"a\\\"b\\\\\"",
                                                   "\"\\ud83d\\ude00 \xc3\xa9\"",
                                                   "\"}{][,:\"",
                                                   "\"base64\"",
                                                   "\"data:image/png;base64,AAAA\"",
                                                   "-0",
                                                   "0.0000001"};
    const uint32_t kind = below(10);
    if (kind < 2 && depth < 5) return object(depth);
    if (kind == 2 && depth < 5) {
      std::string text = "[";
      const uint32_t count = below(4);
      for (uint32_t i = 0; i < count; ++i)
        text.append(i == 0 ? "" : ",").append(value(depth + 1));
      return text + "]";
    }
    if (kind == 3) return "\"" + std::string(below(400), 'm') + "\"";
    return std::string(scalars[below(std::size(scalars))]);
  }
  std::string_view space() { return below(4) == 0 ? " \n" : ""; }
  uint32_t below(size_t end) { return static_cast<uint32_t>(random_() % end); }

  std::minstd_rand random_;
};

}  // namespace

TEST_CASE("members of the outermost object count, wherever they stand") {
  const RequestScan scan =
      scanned(R"({"messages":[{"model":"no","content":"\"model\":\"no\""}],"stream":true,)"
              R"("mod\u0065l":"gpt\u002d4o","max_tokens":1,"max_completion_tokens":20,"n":3,)"
              R"("user":"u","prompt_cache_key":"k","previous_response_id":"resp_1",)"
              R"("conversation":{"x":{"id":"no"},"id":"conv_1"},"service_tier":"flex"})");
  CHECK(scan.is_known());
  CHECK(scan.model().text() == "gpt-4o");
  CHECK(scan.stream());
  CHECK(scan.max_tokens() == 1);
  CHECK(scan.output_tokens_max() == 20);
  CHECK(scan.answers() == 3);
  CHECK(scan.user().text() == "u");
  CHECK(scan.prompt_cache_key().text() == "k");
  CHECK(scan.previous_response_id().text() == "resp_1");
  CHECK(scan.conversation().text() == "conv_1");
  CHECK(scan.service_tier().text() == "flex");
}

TEST_CASE("what a prompt says is no member") {
  for (const std::string_view body :
       {R"({"messages":[{"content":"\"stream\":true, {\"stream\": true}"}]})",
        R"({"prompt":"\\\"stream\":true,"})",
        R"({"prompt":"}{][\u0022stream\u0022:true"})",
        R"({"prompt":"stream","x":true})",
        R"({"a":["stream",true],"b":"stream"})",
        R"({"stream ":true,"Stream":true,"streamx":true})",
        R"({"other":{"include_usage":true,"stream":true,"model":"no"}})",
        R"({"stream_options":null,"include_usage":true})",
        R"({"stream":"true"})",
        R"({"stream":1})",
        R"({"stream":true,"stream":null})"}) {
    CAPTURE(body);
    const RequestScan scan = scanned(body);
    CHECK(scan.is_known());
    CHECK_FALSE(scan.stream());
    CHECK_FALSE(scan.include_usage());
    CHECK_FALSE(scan.model().is_there());
  }
  CHECK(scanned(R"({"prompt":"\\","stream":true})").stream());
  CHECK(scanned(R"({"encoding_format":"base64"})").base64());
  CHECK_FALSE(scanned(R"({"encoding_format":"float"})").base64());
}

TEST_CASE("long prompts, with and without escapes, and deep nesting") {
  std::string escaped;
  for (int i = 0; i < 300'000; ++i)
    escaped += R"(\"\\)";
  for (const std::string& prompt : {std::string(3'000'000, 'x'), escaped}) {
    const RequestScan scan =
        scanned(R"({"prompt":")" + prompt + R"(","deep":)" + std::string(100'000, '[') +
                std::string(100'000, ']') + R"(,"stream":true})");
    CHECK(scan.is_known());
    CHECK(scan.stream());
  }
}

TEST_CASE("the last of several models is the one, and one that cannot be read is none") {
  CHECK(scanned(R"({"model":"a","model":"b"})").model().text() == "b");
  const std::string long_name(257, 'x');
  for (const std::string& value : {std::string("7"),
                                   std::string("[\"a\"]"),
                                   std::string(R"({"model":"a"})"),
                                   std::string(R"("\ud800")"),
                                   "\"" + long_name + "\""}) {
    const RequestScan scan = scanned(R"({"model":"a","model":)" + value + "}");
    CAPTURE(value);
    CHECK(scan.is_known());
    CHECK(scan.model().is_there());
    CHECK_FALSE(scan.model().is_known());
    CHECK(scan.model().text().empty());
  }
  CHECK_FALSE(scanned(R"({"model":null})").model().is_there());
  CHECK(scanned("{\"model\":\"" + long_name.substr(1) + "\"}").model().is_known());
}

TEST_CASE("a model in other letters makes it ambiguous: some servers do not tell them apart") {
  for (const std::string_view body : {R"({"model":"a","Model":"b"})",
                                      R"({"MODEL":"b","model":"a"})",
                                      R"({"mode\u004c":"b"})",
                                      R"({"model":"a","moDel":{"x":1}})"}) {
    CAPTURE(body);
    const RequestScan scan = scanned(body);
    CHECK(scan.is_known());
    CHECK(scan.model().is_there());
    CHECK_FALSE(scan.model().is_known());
  }
  CHECK(scanned(R"({"model":"a","x":{"Model":"b"},"models":1})").model().text() == "a");
}

TEST_CASE("a body that is no whole JSON object is unknown, and nothing of it counts") {
  for (const std::string_view body : {R"({"model":"a")",
                                      R"({"model":"a",})",
                                      R"([{"model":"a"}])",
                                      R"({"model":"a"}x)",
                                      "",
                                      "x",
                                      R"({"model":"a" "b":1})",
                                      R"({'model':"a"})",
                                      R"("model")"}) {
    CAPTURE(body);
    const RequestScan scan = scanned(body);
    CHECK_FALSE(scan.is_known());
    CHECK_FALSE(scan.model().is_there());
    CHECK_FALSE(scan.include_usage_edit().is_needed());
    CHECK(scan.bytes() == body.size());
  }
  const RequestScan cut = scanned(R"({"model":"a"})", 100, "application/json", false);
  CHECK_FALSE(cut.is_known());
}

TEST_CASE("numbers that are none are not said, and too large ones are the largest") {
  const auto tokens = [](std::string_view value) {
    return scanned("{\"max_tokens\":" + std::string(value) + "}").max_tokens();
  };
  constexpr int64_t most = std::numeric_limits<int64_t>::max();
  CHECK(tokens("0") == 0);
  CHECK(tokens("1e3") == 1000);
  CHECK(tokens("2.9") == 2);
  CHECK(tokens("99999999999999999999") == most);
  CHECK(tokens("1e999") == most);
  CHECK(tokens("1" + std::string(300, '0')) == most);
  CHECK(tokens("1." + std::string(300, '0')) == most);
  CHECK(tokens("1e-999") == 0);
  CHECK_FALSE(tokens("-1").has_value());
  CHECK_FALSE(tokens("\"5\"").has_value());
  CHECK_FALSE(tokens("null").has_value());
  CHECK(scanned(R"({"n":0})").answers() == 1);
}

TEST_CASE("base64 is not counted as text, wherever the API takes it") {
  const std::string data(70'000, 'A');
  const auto text_bytes = [&](std::string_view before, std::string_view behind) {
    const std::string body = std::string(before) + data + std::string(behind);
    for (const size_t longest : {size_t{1} << 30, size_t{1000}}) {
      const RequestScan scan = scanned(body, longest);
      CHECK(scan.bytes() == body.size());
      CHECK(scan.text_bytes() < 200);
      CHECK(scan.estimated_input_tokens() < 60);
    }
  };
  text_bytes(R"({"messages":[{"content":[{"image_url":{"url":"data:image/png;base64,)",
             R"("}}]}]})");
  text_bytes(R"({"messages":[{"content":[{"image_url":{"url":"data:image\/png;base64,)",
             R"("}}]}]})");
  text_bytes(R"({"messages":[{"content":[{"input_audio":{"format":"wav","data":")", R"("}}]}]})");
  text_bytes(R"({"messages":[{"content":[{"file":{"file_data":")", R"("}}]}]})");
  text_bytes(R"({"messages":[{"content":[{"source":{"type":"base64","data":")", R"("}}]}]})");
  text_bytes(R"({"contents":[{"parts":[{"inlineData":{"data":")", R"("}}]}]})");
  // Cut within it.
  text_bytes(R"({"x":{"input_audio":{"data":")", "");
  text_bytes(R"({"x":"data:x/y;base64,)", "");
  // What only looks like it is text.
  CHECK(scanned(R"({"data":")" + data + R"("})").text_bytes() > data.size());
  CHECK(scanned(R"({"x":"data: )" + data + R"("})").text_bytes() > data.size());
  CHECK(scanned(R"({"input_audio":{"x":{"data":")" + data + R"("}}})").text_bytes() > data.size());
  CHECK(scanned(R"({"a":"bcd"})").estimated_input_tokens() == 4);  // 11 bytes
}

TEST_CASE("a stream is made to tell its usage") {
  CHECK(edited(R"({"stream":true})") ==
        R"({"stream_options":{"include_usage":true},"stream":true})");
  CHECK(edited(R"( { "stream":true})") ==
        R"( {"stream_options":{"include_usage":true}, "stream":true})");
  CHECK(edited(R"({"stream":true,"stream_options":null})") ==
        R"({"stream":true,"stream_options":{"include_usage":true}})");
  CHECK(edited(R"({"stream":true,"stream_options":{ }})") ==
        R"({"stream":true,"stream_options":{"include_usage":true }})");
  CHECK(edited(R"({"stream_options":{"a":1},"stream":true})") ==
        R"({"stream_options":{"include_usage":true,"a":1},"stream":true})");
  CHECK(edited(R"({"stream_options":{"include_usage": false },"stream":true})") ==
        R"({"stream_options":{"include_usage": true },"stream":true})");
  CHECK(edited(R"({"stream_options":{"include_usage":null},"stream":true})") ==
        R"({"stream_options":{"include_usage":true},"stream":true})");
  // The last counts.
  CHECK(
      edited(R"({"stream_options":{"include_usage":true},"stream_options":{},"stream":true})") ==
      R"({"stream_options":{"include_usage":true},"stream_options":{"include_usage":true},"stream":true})");
  // Nothing to do, or not ours to mend.
  for (const std::string body : {R"({"stream":false})",
                                 R"({})",
                                 R"({"stream":true,"stream_options":{"include_usage":true}})",
                                 R"({"stream":true,"stream_options":[]})",
                                 R"({"stream":true,"stream_options":{"include_usage":"no"}})",
                                 R"({"stream":true)"}) {
    CHECK(edited(body) == body);
  }
}

TEST_CASE("a form's model is found between files, in any order") {
  const std::string file(200'000, '\r');
  const std::string body = "preamble\r\n" + part("name=\"file\"; filename=\"a\\\";b\"", file) +
                           part("name=model", "whisper-1") + part("name=\"stream\"", "true") +
                           "--a b--\r\nepilogue";
  for (const size_t longest : {size_t{1} << 30, size_t{1}, size_t{3}, size_t{1000}}) {
    const RequestScan scan = scanned(body, longest, form_type);
    CHECK(scan.format() == RequestScan::Format::multipart);
    CHECK(scan.is_known());
    CHECK(scan.model().text() == "whisper-1");
    CHECK(scan.stream());
    CHECK(scan.text_bytes() == 13);
  }
}

TEST_CASE("forms that are cut, ambiguous or wrong are unknown or have no model") {
  const auto form = [](std::string_view body, std::string_view type = form_type) {
    return scanned(body, 5, type);
  };
  const std::string model = part("name=\"model\"", "m");
  CHECK_FALSE(form(model).is_known());
  CHECK_FALSE(form(model + "--a b").is_known());
  CHECK_FALSE(form(model + "--a bc--").is_known());
  CHECK(form(model + "--a b  \r\nx\r\n\r\n\r\n--a b--").is_known());
  CHECK_FALSE(form(model + "--a b--", "multipart/form-data").is_known());
  CHECK_FALSE(form(model + "--a b--", "multipart/form-data; boundary=").is_known());
  CHECK_FALSE(
      form(model + "--a b--", "multipart/form-data; boundary=" + std::string(71, 'x')).is_known());
  // Two models: servers differ in which they take.
  const RequestScan two = form(model + part("name=\"model\"", "n") + "--a b--");
  CHECK(two.is_known());
  CHECK(two.model().is_there());
  CHECK_FALSE(two.model().is_known());
  CHECK(form(model + model + "--a b--").model().text() == "m");
  // A file is no model, and a head that is too long hides none.
  CHECK_FALSE(form(part("name=\"model\"; filename=\"x\"", "m") + "--a b--").model().is_there());
  CHECK_FALSE(form(part("name=\"model\"; filename*=utf-8''x", "m") + "--a b--").model().is_there());
  CHECK_FALSE(form(model + part("name=\"model\"; x=" + std::string(1024, 'x'), "n") + "--a b--")
                  .is_known());
  CHECK(form(part("name=\"model\"", "") + "--a b--").model().is_known());
}

TEST_CASE("what is found is what nlohmann/json finds, in 20,000 bodies") {
  for (uint32_t seed = 1; seed <= 20'000; ++seed) {
    std::string body = MadeUp(seed).object(0);
    const auto expected = support::expected_request(body);
    CAPTURE(body);
    REQUIRE(expected.has_value());
    for (const size_t longest : {size_t{1} << 30, size_t{1}, size_t{1 + seed % 17}}) {
      const RequestScan scan = scanned(body, longest);
      REQUIRE(scan.is_known());
      REQUIRE(to_text(support::found_request(scan)) == to_text(*expected));
    }
    const std::string changed = edited(body);
    if (changed == body) continue;
    auto wanted = *expected;
    wanted.include_usage = true;
    const auto found = support::expected_request(changed);
    CAPTURE(changed);
    REQUIRE(found.has_value());
    REQUIRE(to_text(*found) == to_text(wanted));
  }
}
