#include "h1_case.h"

#include <doctest/doctest.h>

namespace http_test {

bool matches(std::string_view text, std::string_view pattern) {
  const size_t wild = pattern.find('%');
  if (wild == std::string_view::npos) return text == pattern;
  if (!text.starts_with(pattern.substr(0, wild))) return false;
  text.remove_prefix(wild);
  pattern.remove_prefix(wild + 1);
  for (size_t skipped = 0; skipped <= text.size(); ++skipped) {
    if (matches(text.substr(skipped), pattern)) return true;
  }
  return false;
}

void check_case(const Case& one, const TranscriptOptions& options) {
  CAPTURE(one.what);
  CAPTURE(one.bytes);
  CAPTURE(one.expected);
  const std::string seen = transcribe(one.bytes, options, whole);
  CHECK_MESSAGE(matches(seen, one.expected), "saw: ", seen);
  CHECK(transcribe(one.bytes, options, byte_by_byte) == seen);
  size_t differing = 0;
  for (size_t i = 1; i < one.bytes.size(); ++i) {
    if (transcribe(one.bytes, options, split_at(i)) != seen) ++differing;
  }
  CHECK(differing == 0);
}

}  // namespace http_test
