#include "base/speech.h"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace {

using base::Speech;
using namespace std::string_view_literals;

TEST_CASE("what a peer speaks shows in its first bytes") {
  const struct {
    std::string_view first;
    Speech speech;
  } cases[] = {
      {"HTTP/1.1 400 Bad Request\r\n"sv, Speech::http1},
      {"HTTP/1.0"sv, Speech::http1},
      {"<!DOCTYPE html>"sv, Speech::http1},
      {"\x15\x03\x01\x00\x02\x02\x46"sv, Speech::tls},
      {"\x16\x03\x03\x00\x7a\x02"sv, Speech::tls},
      {"\x16\x03"sv, Speech::unknown},
      {"\x16\x02\x01"sv, Speech::unknown},
      {"\0\0\x06\x04\0\0\0\0\0"sv, Speech::http2},
      {"\0\0\x08\x07\0\0\0\0\0"sv, Speech::http2},
      {"\0\0\x06\x09\0\0\0\0\0"sv, Speech::unknown},
      {"SSH-2.0-OpenSSH_9.2\r\n"sv, Speech::ssh},
      {"220 mail.example ESMTP\r\n"sv, Speech::greeting},
      {"* OK IMAP4"sv, Speech::greeting},
      {"+OK POP3"sv, Speech::greeting},
      {"2200"sv, Speech::unknown},
      {""sv, Speech::unknown},
      {"GET / HT"sv, Speech::unknown},
  };
  for (const auto& one : cases) {
    CAPTURE(std::string(one.first));
    CHECK(base::guess_speech(base::as_bytes(one.first)) == one.speech);
    const bool enough =
        one.first.size() <= base::speech_bytes_max ||
        base::guess_speech(base::as_bytes(one.first.substr(0, base::speech_bytes_max))) ==
            one.speech;
    CHECK(enough);
  }
}

TEST_CASE("each of them has its advice") {
  const auto advice = [](Speech heard, Speech expected) {
    return std::string(base::speech_advice(base::speech_error(heard, expected)));
  };
  CHECK(advice(Speech::http1, Speech::tls).find("write http://") != std::string::npos);
  CHECK(advice(Speech::tls, Speech::http1).find("write https://") != std::string::npos);
  CHECK(advice(Speech::http2, Speech::http1).find("HTTP/2") != std::string::npos);
  CHECK(advice(Speech::ssh, Speech::tls).find("SSH") != std::string::npos);
  CHECK(advice(Speech::greeting, Speech::tls).find("mail") != std::string::npos);
  CHECK(!advice(Speech::unknown, Speech::tls).empty());
}

}  // namespace
