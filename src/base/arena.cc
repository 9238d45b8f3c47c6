#include "base/arena.h"

#include <algorithm>
#include <cstring>
#include <memory>

namespace base {

std::span<char> Arena::allocate(size_t size) {
  if (static_cast<size_t>(end_ - next_) < size) add_block(size);
  std::span<char> taken{next_, size};
  next_ += size;
  used_ += size;
  return taken;
}

void* Arena::allocate(size_t size, size_t alignment) {
  void* place = allocate(size + alignment - 1).data();
  size_t space = size + alignment - 1;
  return std::align(alignment, size, place, space);
}

void Arena::add_block(size_t size_min) {
  const size_t size = std::max(block_bytes_min, size_min);
  blocks_.push_back(std::make_unique_for_overwrite<char[]>(size));
  next_ = blocks_.back().get();
  end_ = next_ + size;
}

std::string_view Arena::copy(std::string_view text) {
  return append({}, text);
}

std::string_view Arena::append(std::string_view text, std::string_view more) {
  if (more.empty()) return text;
  const bool is_last = !text.empty() && text.data() + text.size() == next_;
  if (is_last && static_cast<size_t>(end_ - next_) >= more.size()) {
    std::memcpy(allocate(more.size()).data(), more.data(), more.size());
    return {text.data(), text.size() + more.size()};
  }
  const size_t size = text.size() + more.size();
  // Moved once, it gets room to grow: else a long token that comes byte by byte would cost, in time
  // and in memory, the square of its length.
  if (!text.empty() && static_cast<size_t>(end_ - next_) < size) add_block(2 * size);
  const std::span<char> joined = allocate(size);
  if (!text.empty()) std::memcpy(joined.data(), text.data(), text.size());
  std::memcpy(joined.data() + text.size(), more.data(), more.size());
  return {joined.data(), joined.size()};
}

std::string_view Arena::join(std::initializer_list<std::string_view> pieces) {
  size_t size = 0;
  for (const std::string_view piece : pieces)
    size += piece.size();
  const std::span<char> joined = allocate(size);
  char* out = joined.data();
  for (const std::string_view piece : pieces)
    out = std::copy(piece.begin(), piece.end(), out);
  return {joined.data(), size};
}

void Arena::reset() {
  blocks_.clear();
  next_ = inline_.data();
  end_ = inline_.data() + inline_bytes;
  used_ = 0;
}

}  // namespace base
