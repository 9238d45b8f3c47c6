#pragma once

// From many threads to one, in order, without locks: finished requests on their way to the ledger.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "ledger/records.h"

namespace ledger {

// Resource. Bounded: a cell is taken, filled and emptied in turns, each of which is a number of its
// own, so that nobody waits for anybody.
class RecordQueue {
 public:
  static constexpr size_t records_max = 1024;

  // Any thread. False where it is full.
  [[nodiscard]] bool push(const UsageRecord& record) {
    uint64_t place = end_.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = (*cells_)[place % records_max];
      const uint64_t turn = cell.turn.load(std::memory_order_acquire);
      if (turn == emptied(place)) {
        if (!end_.compare_exchange_weak(place, place + 1, std::memory_order_relaxed)) continue;
        cell.record = record;
        cell.turn.store(filled(place), std::memory_order_release);
        return true;
      }
      if (turn < emptied(place)) return false;
      place = end_.load(std::memory_order_relaxed);
    }
  }

  // One thread at a time. False where there is none.
  [[nodiscard]] bool pop(UsageRecord& record) {
    const uint64_t place = begin_.load(std::memory_order_relaxed);
    Cell& cell = (*cells_)[place % records_max];
    if (cell.turn.load(std::memory_order_acquire) != filled(place)) return false;
    record = cell.record;
    cell.turn.store(filled(place) + 1, std::memory_order_release);
    begin_.store(place + 1, std::memory_order_relaxed);
    return true;
  }

  // Any thread; how many there are, roughly.
  [[nodiscard]] size_t size() const {
    const uint64_t begin = begin_.load(std::memory_order_relaxed);
    const uint64_t end = end_.load(std::memory_order_relaxed);
    return end > begin ? static_cast<size_t>(end - begin) : 0;
  }

 private:
  struct Cell {
    std::atomic<uint64_t> turn{0};
    UsageRecord record;
  };
  // Twice the round, and one more while it is full.
  static constexpr uint64_t emptied(uint64_t place) { return place / records_max * 2; }
  static constexpr uint64_t filled(uint64_t place) { return emptied(place) + 1; }

  std::unique_ptr<std::array<Cell, records_max>> cells_ =
      std::make_unique<std::array<Cell, records_max>>();
  alignas(64) std::atomic<uint64_t> end_{0};
  alignas(64) std::atomic<uint64_t> begin_{0};
};

}  // namespace ledger
