#pragma once

// Borrowed bytes: valid for the call they are passed to, unless its header says longer.

#include <cstddef>
#include <span>
#include <string_view>

namespace base {

using Bytes = std::span<const std::byte>;

// The same bytes seen as text, and the other way round. Borrowed, nothing is copied.
[[nodiscard]] inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
[[nodiscard]] inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

}  // namespace base
