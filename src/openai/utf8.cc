#include "openai/utf8.h"

namespace openai {
namespace {

// How many bytes follow this first one; -1 where it is none.
int following(unsigned char first) {
  if (first < 0x80) return 0;
  if (first < 0xc2) return -1;  // a later byte, or an overlong form
  if (first < 0xe0) return 1;
  if (first < 0xf0) return 2;
  return first < 0xf5 ? 3 : -1;
}

// Whether `second` may stand behind `first`: here overlong forms, surrogates and what is beyond the
// last character are seen (RFC 3629, 4).
bool may_follow(unsigned char first, unsigned char second) {
  switch (first) {
    case 0xe0:
      return second >= 0xa0 && second < 0xc0;
    case 0xed:
      return second >= 0x80 && second < 0xa0;
    case 0xf0:
      return second >= 0x90 && second < 0xc0;
    case 0xf4:
      return second >= 0x80 && second < 0x90;
    default:
      return second >= 0x80 && second < 0xc0;
  }
}

}  // namespace

bool is_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const auto first = static_cast<unsigned char>(text[at++]);
    const int count = following(first);
    if (count < 0 || text.size() - at < static_cast<size_t>(count)) return false;
    for (int i = 0; i < count; ++i) {
      const auto later = static_cast<unsigned char>(text[at++]);
      if (i == 0 ? !may_follow(first, later) : later < 0x80 || later >= 0xc0) return false;
    }
  }
  return true;
}

size_t to_utf8(uint32_t code, std::array<char, 4>& bytes) {
  const auto later = [code](int shift) {
    return static_cast<char>(0x80 | (code >> shift & 0x3f));
  };
  if (code < 0x80) {
    bytes[0] = static_cast<char>(code);
    return 1;
  }
  if (code < 0x800) {
    bytes = {static_cast<char>(0xc0 | code >> 6), later(0)};
    return 2;
  }
  if (code < 0x10000) {
    bytes = {static_cast<char>(0xe0 | code >> 12), later(6), later(0)};
    return 3;
  }
  bytes = {static_cast<char>(0xf0 | code >> 18), later(12), later(6), later(0)};
  return 4;
}

}  // namespace openai
