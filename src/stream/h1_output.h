#pragma once

// The sending half of an HTTP/1 connection, the same on both sides: frames body bytes and gathers
// what one read event produces into one write.

#include <array>
#include <cstddef>
#include <vector>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/out_queue.h"
#include "http/h1_writer.h"
#include "http/head.h"
#include "net/byte_stream.h"
#include "stream/http_stream.h"

namespace stream {

// How a body is framed on HTTP/1; `unknown`: how one is whose end is not known beforehand.
[[nodiscard]] http::Framing framing_of(Body body, http::Framing::Kind unknown);

// Resource, a member of its connection. One thread. What it gathers stands in a block of the
// worker's from the first piece to flush(): between events it weighs next to nothing.
class H1Output {
 public:
  // `blocks` outlives it.
  explicit H1Output(base::BlockPool& blocks) : blocks_(blocks) {}
  ~H1Output() { release(); }
  H1Output(const H1Output&) = delete;
  H1Output& operator=(const H1Output&) = delete;
  H1Output(H1Output&&) = delete;
  H1Output& operator=(H1Output&&) = delete;

  // Holds a head's bytes, which must live until flush(); the body that follows is framed so.
  void head(base::Bytes bytes, http::Framing framing, net::ByteStream& stream);

  // Body bytes, borrowed until flush().
  void body(base::Bytes bytes, net::ByteStream& stream);

  // The body's end; a tunnel's is a half-close, once what is held has left. After until_close
  // framing the caller ends the connection. `arena` takes a trailer section's bytes.
  void end(const std::vector<http::Field>& trailers, base::Arena& arena, net::ByteStream& stream);

  // Everything held leaves in one write. `full` where the stream's queue has passed its mark.
  net::Flow flush(net::ByteStream& stream);

  // Forgets what is held and the framing.
  void reset();

  // Raw bytes from here on.
  void start_tunnel() { framing_ = {http::Framing::Kind::tunnel, 0}; }

  [[nodiscard]] http::Framing framing() const { return framing_; }
  // Bytes given to the stream so far, framing included.
  [[nodiscard]] uint64_t bytes_sent() const { return bytes_sent_; }

 private:
  static constexpr size_t pieces_max = 24;
  static constexpr size_t prefixes_max = pieces_max / 3;

  struct Held {
    std::array<base::Bytes, pieces_max> pieces;
    std::array<http::ChunkPrefix, prefixes_max> prefixes;
  };
  static_assert(sizeof(Held) <= base::BlockPool::block_bytes);

  void hold(base::Bytes piece, net::ByteStream& stream);
  Held& held();
  void release();

  base::BlockPool& blocks_;
  base::BlockPool::Block* block_ = nullptr;  // has a Held at its begin
  http::Framing framing_;
  size_t piece_count_ = 0;
  size_t prefix_count_ = 0;
  uint64_t bytes_sent_ = 0;
  bool half_close_ = false;  // once what is held has left
};

}  // namespace stream
