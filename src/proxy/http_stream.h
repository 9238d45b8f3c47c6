#pragma once

// The seam between an exchange and a connection: one request and its response on one connection,
// any protocol version, either side.

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "http/head.h"
#include "net/byte_stream.h"

namespace proxy {

// Why a stream does not read. A set of reasons: it reads again when the last one is gone, so that
// no one resumes for another.
enum class Pause : uint8_t {
  flow = 1,       // the other side's queue is full
  pipelined = 2,  // the next request waits for this one's response
  held = 4,       // nobody to give the bytes to yet
};

// All calls on the loop's thread. None of them calls back into the exchange.
class HttpStream {
 public:
  HttpStream() = default;
  HttpStream(const HttpStream&) = delete;
  HttpStream& operator=(const HttpStream&) = delete;
  HttpStream(HttpStream&&) = delete;
  HttpStream& operator=(HttpStream&&) = delete;

  // The message's head, without connection and framing fields: those follow from `framing`. Interim
  // (1xx) heads may come before the final one. Its bytes are laid out at once.
  virtual void send_head(const http::Head& head, http::Framing framing) = 0;

  // Bytes of the body. Borrowed until flush(), so that a head, a whole read event and the last
  // chunk leave in one write.
  virtual void send_body(base::Bytes bytes) = 0;

  // The message is complete. Trailers go out where the framing has room for them. Borrowed until
  // flush().
  virtual void send_end(const std::vector<http::Field>& trailers) = 0;

  // The read event is over: what is held leaves now. `full` asks the exchange to pause the other
  // side until on_..._drained().
  virtual net::Flow flush() = 0;

  // After a 101: raw bytes in both directions from here on; send_end() is a half-close.
  virtual void start_tunnel() = 0;

  // The message cannot be ended honestly. What was sent of it is delivered first, then the
  // connection ends so that nobody takes that for the message's end.
  virtual void reset() = 0;

  virtual void pause(Pause reason) = 0;
  virtual void resume(Pause reason) = 0;

 protected:
  ~HttpStream() = default;
};

}  // namespace proxy
