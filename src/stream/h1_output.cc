#include "stream/h1_output.h"

#include <new>
#include <utility>

namespace stream {

using http::Framing;

H1Output::Held& H1Output::held() {
  if (block_ == nullptr) {
    block_ = blocks_.take();
    static_assert(offsetof(base::BlockPool::Block, data) % alignof(Held) == 0);
    new (block_->data) Held;
  }
  return *std::launder(reinterpret_cast<Held*>(block_->data));
}

http::Framing framing_of(Body body, http::Framing::Kind unknown) {
  switch (body.kind) {
    case Body::Kind::none:
      break;
    case Body::Kind::length:
      return {http::Framing::Kind::length, body.length};
    case Body::Kind::unknown:
      return {unknown, 0};
    case Body::Kind::tunnel:
      return {http::Framing::Kind::tunnel, 0};
  }
  return {};
}

void H1Output::release() {
  piece_count_ = prefix_count_ = 0;
  if (block_ != nullptr) blocks_.give_back(std::exchange(block_, nullptr));
}

void H1Output::hold(base::Bytes piece, net::ByteStream& stream) {
  if (piece_count_ == pieces_max) static_cast<void>(flush(stream));
  held().pieces[piece_count_++] = piece;
}

void H1Output::head(base::Bytes bytes, Framing framing, net::ByteStream& stream) {
  framing_ = framing;
  hold(bytes, stream);
}

void H1Output::body(base::Bytes bytes, net::ByteStream& stream) {
  if (bytes.empty()) return;  // an empty chunk would end the body
  if (framing_.kind != Framing::Kind::chunked) {
    hold(bytes, stream);
    return;
  }
  if (prefix_count_ == prefixes_max || piece_count_ + 3 > pieces_max) {
    static_cast<void>(flush(stream));
  }
  hold(http::write_chunk_prefix(held().prefixes[prefix_count_++], bytes.size()), stream);
  hold(bytes, stream);
  hold(base::as_bytes("\r\n"), stream);
}

void H1Output::end(const std::vector<http::Field>& trailers,
                   base::Arena& arena,
                   net::ByteStream& stream) {
  half_close_ = framing_.kind == Framing::Kind::tunnel;
  if (framing_.kind != Framing::Kind::chunked) return;
  if (trailers.empty()) {
    hold(base::as_bytes("0\r\n\r\n"), stream);
  } else {
    hold(http::write_last_chunk(trailers, arena), stream);
  }
}

net::Flow H1Output::flush(net::ByteStream& stream) {
  if (piece_count_ > 0) {
    const std::span<const base::Bytes> pieces{held().pieces.data(), piece_count_};
    for (const base::Bytes piece : pieces)
      bytes_sent_ += piece.size();
    static_cast<void>(stream.write(pieces));
    release();
  }
  if (half_close_) {
    half_close_ = false;
    stream.shutdown_write();
  }
  return stream.is_full() ? net::Flow::full : net::Flow::go;
}

void H1Output::reset() {
  release();
  bytes_sent_ = 0;
  half_close_ = false;
  framing_ = {};
}

}  // namespace stream
