#pragma once

// HTTP/1 messages out of bytes: llhttp for heads and chunks, our limits, and the rules that make
// smuggling impossible (message_rules.h). No sockets: bytes in, events out, one at a time.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/arena.h"
#include "base/bytes.h"
#include "http/head.h"
#include "http/message_rules.h"

namespace http {

struct H1Limits {
  size_t head_bytes_max = 128 * 1024;   // start line and fields; trailers again as much
  size_t fields_max = 200;              // trailers again as many
  size_t target_bytes_max = 64 * 1024;  // within the head
};

struct H1Event {
  enum class Kind : uint8_t {
    need_more,  // all input is used up
    head,       // the Head given to begin() is complete; framing() and the others below are valid
    body,       // `body` bytes, borrowed from the input
    end,        // the message is complete, trailers are in the Head; begin() the next
    error,      // no more to be had from this parser: see error()
  };
  Kind kind;
  base::Bytes body;
};

// Resource, one per connection and direction. One thread. All that a message needs is in its arena,
// so that a connection between two messages weighs little.
class H1Parser {
 public:
  enum class Role : uint8_t { request, response };

  H1Parser(Role role, const H1Limits& limits) : limits_(limits), role_(role) {}
  ~H1Parser() = default;
  H1Parser(const H1Parser&) = delete;
  H1Parser& operator=(const H1Parser&) = delete;
  H1Parser(H1Parser&&) = delete;
  H1Parser& operator=(H1Parser&&) = delete;

  // For the messages that begin from now on; not to be called within one.
  void set_limits(const H1Limits& limits) { limits_ = limits; }

  // The next message goes into `head` (cleared here), its bytes into `arena`; both must live until
  // its `end`. For a response, `request_method` is that of the request it answers: HEAD has no body
  // (RFC 9112 6.3). A 1xx response is a message of its own (head, end): begin() again for the next.
  void begin(Head& head, base::Arena& arena, std::string_view request_method = {});

  // The next event of `input`, which is shortened by what was consumed. Only after begin(). Call it
  // until `need_more`, also on empty input: `end` may follow a head or body without a further byte.
  // After the head of a 101 only switch_to_tunnel() makes sense; without it next() is `error`.
  H1Event next(base::Bytes& input);

  // The input has ended for good. `end` where that completes a body delimited by the connection's
  // end, `need_more` where no message had begun, else `error` (truncated).
  H1Event finish();

  // The connection speaks another protocol from here on: next() hands all input out as body,
  // finish() is `end`. For responses after the head of a 101, for requests after `end`.
  void switch_to_tunnel();

  // Valid after `head`, all of them and one by one:
  [[nodiscard]] const MessageTraits& traits() const { return traits_; }
  [[nodiscard]] Framing framing() const { return traits_.framing; }
  // The Content-Length field, also of a response that has no body (to HEAD, 304).
  [[nodiscard]] std::optional<uint64_t> content_length() const { return traits_.content_length; }
  // The message allows another after it on this connection.
  [[nodiscard]] bool keep_alive() const { return traits_.keep_alive; }
  // A request that asks for another protocol, or a 101: see judge_request for what is not counted.
  [[nodiscard]] bool wants_upgrade() const { return traits_.upgrade; }
  [[nodiscard]] bool expects_continue() const { return traits_.expects_continue; }

  // Whether some byte of the current message was seen; empty lines before a request are not its
  // own.
  [[nodiscard]] bool message_begun() const { return begun_; }
  // Valid after `error`.
  [[nodiscard]] const H1Error& error() const { return error_; }

 private:
  struct Engine;  // llhttp's state and callbacks
  enum class Phase : uint8_t {
    idle,         // before begin(), after end
    start,        // the method; the protocol's name in a response
    target,       // of a request
    head,         // the rest of the head
    ending,       // `end` is due, no byte is
    length,       // body of known length
    chunk_line,   // up to and with a chunk's size line
    chunk_data,   // within a chunk
    trailers,     // behind the last chunk's size line
    until_close,  // body up to the connection's end
    upgraded,     // behind the head of a 101
    tunnel,
    failed,
  };

  H1Event step(base::Bytes& input);
  H1Event read_start_of_request(base::Bytes& input);
  H1Event read_method(base::Bytes& input);
  H1Event read_target(base::Bytes& input);
  H1Event read_start_of_response(base::Bytes& input);
  H1Event enter_status_line(std::string_view text);
  H1Event finish_head();
  H1Event read_body(base::Bytes& input, Phase after);
  H1Event read_chunk_line(base::Bytes& input);
  H1Event fail(H1Error error);

  Engine* engine_ = nullptr;  // in the arena, until the message's end
  H1Limits limits_;
  uint64_t body_left_ = 0;  // of the body or the chunk
  MessageTraits traits_;
  H1Error error_;
  Role role_;
  Phase phase_ = Phase::idle;
  bool begun_ = false;
};

}  // namespace http
