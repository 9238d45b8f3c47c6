#pragma once

// Content codings (RFC 9110, 8.4.1) undone on the side, so that a compressed body can be looked
// into while it passes as it came. The only door to zlib, libzstd and libbrotlidec.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/bytes.h"

namespace openai {

enum class Coding : uint8_t { identity, gzip, deflate, zstd, br, unsupported };

// Of a Content-Encoding field's value, upper or lower case; nothing and "identity" are identity.
// Several codings one upon the other are unsupported: nobody sends them.
[[nodiscard]] Coding coding_of(std::string_view content_encoding);
// As the field names it.
[[nodiscard]] std::string_view to_text(Coding coding);

// What a body may become. Bombs: 1 MiB is free, beyond it a body may grow `ratio_max` times.
struct DecodeLimits {
  uint64_t bytes_max = uint64_t{1} << 30;
  uint32_t ratio_max = 250;
  uint64_t ratio_free_bytes = uint64_t{1} << 20;
};

// Resource of one body, made when its coding is known. One thread. Bounded memory: gzip and deflate
// 40 KiB, zstd and br as much as the body's window asks, at most 8 MiB (RFC 9659) and 16 MiB; taken
// with the first byte. A body that cannot be decoded is the end of looking, never of the request.
class BodyDecoder {
 public:
  enum class State : uint8_t {
    decoding,
    complete,     // the coding's own end has come and something follows, which is ignored
    malformed,    // cannot be decoded
    too_large,    // beyond the limits
    unsupported,  // Coding::unsupported
  };

  // `identity` passes all as it is, within `limits.bytes_max`.
  explicit BodyDecoder(Coding coding, DecodeLimits limits = {});
  ~BodyDecoder();
  BodyDecoder(const BodyDecoder&) = delete;
  BodyDecoder& operator=(const BodyDecoder&) = delete;
  BodyDecoder(BodyDecoder&&) noexcept;
  BodyDecoder& operator=(BodyDecoder&&) noexcept;

  // The next piece of what `input` becomes, at most 16 KiB (identity: `input` itself), and `input`
  // is shortened by what was read. Empty when there is no more: `input` is then used up or, in
  // every state but `decoding`, to be thrown away. The piece is valid until the next call of any
  // decoder of this thread.
  //
  //   for (Bytes piece; !(piece = decoder.next(input)).empty();) scan.feed(piece);
  [[nodiscard]] base::Bytes next(base::Bytes& input);

  [[nodiscard]] State state() const { return state_; }
  // Whether the input so far may be all: the coding's end has come, or it has none.
  [[nodiscard]] bool may_end() const;
  [[nodiscard]] uint64_t decoded_bytes() const { return decoded_bytes_; }

 private:
  struct Engine;

  [[nodiscard]] base::Bytes decode(base::Bytes& input);
  [[nodiscard]] bool is_too_large() const;

  std::unique_ptr<Engine> engine_;  // made with the first byte
  DecodeLimits limits_;
  uint64_t encoded_bytes_ = 0;
  uint64_t decoded_bytes_ = 0;
  Coding coding_;
  State state_ = State::decoding;
};

}  // namespace openai
