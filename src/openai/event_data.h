#pragma once

// Where the data of server-sent events lie in a stream (WHATWG HTML 9.2), for who reads it as it
// passes: unlike http::SseSplitter it keeps nothing, so that a line may be of any length.

#include <cstdint>
#include <string_view>

namespace openai {

// Value of a few bytes, one per stream. One thread.
class EventData {
 public:
  enum class Step : uint8_t {
    none,  // the piece is used up
    data,  // `part` is some of the event's data; its lines are joined by LF
    end,   // the event is over: the blank line has been read
  };

  // Reads `piece` up to the next step and shortens it by that. `part` views `piece` or a static
  // text.
  [[nodiscard]] Step next(std::string_view& piece, std::string_view& part);

  // Whether no event has begun: the stream's beginning, or just behind a blank line. An LF that
  // comes next may still belong to that line.
  [[nodiscard]] bool is_at_boundary() const {
    return !in_event_ && matched_ == 0 &&
           (state_ == State::name || state_ == State::byte_order_mark);
  }
  // Whether an LF that comes next belongs to the line before.
  [[nodiscard]] bool takes_lf() const { return after_cr_; }

 private:
  enum class State : uint8_t { byte_order_mark, name, value, spaced_value, data, other };

  bool read_name(char c);
  void begin_line();
  bool end_line();

  State state_ = State::byte_order_mark;
  uint8_t matched_ = 0;  // bytes of the byte order mark or of "data" that have come
  bool after_cr_ = false;
  bool is_blank_ = false;  // the line
  bool in_event_ = false;  // some line was seen since the last blank one
  bool has_data_ = false;  // one of data
};

}  // namespace openai
