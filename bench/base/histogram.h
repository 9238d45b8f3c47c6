#pragma once

// Latencies with a known error, in the manner of HdrHistogram: log-linear buckets.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bench {

// Value. Any uint64_t is taken; a value read back is at most 0.8 % above the one recorded, and
// exact below 256. Memory is fixed (about 60 KiB) from the first record() on, nothing before. Not
// thread-safe: one per thread, then merge().
class Histogram {
 public:
  // Counts `value` `times` times. A few nanoseconds.
  void record(uint64_t value, uint64_t times = 1) {
    if (times == 0) return;
    if (buckets_.empty()) [[unlikely]] {
      buckets_.resize(bucket_count);
    }
    buckets_[bucket_of(value)] += times;
    count_ += times;
    if (value < min_) min_ = value;
    if (value > max_) max_ = value;
    sum_ += static_cast<double>(value) * static_cast<double>(times);
  }
  // As if all that `other` recorded had been recorded here.
  void merge(const Histogram& other);

  [[nodiscard]] uint64_t count() const { return count_; }
  [[nodiscard]] uint64_t min() const { return count_ == 0 ? 0 : min_; }  // exact
  [[nodiscard]] uint64_t max() const { return max_; }                    // exact
  [[nodiscard]] double mean() const;                                     // as exact as a double
  // The value that `percent` (0..100) of the recorded ones do not exceed; 0 when there are none.
  // 0 and 100 are min() and max().
  [[nodiscard]] uint64_t percentile(double percent) const;
  // How many of the recorded values exceed `value`, to the histogram's precision.
  [[nodiscard]] uint64_t count_above(uint64_t value) const;

 private:
  // Each power of two is cut into 2^7 buckets: their width is at most 1/128 of their values.
  static constexpr unsigned cut_bits = 7;
  static constexpr size_t cuts = size_t{1} << cut_bits;
  static constexpr size_t bucket_count = (64 - cut_bits + 1) * cuts;

  static constexpr size_t bucket_of(uint64_t value) {
    if (value < cuts) return static_cast<size_t>(value);
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - 1 - cut_bits;
    return shift * cuts + static_cast<size_t>(value >> shift);  // value >> shift is 128..255
  }
  static constexpr uint64_t highest_in(size_t bucket) {
    if (bucket < 2 * cuts) return bucket;
    const size_t shift = bucket / cuts - 1;
    const uint64_t lowest = uint64_t{cuts + bucket % cuts} << shift;
    return lowest + ((uint64_t{1} << shift) - 1);
  }

  std::vector<uint64_t> buckets_;
  uint64_t count_ = 0;
  uint64_t min_ = UINT64_MAX;
  uint64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace bench
