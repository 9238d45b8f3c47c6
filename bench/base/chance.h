#pragma once

// Seeded chance: cheap, and the same on every run.

#include <cstdint>

namespace bench {

// The next number of a sequence (SplitMix64). Any state will do to start with.
[[nodiscard]] constexpr uint64_t next_chance(uint64_t& state) {
  state += 0x9e3779b97f4a7c15U;
  uint64_t mixed = state;
  mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
  return mixed ^ (mixed >> 31U);
}

// A state of its own for the `number`-th of something.
[[nodiscard]] constexpr uint64_t chance_of(uint64_t seed, uint64_t number) {
  uint64_t state = seed;
  uint64_t other = number ^ next_chance(state);
  return next_chance(other);
}

// Uniform 0..1, without 1.
[[nodiscard]] constexpr double fraction_of(uint64_t chance) {
  return static_cast<double>(chance >> 11U) * 0x1.0p-53;
}

}  // namespace bench
