#pragma once

// Events out of a text/event-stream body (WHATWG HTML 9.2), read-only: it looks at bytes that are
// forwarded as they are, and can neither delay nor change them.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace http {

// Value of views, valid until the next call of the splitter that gave it.
struct SseEvent {
  std::string_view type;   // "message" where the stream names none
  std::string_view data;   // its data lines joined by LF; "" where `too_large`
  bool too_large = false;  // counted, not kept
};

// Value, one per stream. One thread. Of an event that is not complete it keeps at most
// `kept_bytes_max` of data and as much of the line that has not ended.
class SseSplitter {
 public:
  static constexpr size_t kept_bytes_max = 64 * 1024;

  // Reads `input` up to the end of the next event and shortens it by that; true where `event` is
  // complete, false where all input is used up.
  [[nodiscard]] bool next(base::Bytes& input, SseEvent& event);

  // Events so far: those with data, as a client would dispatch them.
  [[nodiscard]] uint64_t events() const { return events_; }

  // Whether the bytes so far end an event (or none has begun): whatever is put between here breaks
  // nothing. A comment line counts as the beginning of one.
  [[nodiscard]] bool is_at_boundary() const { return !in_line_ && !in_event_; }

 private:
  bool end_line(std::string_view line, bool too_long, SseEvent& event);
  void add_data(std::string_view value);
  void keep_line(std::string_view part);
  bool dispatch(SseEvent& event);

  std::string line_;  // the part of a line that earlier input had
  std::string data_;
  std::string type_;
  uint64_t events_ = 0;
  bool in_line_ = false;        // some byte of a line was seen, not its end
  bool line_too_long_ = false;  // line_ is only its beginning
  bool in_event_ = false;       // some line was seen since the last blank one
  bool has_data_ = false;
  bool too_large_ = false;       // of the event
  bool after_cr_ = false;        // an LF that comes next belongs to the line before
  bool is_first_line_ = true;    // may begin with a byte order mark
  bool data_given_out_ = false;  // data_ and type_ are the last event's, to be emptied
};

}  // namespace http
