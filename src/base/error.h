#pragma once

// What went wrong, small enough to pass by value; its text is made when it is logged.

#include <cstdint>
#include <string_view>

namespace base {

// Whose doing it was: decides between a 4xx, a 5xx and a retry.
enum class Side : uint8_t { none, client, upstream };

enum class Code : uint8_t {
  closed,       // orderly end where more was due; raw = Error::silent: see there
  reset,        // connection torn down
  timeout,      // a deadline passed; `raw` says which where it matters
  unreachable,  // the other machine no longer acknowledges anything; raw = uv error
  dns,          // name not resolved; raw = uv error
  connect,      // no address accepted a connection; raw = uv error of the last
  tls,          // handshake or record layer; raw = mbedTLS error
  certificate,  // the peer's certificate was refused; raw = verify flags
  parse,        // not HTTP as we accept it
  protocol,     // the peer speaks another protocol; raw: see speech.h
  too_large,    // a limit of ours
  loop,         // the upstream is this proxy itself
  refused,      // we would not: waiting room full, back-off, shutting down
  io,           // any other system error; raw = uv error
};

// Value. `raw` is the library's own code (uv, mbedTLS, llhttp) for the log, 0 where there is none.
struct Error {
  Code code = Code::io;
  Side side = Side::none;
  int raw = 0;

  // Code::closed and Code::reset of an upstream: that was all that a fresh connection ever said.
  static constexpr int silent = 1;
};

// The code's name as it stands in logs and metrics, e.g. "timeout". Static text.
[[nodiscard]] std::string_view code_name(Code code);

}  // namespace base
