#pragma once

// CHECK: an invariant of ours, tested in every build. Input from outside never trips one.

#include <cstdio>
#include <cstdlib>

namespace base {

[[noreturn]] inline void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "openai-proxy: bug: CHECK(%s) failed at %s:%d\n", condition, file, line);
  std::abort();
}

// CHECK for headers, which may meet doctest's macro of that name.
inline void check_that(bool condition,
                       const char* what,
                       const char* file = __builtin_FILE(),
                       int line = __builtin_LINE()) {
  if (!condition) [[unlikely]]
    check_failed(what, file, line);
}

}  // namespace base

#ifndef DOCTEST_LIBRARY_INCLUDED
#define CHECK(condition)                                    \
  do {                                                      \
    if (!(condition)) [[unlikely]]                          \
      ::base::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)
#endif
