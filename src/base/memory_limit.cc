#include "base/memory_limit.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <unistd.h>

#include "base/heap.h"
#include "base/log.h"

namespace base {
namespace {

// Of the process. From smaps_rollup, which counts pages: statm sums per processor, and on a machine
// with many of them is out by megabytes. Not every kernel is built with the former.
uint64_t resident_bytes() {
  uint64_t count = 0;
  if (std::FILE* const file = std::fopen("/proc/self/smaps_rollup", "re")) {
    const int found = std::fscanf(file, "%*[^\n] Rss: %" SCNu64 " kB", &count);
    std::fclose(file);
    if (found == 1) return count * 1024;
  }
  std::FILE* const file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  const int found = std::fscanf(file, "%*u %" SCNu64, &count);
  std::fclose(file);
  return found == 1 ? count * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

uint64_t less(uint64_t from, uint64_t bytes) {
  return from - std::min(from, bytes);
}

}  // namespace

void MemoryLimit::set(uint64_t bytes) {
  if (beside_heap_bytes_ == 0) beside_heap_bytes_ = less(resident_bytes(), heap_bytes());
  limit_ = bytes;
  tight_heap_bytes_ =
      bytes == 0 ? UINT64_MAX : less(bytes / 100 * tight_percent, beside_heap_bytes_);
  heap_bytes_max_ = bytes == 0 ? UINT64_MAX : less(bytes, beside_heap_bytes_);
}

bool MemoryLimit::is_tight() const {
  return heap_bytes() >= tight_heap_bytes_.load(std::memory_order_relaxed);
}

uint64_t MemoryLimit::excess_bytes() const {
  return less(heap_bytes(), heap_bytes_max_.load(std::memory_order_relaxed));
}

uint64_t MemoryLimit::used_bytes() const {
  return heap_bytes() + beside_heap_bytes_.load(std::memory_order_relaxed);
}

bool MemoryLimit::is_refusal_due_to_log(uint64_t now_ms) {
  return is_due_to_log(log_refusal_again_s_, now_ms);
}

bool MemoryLimit::is_cut_due_to_log(uint64_t now_ms) {
  return is_due_to_log(log_cut_again_s_, now_ms);
}

}  // namespace base
