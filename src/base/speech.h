#pragma once

// What a peer speaks that does not speak what it should, by its first bytes.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

namespace base {

enum class Speech : uint8_t {
  unknown,
  tls,
  http1,
  http2,
  ssh,
  greeting,  // a line that begins with 220, +OK or * OK: SMTP, FTP, POP3, IMAP
};

// As many bytes tell all of them apart.
constexpr size_t speech_bytes_max = 8;

// What starts like `first`; unknown as well where that is too short to tell.
[[nodiscard]] Speech guess_speech(Bytes first);

// Code::protocol of an upstream that speaks `heard` where its url says `expected`.
[[nodiscard]] Error speech_error(Speech heard, Speech expected);

// What such an upstream speaks, and what to write in the configuration: a sentence. Static text.
[[nodiscard]] std::string_view speech_advice(Error error);

}  // namespace base
