#include "http/websocket_reader.h"

#include <algorithm>

namespace http {
namespace {

constexpr unsigned fin = 0x80;
constexpr unsigned reserved = 0x70;  // RSV1 says compressed, where that was agreed upon
constexpr unsigned opcode_bits = 0x0f;
constexpr unsigned masked = 0x80;
constexpr unsigned length_bits = 0x7f;

enum : unsigned { continuation = 0, text = 1, control = 8 };

}  // namespace

// As far as its second byte tells.
size_t WebSocketReader::head_bytes() const {
  if (head_size_ < 2) return 2;
  const unsigned length = head_[1] & length_bits;
  const size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
  return 2 + extended + ((head_[1] & masked) != 0 ? 4 : 0);
}

bool WebSocketReader::read_head(base::Bytes& input) {
  while (head_size_ < head_bytes()) {
    if (input.empty()) return false;
    head_.at(head_size_++) = static_cast<unsigned char>(input.front());
    input = input.subspan(1);
  }
  return true;
}

void WebSocketReader::open_frame() {
  const unsigned opcode = head_[0] & opcode_bits;
  const unsigned length = head_[1] & length_bits;
  payload_left_ = length;
  if (length > 125) {
    payload_left_ = 0;
    for (size_t i = 2; i < (length == 126 ? 4U : 10U); ++i)
      payload_left_ = payload_left_ << 8U | head_.at(i);
  }
  // Nobody masks what goes to a client, and what is compressed cannot be read.
  is_lost_ = (head_[0] & reserved) != 0 || (head_[1] & masked) != 0;
  const bool is_control = opcode >= control;
  if (!is_control && opcode != continuation) is_text_ = opcode == text;
  frame_is_text_ = is_text_ && !is_control;
  frame_is_last_ = (head_[0] & fin) != 0;
  in_payload_ = true;
  head_size_ = 0;
}

WebSocketReader::Step WebSocketReader::next(base::Bytes& input) {
  while (!is_lost_) {
    if (!in_payload_) {
      if (!read_head(input)) return {};
      open_frame();
      continue;
    }
    if (payload_left_ == 0) {
      in_payload_ = false;
      if (frame_is_text_ && frame_is_last_) {
        is_text_ = false;
        return {Step::Kind::end};
      }
      continue;
    }
    if (input.empty()) return {};
    const auto size = static_cast<size_t>(std::min<uint64_t>(payload_left_, input.size()));
    const base::Bytes payload = input.first(size);
    input = input.subspan(size);
    payload_left_ -= size;
    if (frame_is_text_) return {Step::Kind::text, payload};
  }
  input = {};
  return {Step::Kind::lost};
}

}  // namespace http
