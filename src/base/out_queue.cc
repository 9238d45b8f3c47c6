#include "base/out_queue.h"

#include <algorithm>
#include <cstring>
#include <malloc.h>
#include <utility>

#include "base/check.h"

namespace base {

BlockPool::~BlockPool() {
  CHECK(in_use_ == 0);
  while (free_ != nullptr)
    delete std::exchange(free_, free_->next);
}

BlockPool::Block* BlockPool::take() {
  Block* block = free_;
  if (block != nullptr) {
    free_ = block->next;
    --kept_;
  } else {
    block = new Block;
  }
  block->next = nullptr;
  block->begin = block->end = 0;
  in_use_peak_ = std::max(in_use_peak_, ++in_use_);
  return block;
}

void BlockPool::give_back(Block* block) {
  --in_use_;
  if (kept_ >= kept_max_) {
    delete block;
    if (in_use_peak_ >= crowd_blocks && in_use_ <= in_use_peak_ / 4) {
      in_use_peak_ = in_use_;
      malloc_trim(0);
    }
    return;
  }
  block->next = std::exchange(free_, block);
  ++kept_;
}

void OutQueue::append(Bytes bytes) {
  size_ += bytes.size();
  while (!bytes.empty()) {
    if (last_ == nullptr || last_->end == BlockPool::block_bytes) {
      BlockPool::Block* block = pool_.take();
      (last_ == nullptr ? first_ : last_->next) = block;
      last_ = block;
    }
    const size_t count = std::min(bytes.size(), BlockPool::block_bytes - last_->end);
    std::memcpy(last_->data + last_->end, bytes.data(), count);
    last_->end += count;
    bytes = bytes.subspan(count);
  }
}

size_t OutQueue::front(std::span<Bytes> pieces) const {
  size_t count = 0;
  for (BlockPool::Block* block = first_; block != nullptr && count < pieces.size();
       block = block->next) {
    pieces[count++] = Bytes{block->data + block->begin, block->end - block->begin};
  }
  return count;
}

void OutQueue::drop(size_t count) {
  CHECK(count <= size_);
  size_ -= count;
  while (count > 0) {
    const size_t here = std::min(count, first_->end - first_->begin);
    first_->begin += here;
    count -= here;
    if (first_->begin < first_->end) break;
    BlockPool::Block* next = first_->next;
    pool_.give_back(first_);
    first_ = next;
    if (first_ == nullptr) last_ = nullptr;
  }
}

void OutQueue::clear() {
  drop(size_);
}

}  // namespace base
