#include "http/websocket_reader.h"

#include <string>

#include <doctest/doctest.h>

using http::WebSocketReader;
using Kind = WebSocketReader::Step::Kind;

namespace {

std::string frame(unsigned first, const std::string& payload) {
  std::string text(1, static_cast<char>(first));
  if (payload.size() < 126) {
    text += static_cast<char>(payload.size());
  } else if (payload.size() < 65'536) {
    text += static_cast<char>(126);
    text += static_cast<char>(payload.size() >> 8U);
    text += static_cast<char>(payload.size() & 0xffU);
  } else {
    text += static_cast<char>(127);
    for (int shift = 56; shift >= 0; shift -= 8)
      text += static_cast<char>(payload.size() >> static_cast<unsigned>(shift) & 0xffU);
  }
  return text + payload;
}

// Text messages, each in brackets; "!" where it was lost.
std::string read(const std::string& bytes, size_t step) {
  WebSocketReader reader;
  std::string messages = "[";
  for (size_t i = 0; i < bytes.size(); i += step) {
    base::Bytes input = base::as_bytes(std::string_view(bytes).substr(i, step));
    while (true) {
      const WebSocketReader::Step found = reader.next(input);
      if (found.kind == Kind::lost) return messages + "!";
      if (found.kind == Kind::need_more) break;
      if (found.kind == Kind::end) {
        messages += "][";
      } else {
        messages += base::as_text(found.payload);
      }
    }
  }
  return messages;
}

}  // namespace

TEST_CASE("text messages, however they are cut and whatever stands between") {
  const std::string bytes = frame(0x81, "one") + frame(0x89, "ping") +  //
                            frame(0x01, "tw") + frame(0x8a, "pong") + frame(0x80, "o") +
                            frame(0x82, "binary") + frame(0x02, "bin") + frame(0x80, "ary") +
                            frame(0x81, "") + frame(0x81, std::string(300, 'x')) +
                            frame(0x81, std::string(70'000, 'y'));
  const std::string expected =
      "[one][two][][" + std::string(300, 'x') + "][" + std::string(70'000, 'y') + "][";
  for (const size_t step : {bytes.size(), size_t{1}, size_t{2}, size_t{7}}) {
    CAPTURE(step);
    CHECK(read(bytes, step) == expected);
  }
}

TEST_CASE("what is compressed or masked cannot be followed") {
  CHECK(read(frame(0x81, "a") + frame(0xc1, "zip") + frame(0x81, "b"), 1) == "[a][!");
  std::string masked = frame(0x81, "abcd");
  masked[1] = static_cast<char>(0x84);
  CHECK(read(masked + "xxxx", 100) == "[!");
}
