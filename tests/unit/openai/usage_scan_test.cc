// Usage out of answers, in every dialect and cut anywhere.
#include "openai/usage_scan.h"

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "support/usage_oracle.h"

namespace {

using openai::ServiceTier;
using openai::Usage;
using openai::UsageScan;
using Form = UsageScan::Form;

constexpr size_t all = size_t{1} << 30;

UsageScan scanned(Form form, std::string_view body, size_t longest = all) {
  UsageScan scan(form);
  const auto feed = [&](std::string_view text) {
    for (size_t at = 0; at < text.size(); at += longest) {
      const std::string_view piece = text.substr(at, longest);
      const std::vector<char> copy(piece.begin(), piece.end());
      scan.feed(base::as_bytes({copy.data(), copy.size()}));
    }
  };
  while (form == Form::messages && !body.empty()) {
    const size_t size = std::min(body.find('\n'), body.size());
    feed(body.substr(0, size));
    scan.end_message();
    body.remove_prefix(std::min(size + 1, body.size()));
  }
  feed(body);
  scan.finish();
  return scan;
}

// The same however it is cut, and what nlohmann/json finds.
UsageScan checked(Form form, std::string_view body) {
  const UsageScan whole = scanned(form, body);
  const std::string found = to_text(support::found_usage(whole));
  for (const size_t longest : {size_t{1}, size_t{2}, size_t{3}, size_t{17}}) {
    CHECK(to_text(support::found_usage(scanned(form, body, longest))) == found);
  }
  auto expected = support::expected_usage(form, body);
  REQUIRE(expected.has_value());
  expected->texts = expected->texts != 0 ? 1 : 0;
  CHECK(to_text(*expected) == found);
  return whole;
}

std::string events(std::initializer_list<std::string_view> datas) {
  std::string text;
  for (const std::string_view data : datas)
    text.append("event: x\r\ndata: ").append(data).append("\r\n\r\n");
  return text;
}

constexpr std::string_view chunk =
    R"({"id":"c","object":"chat.completion.chunk","model":"gpt-4o-2024-08-06","service_tier":"default",)"
    R"("choices":[{"index":0,"delta":{"content":"four"},"finish_reason":null}],"usage":null})";

}  // namespace

TEST_CASE("chat, completions, responses and embeddings that come as one document") {
  const UsageScan chat = checked(
      Form::json,
      R"({"model":"gpt-4o-2024-08-06","choices":[{"message":{"content":"\"usage\":{\"prompt_tokens\":7}"}}],)"
      R"("usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,)"
      R"("prompt_tokens_details":{"cached_tokens":4,"audio_tokens":1,"cache_write_tokens":2},)"
      R"("completion_tokens_details":{"reasoning_tokens":3,"audio_tokens":5,"accepted_prediction_tokens":9}},)"
      R"("service_tier":"priority"})");
  CHECK(chat.has_usage());
  CHECK(chat.is_complete());
  CHECK(chat.model() == "gpt-4o-2024-08-06");
  CHECK(chat.service_tier() == ServiceTier::priority);
  CHECK(chat.usage() == Usage{.input = 19,
                              .cached = 4,
                              .cache_written = 2,
                              .output = 10,
                              .reasoning = 3,
                              .audio_input = 1,
                              .audio_output = 5});
  CHECK(chat.usage().total() == 29);
  const UsageScan response = checked(
      Form::json,
      R"({"object":"response","error":null,"model":"gpt-5","output":[{"usage":{"input_tokens":1}}],)"
      R"("usage":{"input_tokens":36,"input_tokens_details":{"cached_tokens":30},"output_tokens":87,)"
      R"("output_tokens_details":{"reasoning_tokens":64}}})");
  CHECK(response.usage() == Usage{.input = 36, .cached = 30, .output = 87, .reasoning = 64});
  CHECK_FALSE(response.has_error());
  CHECK(
      checked(Form::json, R"({"data":[],"model":"e","usage":{"prompt_tokens":8,"total_tokens":8}})")
          .usage() == Usage{.input = 8});
  CHECK(checked(Form::json, R"({"text":"hi","usage":{"type":"duration","seconds":12.5}})")
            .usage()
            .audio_ms == 12'500);
  CHECK(checked(Form::json,
                R"({"usage":{"input_tokens":60,"input_tokens_details":{"image_tokens":50,)"
                R"("text_tokens":10},"output_tokens":70}})")
            .usage() == Usage{.input = 60, .output = 70, .image_input = 50});
}

