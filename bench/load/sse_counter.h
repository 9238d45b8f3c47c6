#pragma once

// Counts the events of a text/event-stream body; keeps nothing of them but a line's beginning.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace bench::load {

// Value, one per stream. Counts the same wherever the bytes are split. Lines end in LF or CR LF
// (WHATWG HTML 9.2 allows a lone CR too, which nobody sends).
class SseCounter {
 public:
  // A new stream.
  void reset() { *this = SseCounter(); }

  // Takes the next bytes of the body; how many events with data ended in them.
  [[nodiscard]] uint32_t feed(base::Bytes body);

  // The stream said that it is complete: `data: [DONE]`, or the event that ends a stream of the
  // Responses API.
  [[nodiscard]] bool is_done() const { return is_done_; }
  // Some line was none of an event stream's, or bytes stand behind the last event.
  [[nodiscard]] bool is_malformed() const { return is_malformed_ || line_bytes_ > 0 || has_data_; }

 private:
  // Long enough to tell lines apart: "event: response.incomplete", CR.
  static constexpr size_t kept_bytes = 32;

  // A whole line without its LF, or its first bytes where it is longer than those; whether an event
  // ended.
  bool end_line(std::string_view line);

  std::array<char, kept_bytes> kept_{};  // of the line that has not ended
  size_t line_bytes_ = 0;                // of that line so far
  bool has_data_ = false;
  bool is_done_ = false;
  bool is_malformed_ = false;
};

}  // namespace bench::load
