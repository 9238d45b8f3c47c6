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

  // Whether no event has begun: the stream's beginning, or just behind a blank line.
  [[nodiscard]] bool is_at_boundary() const { return !in_event_ && state_ == State::line_begin; }
  // Whether the last blank line ended with CR: an LF that comes next still belongs to it.
  [[nodiscard]] bool may_take_lf() const { return after_cr_; }

 private:
  enum class State : uint8_t { line_begin, name, value_begin, data, other };

  const char* read_name(const char* at, const char* end);
  const char* find_line_end(const char* at, const char* end) const;
  bool end_line(char c);

  State state_ = State::line_begin;
  uint8_t matched_ = 0;  // bytes of "data", or of a byte order mark, that have come
  bool is_first_line_ = true;
  bool after_cr_ = false;
  bool in_event_ = false;
  bool has_data_ = false;  // of this event, a line of it
};

}  // namespace openai