TEST_CASE("no usage: null, empty, elsewhere, or an error") {
  for (const std::string_view body : {R"({"usage":null})",
                                      R"({"usage":{}})",
                                      R"({"usage":{"total_tokens":5}})",
                                      R"({"usage":[{"prompt_tokens":1}]})",
                                      R"({"usage":{"prompt_tokens":-1}})",
                                      R"({"choices":[{"message":{"usage":{"prompt_tokens":1}}}]})",
                                      R"({"x":{"usage":{"prompt_tokens":1}}})"}) {
    CAPTURE(body);
    CHECK_FALSE(checked(Form::json, body).has_usage());
  }
  const UsageScan failed = checked(Form::json, R"({"error":{"message":"no","code":"x"}})");
  CHECK(failed.has_error());
  CHECK_FALSE(scanned(Form::json, "<html>\"usage\":{\"prompt_tokens\":1}").has_usage());
  CHECK_FALSE(scanned(Form::json, "").is_complete());
}

TEST_CASE("chunks of chat completions: the last usage counts, nulls do not") {
  const std::string stream = events(
      {chunk,
       R"({"model":"m","choices":[{"index":0,"delta":{}}],"usage":{"prompt_tokens":9,"completion_tokens":1,)"
       R"("prompt_tokens_details":{"cached_tokens":9}}})",
       R"({"model":"m","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2}})",
       chunk,
       "[DONE]"});
  for (const std::string& body : {stream,
                                  ": ping\n\n" + stream,
                                  "\xef\xbb\xbf" + stream,
                                  stream.substr(0, stream.size() - 4)}) {
    const UsageScan scan = checked(Form::events, body);
    CHECK(scan.has_usage());
    CHECK(scan.answers() == 1);
    CHECK(scan.usage() == Usage{.input = 9, .output = 2});
    CHECK(scan.service_tier() == ServiceTier::standard);
    CHECK(scan.text_bytes() == 8);
    CHECK(scan.estimated_output_tokens() == 3);
  }
  CHECK(scanned(Form::events, stream).is_complete());
  const UsageScan cut = scanned(Form::events, events({chunk}) + "data: {\"choices\":[],\"usa");
  CHECK_FALSE(cut.has_usage());
  CHECK_FALSE(cut.is_complete());
  CHECK(cut.model() == "gpt-4o-2024-08-06");
  // Moonshot's way.
  CHECK(checked(Form::events, events({R"({"choices":[{"index":0,"usage":{"prompt_tokens":3}}]})"}))
            .usage()
            .input == 3);
}

TEST_CASE("events of responses, images and audio") {
  const std::string created =
      R"({"type":"response.created","response":{"model":"gpt-5","usage":null}})";
  const std::string delta = R"({"type":"response.output_text.delta","delta":"Hi there"})";
  const std::string audio = R"({"type":"response.audio.delta","delta":"AAAAAAAA"})";
  const std::string text_done = R"({"type":"response.output_text.done","text":"Hi there"})";
  const UsageScan scan = checked(
      Form::events,
      events(
          {created,
           delta,
           audio,
           text_done,
           R"({"response":{"service_tier":"flex","usage":{"input_tokens":5,"output_tokens":6}},"type":"response.incomplete"})"}));
  CHECK(scan.usage() == Usage{.input = 5, .output = 6});
  CHECK(scan.service_tier() == ServiceTier::flex);
  CHECK(scan.is_complete());
  CHECK(scan.text_bytes() == 8);
  const UsageScan begun = checked(Form::events, events({created}));
  CHECK_FALSE(begun.has_usage());
  CHECK(begun.estimated_output_tokens() == 0);
  const UsageScan failed = checked(
      Form::events,
      events(
          {R"({"type":"response.failed","response":{"error":{"code":"x"},"usage":{"input_tokens":5}}})"}));
  CHECK(failed.has_error());
  CHECK(failed.is_complete());
  CHECK(failed.usage().input == 5);
  CHECK(
      checked(
          Form::events,
          events(
              {R"({"type":"image_generation.completed","b64_json":"AAAA","usage":{"input_tokens":5,)"
               R"("output_tokens":9,"output_tokens_details":{"image_tokens":8}}})"}))
          .usage() == Usage{.input = 5, .output = 9, .image_output = 8});
  CHECK(
      checked(
          Form::events,
          events(
              {R"({"type":"transcript.text.done","text":"x","usage":{"type":"tokens","input_tokens":14,)"
               R"("input_token_details":{"audio_tokens":14},"output_tokens":4}})"}))
          .usage() == Usage{.input = 14, .output = 4, .audio_input = 14});
}

