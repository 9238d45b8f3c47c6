#include "sim/pattern.h"

#include <algorithm>

namespace sim {
namespace {

// splitmix64's finalizer: neighbouring words share nothing.
uint64_t word_at(uint64_t key, uint64_t index) {
  uint64_t word = key * 0x9e3779b97f4a7c15 + index * 0xd1342543de82ef95;
  word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
  word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
  return word ^ (word >> 31);
}

// Calls visit(char) for each byte; stops when it returns false.
template <class Visit>
bool for_pattern(uint64_t key, uint64_t offset, size_t size, Visit visit) {
  const uint64_t end = offset + size;
  while (offset < end) {
    const uint64_t index = offset / 8;
    const uint64_t word_end = std::min(end, index * 8 + 8);
    uint64_t word = word_at(key, index) >> (offset % 8 * 8);
    for (; offset < word_end; ++offset, word >>= 8) {
      if (!visit(static_cast<char>(word & 0xff))) return false;
    }
  }
  return true;
}

}  // namespace

void append_pattern(std::string& out, uint64_t key, uint64_t offset, size_t size) {
  out.reserve(out.size() + size);
  for_pattern(key, offset, size, [&](char c) {
    out.push_back(c);
    return true;
  });
}

bool is_pattern(base::Bytes bytes, uint64_t key, uint64_t offset) {
  const char* next = base::as_text(bytes).data();
  return for_pattern(key, offset, bytes.size(), [&](char c) { return *next++ == c; });
}

}  // namespace sim
