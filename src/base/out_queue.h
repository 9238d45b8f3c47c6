#pragma once

// Owned bytes waiting for a socket: what a slow peer refused, in blocks from the worker's pool.

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"

namespace base {

// Resource, one per worker, outlives every OutQueue on it. Keeps freed blocks for the next use, up
// to `kept_max`; after a crowd of slow sides it has the allocator give the rest back to the system.
// One thread.
class BlockPool {
 public:
  static constexpr size_t block_bytes = 16 * 1024;
  // Blocks in use that make a crowd. It is over when a quarter is left: then, not at each block,
  // memory goes back.
  static constexpr size_t crowd_blocks = 256;

  struct Block {
    Block* next;
    size_t begin;  // of the bytes still to go
    size_t end;
    std::byte data[block_bytes];
  };

  explicit BlockPool(size_t kept_max = 64) : kept_max_(kept_max) {}
  ~BlockPool();
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;
  BlockPool(BlockPool&&) = delete;
  BlockPool& operator=(BlockPool&&) = delete;

  [[nodiscard]] Block* take();
  void give_back(Block* block);

  // Bytes now in queues of this pool: for metrics and the memory bound.
  [[nodiscard]] size_t bytes_in_use() const { return in_use_ * sizeof(Block); }

 private:
  size_t kept_max_;
  size_t kept_ = 0;
  size_t in_use_ = 0;
  size_t in_use_peak_ = 0;  // since memory was last given back
  Block* free_ = nullptr;
};

// Resource. FIFO of bytes. One thread; its pool must outlive it.
class OutQueue {
 public:
  explicit OutQueue(BlockPool& pool) : pool_(pool) {}
  ~OutQueue() { clear(); }
  OutQueue(const OutQueue&) = delete;
  OutQueue& operator=(const OutQueue&) = delete;
  OutQueue(OutQueue&&) = delete;
  OutQueue& operator=(OutQueue&&) = delete;

  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] size_t size() const { return size_; }

  // Copies `bytes` to the end. Never fails.
  void append(Bytes bytes);

  // Up to `pieces.size()` spans of the bytes at the front, in order; returns how many were filled.
  // Valid until the next call of drop() or clear(); append() leaves them valid.
  [[nodiscard]] size_t front(std::span<Bytes> pieces) const;

  // Calls visit(Bytes) on every piece, in order. Valid as long as front()'s.
  template <class Visit>
  void for_each(Visit visit) const {
    for (const BlockPool::Block* block = first_; block != nullptr; block = block->next) {
      visit(Bytes{block->data + block->begin, block->end - block->begin});
    }
  }

  // Forgets the first `count` bytes (≤ size()).
  void drop(size_t count);

  void clear();

 private:
  BlockPool& pool_;
  BlockPool::Block* first_ = nullptr;
  BlockPool::Block* last_ = nullptr;
  size_t size_ = 0;
};

}  // namespace base
