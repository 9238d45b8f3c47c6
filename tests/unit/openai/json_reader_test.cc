// JSON as it passes: tokens, cut anywhere.
#include "openai/json_reader.h"

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace {

using openai::JsonReader;
using Token = JsonReader::Token;

// One character a token, with what was kept of it; `skipped` names a member whose value is not
// wanted.
std::string tokens(std::string_view text, size_t longest, std::string_view skipped = {}) {
  JsonReader reader;
  std::string seen;
  while (!text.empty()) {
    const size_t size = std::min(longest, text.size());
    const std::vector<char> copy(text.begin(), text.begin() + static_cast<ptrdiff_t>(size));
    std::string_view piece(copy.data(), copy.size());
    text.remove_prefix(size);
    for (Token token = Token::none; (token = reader.next(piece)) != Token::none;) {
      constexpr std::string_view letters = "?ks#tfn{[}]!";
      seen.push_back(letters[static_cast<size_t>(token)]);
      if (token == Token::key || token == Token::string || token == Token::number) {
        seen.append(reader.text()).append(reader.is_text_whole() ? "." : "~");
      }
      if (token == Token::key && !skipped.empty() && reader.text() == skipped) reader.skip();
    }
    CHECK(piece.empty());
  }
  return seen + (reader.is_complete() ? " whole" : "");
}

struct Case {
  std::string_view text;
  std::string_view tokens;
};

const Case cases[] = {
    {R"({})", "{} whole"},
    {R"( [ ] )", "[] whole"},
    {R"({"a":1,"b":[true,false,null,"x"],"c":{"d":-0.5e+3}})",
     "{ka.#1.kb.[tfnsx.]kc.{kd.#-0.5e+3.}} whole"},
    {R"("a\"\\\/\b\f\n\r\tA\u00e9\u20ac\ud83d\ude00")", "sa\"\\/\b\f\n\r\tAé€😀. whole"},
    {"\xef\xbb\xbf[]", "[] whole"},
    // Texts that no parser would read as a name: they are not whole.
    {R"("\x")", "s~ whole"},
    {R"("\u12")", "s~ whole"},
    {R"("\ud800")", "s~ whole"},
    {R"("\ude00x")", "sx~ whole"},
    {R"("\ud800\n")", "s\n~ whole"},
    {"\"a\x01\"", "sa\x01~ whole"},
    {"\"\xff\"", "s\xff~ whole"},
    {"\"\xed\xa0\x80\"", "s\xed\xa0\x80~ whole"},  // a surrogate
    {"\"\xc0\xaf\"", "s\xc0\xaf~ whole"},          // overlong
    // No JSON.
    {"", ""},
    {"{", "{"},
    {R"({"a")", "{ka."},
    {R"({"a":"b)", "{ka."},
    {R"({,})", "{!"},
    {R"({"a":1,})", "{ka.#1.!"},
    {R"([1,])", "[#1.!"},
    {R"([1 2])", "[#1.!"},
    {R"({"a" 1})", "{ka.!"},
    {R"({"a":1]})", "{ka.#1.!"},
    {R"([1})", "[#1.!"},
    {R"({a:1})", "{!"},
    {R"([tru])", "[!"},
    {R"([nul1])", "[!"},
    {R"([01])", "[#0.!"},
    {R"([1.])", "[!"},
    {R"([.5])", "[!"},
    {R"([-])", "[!"},
    {R"([1e])", "[!"},
    {R"([+1])", "[!"},
    {R"([NaN])", "[!"},
    {R"({} {})", "{}!"},
    {R"([])"
     "\0",
     "[]"},
    {"[/*]*/]", "[!"},
    {"[DONE]", "[!"},
};

}  // namespace

TEST_CASE("tokens are the same however a text is cut") {
  for (const Case& c : cases) {
    CAPTURE(c.text);
    for (const size_t longest : {size_t{1000}, size_t{1}, size_t{2}, size_t{3}, size_t{7}}) {
      std::string expected(c.tokens);
      if (expected == "[]") expected = "[] whole";
      CHECK(tokens(c.text, longest) == expected);
    }
  }
}

TEST_CASE("what is skipped is followed by its strings and brackets alone") {
  const Case skipping[] = {
      {R"({"x":{"a":["}\"]",{}],"x":1},"b":2})", "{kx.kb.#2.} whole"},
      {R"({"x":"}{\"\\","b":2})", "{kx.kb.#2.} whole"},
      {R"({"x":12,"b":2})", "{kx.kb.#2.} whole"},
      {R"({"x":null,"b":2})", "{kx.kb.#2.} whole"},
      {R"({"x":[1,[2,[3]],"____YYYY}yyyy]"],"b":2})", "{kx.kb.#2.} whole"},
      {R"({"x":[nonsense YYYYYYYY ____],"b":2})", "{kx.kb.#2.} whole"},
      {R"({"x":[)", "{kx."},
  };
  for (const Case& c : skipping) {
    CAPTURE(c.text);
    for (const size_t longest : {size_t{1000}, size_t{1}, size_t{2}, size_t{9}}) {
      CHECK(tokens(c.text, longest, "x") == c.tokens);
    }
  }
}

TEST_CASE("depth and length cost nothing") {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  CHECK(tokens(deep, 1000) == std::string(64, '[') + std::string(64, ']') + " whole");
  const std::string text(3'000'000, 'x');
  CHECK(tokens("[\"" + text + "\"]", 60'000) == "[s" + text.substr(0, 256) + "~] whole");
  std::string escapes;
  for (int i = 0; i < 300'000; ++i)
    escapes += R"(\"\\)";
  CHECK(tokens("{\"x\":\"" + escapes + "\",\"b\":1}", 60'000, "x") == "{kx.kb.#1.} whole");
  CHECK(tokens("{\"x\":[\"" + escapes + "\"],\"b\":1}", 60'000, "x") == "{kx.kb.#1.} whole");
}

TEST_CASE("offsets say where a value is") {
  JsonReader reader;
  std::string_view piece = R"( {"a" : false , "b":"x\"y"} )";
  const std::string_view whole = piece;
  CHECK(reader.next(piece) == Token::open_object);
  CHECK(reader.offset() == 2);
  CHECK(reader.next(piece) == Token::key);
  CHECK(reader.next(piece) == Token::falsehood);
  CHECK(whole.substr(reader.token_offset(), reader.raw_bytes()) == "false");
  CHECK(reader.next(piece) == Token::key);
  CHECK(reader.next(piece) == Token::string);
  CHECK(whole.substr(reader.token_offset() + 1, reader.raw_bytes()) == R"(x\"y)");
  CHECK(reader.open_string_bytes() == 0);
}
