#pragma once

// HTTP/1.1 responses for the load tool: only framing, status and whether the body is a stream of
// events. Several times cheaper than http::H1Parser, which keeps every field; a load tool must use
// less CPU than what it measures.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace bench::load {

// Resource, one per connection. Gives the same events wherever the bytes are split, but that body
// pieces end with the input. Keeps bytes only of a head that is not complete.
class ResponseReader {
 public:
  static constexpr size_t head_bytes_max = 64 * 1024;

  enum class Kind : uint8_t {
    need_more,  // all input is used up
    head,       // status() and the others below are valid; never of an interim (1xx) response
    body,       // `body` bytes, borrowed from the input
    end,        // the response is complete; begin() the next
    error,      // not HTTP/1.1 as this tool takes it; nothing more can be read
  };
  struct Event {
    Kind kind;
    base::Bytes body;
  };

  // The next response begins.
  void begin();

  // The next event of `input`, which is shortened by what was consumed. Call it until `need_more`,
  // also on empty input: `end` may follow without a further byte.
  [[nodiscard]] Event next(base::Bytes& input);

  // The input has ended. True where that completes the response, because only the end of the
  // connection delimits it.
  [[nodiscard]] bool ends_with_input() const { return state_ == State::until_close; }

  // Valid after `head`.
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] bool keep_alive() const { return keep_alive_; }
  [[nodiscard]] bool is_event_stream() const { return is_event_stream_; }

 private:
  enum class State : uint8_t {
    head,
    ending,      // `end` is due
    length,      // body of known length
    chunk_size,  // its digits
    chunk_line,  // the rest of that line: extensions
    chunk_data,
    chunk_close,  // CR LF behind the data
    trailers,
    until_close,
    done,
    failed,
  };

  Event read_head(base::Bytes& input);
  bool parse_head(std::string_view head);
  bool parse_status_line(std::string_view line);
  bool parse_field(std::string_view line);
  bool parse_length(std::string_view value);
  void start_body();
  Event read_body(base::Bytes& input, State after);
  // True once data or the end follow; false when the input is used up, or is no framing (failed).
  bool skip_chunk_framing(base::Bytes& input);
  bool take_framing_byte(char byte);
  bool take_size_byte(char byte);
  Event fail();

  std::string partial_;      // of a head: what earlier input had
  uint64_t left_ = 0;        // of the body or the chunk
  uint32_t line_bytes_ = 0;  // of the chunk's or trailers' line so far
  int status_ = 0;
  State state_ = State::done;
  bool has_length_ = false;
  bool is_chunked_ = false;
  bool keep_alive_ = false;
  bool is_event_stream_ = false;
  bool after_cr_ = false;
};

}  // namespace bench::load
