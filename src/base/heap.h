#pragma once

// How much of the heap the process holds. Counted where it is taken, so that no buffer can be
// forgotten: in operator new and delete, which heap.cc replaces, and in a calloc for C libraries.
// A request that takes nothing from the heap, as most do, is not slowed down.

#include <cstddef>
#include <cstdint>

namespace base {

// Each thread reports in such steps: heap_bytes() may be off by as much per thread.
inline constexpr int64_t heap_step_bytes = 32 * 1024;

// Bytes held, with what the allocator adds to each. Any thread.
[[nodiscard]] uint64_t heap_bytes();

// calloc and free for C libraries that ask for a pair of their own. Any thread.
[[nodiscard]] void* heap_calloc(size_t count, size_t size);
void heap_free(void* memory);

}  // namespace base
