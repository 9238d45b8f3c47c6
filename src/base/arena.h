#pragma once

// Bump allocator for the heads of one exchange: thousands of small strings, one death.

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace base {

// Resource. Owned by an exchange and reset with it; what it hands out lives until reset(). One
// thread. The first 4 KiB are inline, so that a common request allocates nothing.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  Arena(Arena&&) = delete;
  Arena& operator=(Arena&&) = delete;
  ~Arena() = default;

  // Uninitialised text of `size` bytes. Never fails (out of memory aborts).
  [[nodiscard]] std::span<char> allocate(size_t size);

  // Uninitialised memory for an object without a destructor.
  [[nodiscard]] void* allocate(size_t size, size_t alignment);

  // A copy of `text` that lives in the arena.
  [[nodiscard]] std::string_view copy(std::string_view text);

  // `text`, which is empty or the arena's, with `more` behind it. In place where `text` was the
  // last allocation, so that a token arriving in fragments is not copied again and again.
  [[nodiscard]] std::string_view append(std::string_view text, std::string_view more);

  // The pieces joined into one new string.
  [[nodiscard]] std::string_view join(std::initializer_list<std::string_view> pieces);

  // Forgets everything; keeps the inline block, frees the rest.
  void reset();

  // Bytes handed out since the last reset: what limits count.
  [[nodiscard]] size_t used() const { return used_; }

 private:
  static constexpr size_t inline_bytes = 4096;
  static constexpr size_t block_bytes_min = 8192;

  void add_block(size_t size_min);

  std::array<char, inline_bytes> inline_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* next_ = inline_.data();
  char* end_ = inline_.data() + inline_bytes;
  size_t used_ = 0;
};

}  // namespace base
