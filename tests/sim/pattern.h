#pragma once

// Bodies that tell whose they are: every byte follows from a key and its place, so that a lost,
// doubled, moved or foreign byte is seen wherever it turns up.

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace sim {

// What a stream of bytes belongs to.
enum class Stream : uint8_t { request, response, tunnel_up, tunnel_down };

// The key of one body; `attempt` tells the responses to one request apart.
[[nodiscard]] constexpr uint64_t pattern_key(Stream stream,
                                             uint32_t request,
                                             uint32_t attempt = 0) {
  return (uint64_t{request} << 24 | uint64_t{attempt} << 8 | static_cast<uint64_t>(stream)) + 1;
}

// `size` bytes of the pattern from `offset` on, behind `out`.
void append_pattern(std::string& out, uint64_t key, uint64_t offset, size_t size);

// Whether `bytes` are the pattern's from `offset` on.
[[nodiscard]] bool is_pattern(base::Bytes bytes, uint64_t key, uint64_t offset);

}  // namespace sim
