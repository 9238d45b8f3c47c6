#pragma once

// Takes one event out of a stream of chat completions: the extra chunk with usage and no choices
// that the upstream sends because we asked for it and the client did not.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "openai/event_data.h"
#include "openai/json_reader.h"

namespace openai {

// Value, one per stream. One thread. Everything else passes at once and unchanged. What is held
// back is the beginning of an event that may still be the one, and no longer than until it cannot
// be: its `choices` have an element, as they have a hundred bytes into any other chunk. Allocates
// only where a read ends inside of such a beginning, once a stream.
class UsageChunkFilter {
 public:
  UsageChunkFilter() { reader_.keep_text(0); }

  // A longer event cannot be it.
  static constexpr size_t held_bytes_max = 16 * 1024;

  // What may pass of what has come, and `input` is shortened by what was read; empty when `input`
  // is used up. Views `input` or what was held; valid until the next call.
  //
  //   for (Bytes piece; !(piece = filter.next(input)).empty();) client.send_body(piece);
  [[nodiscard]] base::Bytes next(base::Bytes& input);
  // The stream is over: what is still held, which then is no whole event.
  [[nodiscard]] base::Bytes finish();

  [[nodiscard]] bool is_holding() const { return !held_.empty() && !held_given_; }
  // Events taken out.
  [[nodiscard]] uint32_t hidden() const { return hidden_; }

 private:
  enum class Verdict : uint8_t { undecided, passes, hide };
  enum class Member : uint8_t { other, choices, usage };

  [[nodiscard]] Verdict read_on(std::string_view& rest);
  [[nodiscard]] Verdict read_line_end(std::string_view& rest);
  [[nodiscard]] Verdict read_event(std::string_view& rest);
  [[nodiscard]] Verdict end_event();
  void on_token(JsonReader::Token token);
  void on_member(JsonReader::Token token);

  EventData events_;
  JsonReader reader_;
  std::string held_;
  size_t read_ahead_ = 0;  // of the next input, and it passes
  size_t event_bytes_ = 0;
  uint32_t hidden_ = 0;
  Verdict verdict_ = Verdict::undecided;  // on the event that is being read
  Member member_ = Member::other;         // whose value comes
  bool choices_are_empty_ = false;
  bool has_usage_ = false;
  bool held_given_ = false;  // held_ was given out, and is to be emptied
  bool hides_lf_ = false;    // the LF of the CR LF that ended a hidden event
};

}  // namespace openai
