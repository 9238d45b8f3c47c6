#pragma once

// Raw messages that must be refused, each with what it is: malformed, ambiguous, or a means of
// smuggling another one past us. From RFC 9110 and 9112, and from what others have fallen for. The
// parser's tests read them in every split, the end-to-end tests send them through a proxy.

#include <string>
#include <vector>

namespace test {

// Value.
struct RefusedMessage {
  std::string what;
  std::string bytes;
  // Why, or what a transcript (h1_transcript.h) says at its end; "%" stands for any text.
  std::string why;

  // Of that transcript; behind the head where that is out.
  [[nodiscard]] std::string transcript() const {
    return why.find('!') == std::string::npos ? "!400 " + why : why;
  }
};
using RefusedMessages = std::vector<RefusedMessage>;

// Refused before their head is out.
[[nodiscard]] RefusedMessages refused_request_heads();
[[nodiscard]] RefusedMessages refused_response_heads();
// Chunked; refused behind their head.
[[nodiscard]] RefusedMessages refused_request_bodies();
[[nodiscard]] RefusedMessages refused_response_bodies();

}  // namespace test
