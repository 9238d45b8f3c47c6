#include "base/heap.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <malloc.h>
#include <new>

namespace base {
namespace {

// What glibc puts before each piece of memory.
constexpr int64_t header_bytes = sizeof(size_t);

std::atomic<int64_t> reported_bytes{0};
// What this thread has taken, less what it has given back, and not yet reported.
thread_local int64_t unreported_bytes = 0;

void count(int64_t bytes) {
  unreported_bytes += bytes;
  if (std::abs(unreported_bytes) < heap_step_bytes) return;
  reported_bytes.fetch_add(unreported_bytes, std::memory_order_relaxed);
  unreported_bytes = 0;
}

int64_t weight_of(void* memory) {
  return static_cast<int64_t>(malloc_usable_size(memory)) + header_bytes;
}

// Nothing of the program's is written to go on without memory.
void* counted(void* memory) {
  if (memory == nullptr) {
    std::fputs("out of memory\n", stderr);
    std::abort();
  }
  count(weight_of(memory));
  return memory;
}

void* take(size_t size) {
  return counted(std::malloc(size));
}

void* take(size_t size, std::align_val_t alignment) {
  const auto unit = static_cast<size_t>(alignment);
  return counted(std::aligned_alloc(unit, (size + unit - 1) / unit * unit));
}

}  // namespace

uint64_t heap_bytes() {
  // Who gives back what another thread has not reported yet may be first.
  return static_cast<uint64_t>(
      std::max<int64_t>(0, reported_bytes.load(std::memory_order_relaxed)));
}

void* heap_calloc(size_t count, size_t size) {
  void* const memory = std::calloc(count, size);
  if (memory != nullptr) base::count(weight_of(memory));
  return memory;
}

void heap_free(void* memory) {
  if (memory == nullptr) return;
  count(-weight_of(memory));
  std::free(memory);
}

}  // namespace base

// All of them: a sanitizer has its own for those that are left out, and they would not match.
void* operator new(size_t size) {
  return base::take(size);
}
void* operator new[](size_t size) {
  return base::take(size);
}
void* operator new(size_t size, const std::nothrow_t& /*tag*/) noexcept {
  return base::take(size);
}
void* operator new[](size_t size, const std::nothrow_t& /*tag*/) noexcept {
  return base::take(size);
}
void* operator new(size_t size, std::align_val_t alignment) {
  return base::take(size, alignment);
}
void* operator new[](size_t size, std::align_val_t alignment) {
  return base::take(size, alignment);
}
void* operator new(size_t size,
                   std::align_val_t alignment,
                   const std::nothrow_t& /*tag*/) noexcept {
  return base::take(size, alignment);
}
void* operator new[](size_t size,
                     std::align_val_t alignment,
                     const std::nothrow_t& /*tag*/) noexcept {
  return base::take(size, alignment);
}

void operator delete(void* memory) noexcept {
  base::heap_free(memory);
}
void operator delete[](void* memory) noexcept {
  base::heap_free(memory);
}
void operator delete(void* memory, size_t /*size*/) noexcept {
  base::heap_free(memory);
}
void operator delete[](void* memory, size_t /*size*/) noexcept {
  base::heap_free(memory);
}
void operator delete(void* memory, const std::nothrow_t& /*tag*/) noexcept {
  base::heap_free(memory);
}
void operator delete[](void* memory, const std::nothrow_t& /*tag*/) noexcept {
  base::heap_free(memory);
}
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept {
  base::heap_free(memory);
}
void operator delete[](void* memory, std::align_val_t /*alignment*/) noexcept {
  base::heap_free(memory);
}
void operator delete(void* memory, size_t /*size*/, std::align_val_t /*alignment*/) noexcept {
  base::heap_free(memory);
}
void operator delete[](void* memory, size_t /*size*/, std::align_val_t /*alignment*/) noexcept {
  base::heap_free(memory);
}
void operator delete(void* memory,
                     std::align_val_t /*alignment*/,
                     const std::nothrow_t& /*tag*/) noexcept {
  base::heap_free(memory);
}
void operator delete[](void* memory,
                       std::align_val_t /*alignment*/,
                       const std::nothrow_t& /*tag*/) noexcept {
  base::heap_free(memory);
}
