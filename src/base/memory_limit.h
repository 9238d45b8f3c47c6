#pragma once

// The memory contract: a limit of what the whole process holds, and how near it is.

#include <atomic>
#include <cstdint>

namespace base {

// Resource, one per process. Any thread, but set(), which is one thread's. What is asked per
// request and per read are two relaxed loads.
//
// Counted is the heap (heap.h), and as a constant what the process had beside it when set() was
// first called: its code, its stacks. Not counted are the kernel's buffers, nor what the allocator
// keeps of memory given back.
class MemoryLimit {
 public:
  // Of the limit: the rest is for what runs.
  static constexpr uint64_t tight_percent = 90;

  // `bytes`; 0: no limit, as before the first call.
  void set(uint64_t bytes);

  // New work must be refused, and what runs gets as little as it can do with.
  [[nodiscard]] bool is_tight() const;
  // How much must go; 0 within the limit.
  [[nodiscard]] uint64_t excess_bytes() const;

  [[nodiscard]] uint64_t used_bytes() const;
  [[nodiscard]] uint64_t limit_bytes() const { return limit_.load(std::memory_order_relaxed); }

  // Whether to log that new work is refused, or that clients are cut: true once a minute each.
  [[nodiscard]] bool is_refusal_due_to_log(uint64_t now_ms);
  [[nodiscard]] bool is_cut_due_to_log(uint64_t now_ms);

 private:
  std::atomic<uint64_t> limit_{0};
  // In bytes of the heap, so that nothing needs adding up.
  std::atomic<uint64_t> tight_heap_bytes_{UINT64_MAX};
  std::atomic<uint64_t> heap_bytes_max_{UINT64_MAX};
  std::atomic<uint64_t> beside_heap_bytes_{0};
  std::atomic<uint64_t> log_refusal_again_s_{0};
  std::atomic<uint64_t> log_cut_again_s_{0};
};

}  // namespace base
