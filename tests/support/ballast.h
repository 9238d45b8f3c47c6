#pragma once

// Memory that is counted but, never touched, not used: to bring the process near a limit.

#include <cstddef>
#include <utility>

#include "base/heap.h"

namespace test {

// Resource. Not by operator new, which a compiler may leave out where nobody looks at it.
class Ballast {
 public:
  explicit Ballast(size_t bytes) : memory_(base::heap_calloc(1, bytes)) {}
  ~Ballast() { drop(); }
  Ballast(const Ballast&) = delete;
  Ballast& operator=(const Ballast&) = delete;
  Ballast(Ballast&&) = delete;
  Ballast& operator=(Ballast&&) = delete;

  void drop() { base::heap_free(std::exchange(memory_, nullptr)); }

 private:
  void* memory_;
};

}  // namespace test