TEST_CASE("Anthropic: cached input is counted apart, and the stream tells it in two steps") {
  const UsageScan scan = checked(
      Form::events,
      events(
          {R"({"type":"message_start","message":{"model":"claude-x","usage":{"input_tokens":25,)"
           R"("cache_creation_input_tokens":10,"cache_read_input_tokens":100,"output_tokens":1}}})",
           R"({"type":"content_block_delta","delta":{"type":"text_delta","text":"Hi"}})",
           R"({"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":15}})",
           R"({"type":"message_stop"})"}));
  CHECK(scan.usage() == Usage{.input = 135, .cached = 100, .cache_written = 10, .output = 15});
  CHECK(scan.model() == "claude-x");
  CHECK(scan.is_complete());
  CHECK(scan.text_bytes() == 2);
  CHECK(checked(
            Form::json,
            R"({"type":"message","content":[{"type":"text","text":"x"},{"type":"tool_use","input":)"
            R"({"text":"y","usage":{"input_tokens":9}}}],"usage":{"input_tokens":1,)"
            R"("cache_read_input_tokens":2,"output_tokens":3}})")
            .usage() == Usage{.input = 3, .cached = 2, .output = 3});
  // A gateway that speaks both dialects: everything is in prompt_tokens.
  CHECK(
      checked(
          Form::json,
          R"({"usage":{"prompt_tokens":50,"completion_tokens":4,"input_tokens":0,"output_tokens":0,)"
          R"("cache_read_input_tokens":20,"prompt_tokens_details":{"cached_tokens":20}}})")
          .usage() == Usage{.input = 50, .cached = 20, .output = 4});
}

TEST_CASE("Gemini: thoughts are counted apart") {
  CHECK(
      checked(
          Form::json,
          R"([{"candidates":[{"content":{"parts":[{"text":"a"}]}}],"usageMetadata":{"promptTokenCount":4,)"
          R"("cachedContentTokenCount":2,"candidatesTokenCount":1,"thoughtsTokenCount":7},)"
          R"("modelVersion":"gemini-x"}])")
          .usage() == Usage{.input = 4, .cached = 2, .output = 8, .reasoning = 7});
}

TEST_CASE("a WebSocket session adds its answers up") {
  const std::string_view done =
      R"({"type":"response.done","response":{"usage":{"input_tokens":132,"output_tokens":121,)"
      R"("input_token_details":{"text_tokens":119,"audio_tokens":13,"cached_tokens":64,)"
      R"("cached_tokens_details":{"text_tokens":60,"audio_tokens":4}},)"
      R"("output_token_details":{"text_tokens":30,"audio_tokens":91}}}})";
  const std::string session = R"({"type":"session.created","session":{"model":"gpt-realtime"}})"
                              "\n" +
                              std::string(done) + "\n" +
                              R"({"type":"response.output_audio.delta","delta":"AAAA"})" + "\n" +
                              std::string(done) + "\n";
  const UsageScan scan = checked(Form::messages, session);
  CHECK(scan.answers() == 2);
  CHECK(scan.model() == "gpt-realtime");
  CHECK(scan.usage() == Usage{.input = 264,
                              .cached = 128,
                              .output = 242,
                              .audio_input = 26,
                              .audio_cached = 8,
                              .audio_output = 182});
  CHECK(scan.text_bytes() == 0);
}

TEST_CASE("a line of any length takes no memory, and usage at its end is found") {
  UsageScan scan(Form::events);
  const auto feed = [&](std::string_view text) {
    scan.feed(base::as_bytes(text));
  };
  feed(R"(data: {"type":"image_generation.completed","b64_json":")");
  const std::string block(1 << 16, 'A');
  for (int i = 0; i < 1600; ++i)
    feed(block);
  feed("\",\"usage\":{\"input_tokens\":5,\"output_tokens\":6}}\n\n");
  CHECK(scan.usage() == Usage{.input = 5, .output = 6});
  CHECK(sizeof(UsageScan) <= 1536);
}

TEST_CASE("numbers from hostile upstreams stay in bounds") {
  const UsageScan scan = checked(
      Form::json, R"({"usage":{"prompt_tokens":99999999999999999999,"completion_tokens":1e300}})");
  CHECK(scan.usage() == Usage{.input = openai::tokens_max, .output = openai::tokens_max});
  Usage sum = scan.usage();
  add(sum, scan.usage());
  CHECK(sum == scan.usage());
}

TEST_CASE("10,000 streams, each with one usage, cut at random") {
  std::minstd_rand random(7);
  for (int i = 0; i < 10'000; ++i) {
    Usage truth{.input = static_cast<int64_t>(random() % 100'000),
                .output = static_cast<int64_t>(random() % 10'000)};
    truth.cached = truth.input / 2;
    truth.reasoning = truth.output / 3;
    const std::string usage =
        R"("usage":{"completion_tokens":)" + std::to_string(truth.output) + R"(,"prompt_tokens":)" +
        std::to_string(truth.input) + R"(,"prompt_tokens_details":{"cached_tokens":)" +
        std::to_string(truth.cached) + R"(},"completion_tokens_details":{"reasoning_tokens":)" +
        std::to_string(truth.reasoning) + "}}";
    std::string stream;
    for (uint32_t n = random() % 4; n > 0; --n)
      stream += events({chunk});
    stream += events({R"({"choices":[],)" + usage + "}", "[DONE]"});
    UsageScan scan(Form::events);
    for (size_t at = 0; at < stream.size();) {
      const size_t size = 1 + random() % 100;
      scan.feed(base::as_bytes(std::string_view(stream).substr(at, size)));
      at += size;
    }
    scan.finish();
    REQUIRE(scan.usage() == truth);
    REQUIRE(scan.is_complete());
  }
}
