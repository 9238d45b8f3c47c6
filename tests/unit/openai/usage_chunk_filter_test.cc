// The extra chunk with usage alone, taken out of a stream that is cut anywhere.
#include "openai/usage_chunk_filter.h"

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "support/usage_chunk_oracle.h"

namespace {

using openai::UsageChunkFilter;

const std::string chunk =
    R"(data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Hi"}}],"usage":null})"
    "\n\n";
const std::string usage_chunk =
    R"(data: {"id":"c","object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":1,"x":{"y":[]}}})"
    "\n\n";

struct Passed {
  std::string text;
  size_t pieces = 0;
  uint32_t hidden = 0;
};

Passed passed(std::string_view stream, size_t longest) {
  UsageChunkFilter filter;
  Passed result;
  for (size_t at = 0; at < stream.size(); at += longest) {
    const std::string_view part = stream.substr(at, longest);
    const std::vector<char> copy(part.begin(), part.end());
    base::Bytes input = base::as_bytes({copy.data(), copy.size()});
    for (base::Bytes piece; !(piece = filter.next(input)).empty(); ++result.pieces)
      result.text.append(base::as_text(piece));
    CHECK(input.empty());
  }
  result.text.append(base::as_text(filter.finish()));
  result.hidden = filter.hidden();
  return result;
}

std::string with_line_ends(std::string_view text, std::string_view line_end) {
  std::string result;
  for (const char c : text) {
    if (c == '\n') {
      result.append(line_end);
    } else {
      result.push_back(c);
    }
  }
  return result;
}

}  // namespace

TEST_CASE("one chunk is taken, and everything else passes unchanged") {
  const std::string before = ": ping\n\n" + chunk + chunk;
  const std::string behind = "data: [DONE]\n\n";
  for (const std::string_view line_end : {"\n", "\r\n", "\r"}) {
    const std::string stream = with_line_ends(before + usage_chunk + behind, line_end);
    const std::string rest = with_line_ends(before + behind, line_end);
    for (size_t longest = 1; longest <= stream.size(); ++longest) {
      const Passed result = passed(stream, longest);
      CHECK(result.hidden == 1);
      REQUIRE(result.text == rest);
    }
    CHECK(passed(stream, stream.size()).pieces == 2);
  }
}

TEST_CASE("every split of the chunk in two") {
  const std::string stream = chunk + usage_chunk + chunk;
  for (size_t at = 0; at <= stream.size(); ++at) {
    UsageChunkFilter filter;
    std::string text;
    for (const std::string_view part :
         {std::string_view(stream).substr(0, at), std::string_view(stream).substr(at)}) {
      base::Bytes input = base::as_bytes(part);
      for (base::Bytes piece; !(piece = filter.next(input)).empty();)
        text.append(base::as_text(piece));
    }
    REQUIRE(text == chunk + chunk);
    REQUIRE_FALSE(filter.is_holding());
  }
}

TEST_CASE("what is not it passes") {
  for (const std::string_view data :
       {R"({"choices":[],"usage":null})",
        R"({"choices":[],"prompt_filter_results":[]})",
        R"({"choices":[{"index":0,"delta":{}}],"usage":{"prompt_tokens":1}})",
        R"({"usage":{"prompt_tokens":1}})",
        R"({"choices":{},"usage":{"prompt_tokens":1}})",
        R"({"x":{"choices":[],"usage":{"prompt_tokens":1}}})",
        R"([{"choices":[],"usage":{"prompt_tokens":1}}])",
        R"({"choices":[],"usage":{"prompt_tokens":1}} x)",
        R"({"choices":[],"usage":{"prompt_tokens":1})",
        R"({"choices":"[],\"usage\":{}"})",
        "[DONE]",
        "",
        "\xff"}) {
    CAPTURE(data);
    const std::string stream = "event: x\ndata: " + std::string(data) + "\nid: 1\n\n" + chunk;
    for (const size_t longest : {size_t{1}, size_t{5}, stream.size()}) {
      const Passed result = passed(stream, longest);
      CHECK(result.hidden == 0);
      CHECK(result.text == stream);
    }
  }
}

TEST_CASE("members in another order, spaces, and data over several lines are still it") {
  for (const std::string_view event :
       {"data:{\"usage\":{\"a\":1},\"choices\":[]}\n\n",
        "data: { \"usage\" : {} , \"choices\" : [ ] } \n\n",
        "id: 1\ndata: {\"choices\":[\ndata: ],\ndata\ndata:\"usage\":{}}\nretry: 1\n\n"}) {
    CAPTURE(event);
    CHECK(passed(chunk + std::string(event), 3).text == chunk);
  }
}

TEST_CASE("an ordinary chunk is not held once its choices are seen, nor a long one at all") {
  UsageChunkFilter filter;
  const size_t seen = chunk.find("[{") + 2;
  base::Bytes input = base::as_bytes(std::string_view(chunk).substr(0, seen - 1));
  CHECK(filter.next(input).empty());
  CHECK(filter.is_holding());
  input = base::as_bytes(std::string_view(chunk).substr(seen - 1, 1));
  std::string text;
  for (base::Bytes piece; !(piece = filter.next(input)).empty();)
    text.append(base::as_text(piece));
  CHECK(text == chunk.substr(0, seen));
  CHECK_FALSE(filter.is_holding());

  const std::string endless =
      "data: {\"choices\":[],\"x\":\"" + std::string(40'000, 'x') + "\",\"usage\":{}}\n\n";
  for (const size_t longest : {size_t{1}, size_t{1000}, endless.size()}) {
    CHECK(passed(endless, longest).text == endless);
  }
}

TEST_CASE("what is held when the stream ends comes then") {
  const std::string cut = chunk + usage_chunk.substr(0, usage_chunk.size() - 1);
  for (const size_t longest : {size_t{1}, size_t{50}, cut.size()}) {
    CHECK(passed(cut, longest).text == cut);
  }
}

TEST_CASE("streams put together at random, cut at random") {
  const std::string parts[] = {chunk,
                               usage_chunk,
                               with_line_ends(chunk, "\r\n"),
                               with_line_ends(usage_chunk, "\r\n"),
                               with_line_ends(usage_chunk, "\r"),
                               ": ping\n\n",
                               "\n",
                               "\r\n",
                               "\r",
                               "event: x\n",
                               "data: [DONE]\n\n",
                               "data\n"};
  uint32_t state = 1;
  const auto below = [&](uint32_t end) {
    state = state * 1664525 + 1013904223;
    return (state >> 8) % end;
  };
  for (int i = 0; i < 5000; ++i) {
    std::string stream;
    for (uint32_t n = below(8); n > 0; --n)
      stream += parts[below(std::size(parts))];
    const Passed result = passed(stream, 1 + below(60));
    const auto expected = support::expected_filtered(stream);
    CAPTURE(stream);
    if (!expected) continue;
    REQUIRE(result.text == expected->passed);
    REQUIRE(result.hidden == expected->hidden);
  }
}
