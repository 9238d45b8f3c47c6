#pragma once

// Where a schedule's decisions come from: a seed, or the bytes of a fuzzer's input.

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <span>

namespace sim {

// Value-like source of decisions, one per world. A fuzzer's bytes are used up first, so that
// changing one of them changes one decision; a generator goes on from there.
class Chance {
 public:
  explicit Chance(uint64_t seed) : random_(seed) {}
  Chance(uint64_t seed, std::span<const uint8_t> input) : input_(input), random_(seed) {}

  // 0 ≤ result < bound.
  uint64_t below(uint64_t bound) {
    if (input_.empty()) return random_() % bound;
    uint64_t value = 0;
    for (uint64_t reach = 1; reach < bound && !input_.empty(); reach <<= 8) {
      value = value << 8 | input_.front();
      input_ = input_.subspan(1);
    }
    return value % bound;
  }

  // low ≤ result ≤ high.
  uint64_t between(uint64_t low, uint64_t high) { return low + below(high - low + 1); }

  // True once in `n` times.
  bool one_in(uint64_t n) { return below(n) == 0; }

  template <class T>
  T pick(std::initializer_list<T> values) {
    return values.begin()[below(values.size())];
  }

 private:
  std::span<const uint8_t> input_;
  std::mt19937_64 random_;
};

}  // namespace sim
