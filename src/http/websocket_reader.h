#pragma once

// The text messages in one direction of a WebSocket as they pass (RFC 6455 5.2). Read-only; what is
// compressed or malformed ends the reading, never the connection.

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace http {

// Value, one per direction. One thread.
class WebSocketReader {
 public:
  // What a step found. `payload` views the input.
  struct Step {
    enum class Kind : uint8_t {
      need_more,  // the input is used up
      text,       // `payload` is of a text message
      end,        // that message is complete
      lost,       // it cannot be followed any more: nothing else will come
    };
    Kind kind = Kind::need_more;
    base::Bytes payload = {};
  };

  // Reads on; `input` is shortened by what was read.
  [[nodiscard]] Step next(base::Bytes& input);

 private:
  static constexpr size_t head_bytes_max = 14;

  [[nodiscard]] bool read_head(base::Bytes& input);
  [[nodiscard]] size_t head_bytes() const;
  void open_frame();

  std::array<unsigned char, head_bytes_max> head_{};
  size_t head_size_ = 0;
  uint64_t payload_left_ = 0;
  bool in_payload_ = false;
  bool is_text_ = false;        // the message that is being read
  bool frame_is_text_ = false;  // the frame: control frames stand between a message's
  bool frame_is_last_ = false;
  bool is_lost_ = false;
};

}  // namespace http
