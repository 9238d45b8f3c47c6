#pragma once

// What replies are filled with. All of it is static, made on first use; any thread.

#include <span>
#include <string>
#include <string_view>

namespace bench::serve {

// The words of a stream, in order, with the white space they need: said one after the other they
// read as English and Chinese sentences in turn. Fit for JSON strings as they are.
[[nodiscard]] std::span<const std::string_view> words();

// Large pieces that bodies repeat.
struct Blocks {
  std::string prose;   // words() over and over, whole sentences
  std::string octets;  // every value; of a length that no buffer's size divides
  std::string floats;  // "0.012345," over and over, each of float_bytes
  std::string base64;  // of float32 numbers, in groups of base64_bytes
};
inline constexpr size_t float_bytes = 9;
inline constexpr size_t base64_bytes = 16;
[[nodiscard]] const Blocks& blocks();

// The largest size of whole UTF-8 characters from the front of `text`, up to `size`.
[[nodiscard]] size_t whole_characters(std::string_view text, size_t size);

}  // namespace bench::serve
