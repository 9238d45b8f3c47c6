#include "base/speech.h"

#include <array>
#include <utility>

namespace base {
namespace {

using namespace std::string_view_literals;

constexpr int expected_shift = 8;

// Some answer what they do not understand as HTTP/0.9, with a page alone.
constexpr std::pair<std::string_view, Speech> beginnings[] = {{"HTTP/"sv, Speech::http1},
                                                              {"<!DOCTYP"sv, Speech::http1},
                                                              {"<html"sv, Speech::http1},
                                                              {"SSH-"sv, Speech::ssh},
                                                              {"220 "sv, Speech::greeting},
                                                              {"220-"sv, Speech::greeting},
                                                              {"+OK"sv, Speech::greeting},
                                                              {"* OK"sv, Speech::greeting}};

// An alert, a handshake record: RFC 8446 5.1.
bool is_tls(std::string_view text) {
  return text.size() >= 3 && (text[0] == '\x15' || text[0] == '\x16') && text[1] == '\x03' &&
         text[2] <= '\x04';
}

// SETTINGS or GOAWAY on stream 0, as a server begins and ends: RFC 9113 3.4, 6.8.
bool is_http2(std::string_view text) {
  return text.size() >= 5 && text.starts_with("\0\0"sv) &&
         (text[3] == '\x04' || text[3] == '\x07') && text[4] == '\0';
}

}  // namespace

Speech guess_speech(Bytes first) {
  const std::string_view text = as_text(first);
  if (is_tls(text)) return Speech::tls;
  if (is_http2(text)) return Speech::http2;
  for (const auto& [beginning, speech] : beginnings) {
    if (text.starts_with(beginning)) return speech;
  }
  return Speech::unknown;
}

Error speech_error(Speech heard, Speech expected) {
  return {Code::protocol,
          Side::upstream,
          static_cast<int>(heard) | static_cast<int>(expected) << expected_shift};
}

std::string_view speech_advice(Error error) {
  const auto heard = static_cast<Speech>(error.raw & 0xff);
  const auto expected = static_cast<Speech>(error.raw >> expected_shift);
  switch (heard) {
    case Speech::http1:
      if (expected != Speech::tls) break;
      return "The upstream speaks plain HTTP: write http:// instead of https:// in its url.";
    case Speech::tls:
      return "The upstream speaks TLS: write https:// instead of http:// in its url.";
    case Speech::http2:
      return "The upstream answers in HTTP/2 only and without TLS: let it speak HTTP/1.1 there.";
    case Speech::ssh:
      return "An SSH server answers there: check host and port of the upstream's url.";
    case Speech::greeting:
      return "A mail or FTP server answers there: check host and port of the upstream's url.";
    case Speech::unknown:
      break;
  }
  return "The upstream does not answer in the protocol that its url says.";
}

}  // namespace base
