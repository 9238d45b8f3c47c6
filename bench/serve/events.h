#pragma once

// The events of a streamed reply, one after the other, as each API has them.

#include <cstddef>
#include <cstdint>
#include <string>

#include "bench/serve/reply.h"

namespace bench::serve {

// Value.
struct StreamShape {
  uint64_t tokens = 0;
  uint64_t token_bytes = 0;    // of one token's event; white space within its JSON makes up for it
  bool include_usage = false;  // chat and completions; responses have it anyhow
};

// Value: where a stream is. chat and completions: `tokens` chunks, the last with finish_reason, the
// usage if asked for, [DONE]. responses: what opens the message, `tokens` deltas, what closes it.
class EventStream {
 public:
  EventStream() = default;
  EventStream(Api api, StreamShape shape);

  [[nodiscard]] bool is_over() const { return step_ == steps_; }
  // Whether time passes before the next event: it is a token's, and not the first.
  [[nodiscard]] bool is_gap_next() const;

  // Appends the next event, with its blank line, to `out`. Not when it is over.
  void append_next(std::string& out, const Reply& reply);

 private:
  void append_token(std::string& out, const Reply& reply, uint64_t token) const;
  void append_response_event(std::string& out, const Reply& reply) const;
  void append_chunk_front(std::string& out, const Reply& reply) const;

  StreamShape shape_;
  Api api_ = Api::chat;
  uint32_t opening_ = 0;  // events before the first token
  uint64_t step_ = 0;
  uint64_t steps_ = 0;
};

}  // namespace bench::serve
