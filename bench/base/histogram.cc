#include "bench/base/histogram.h"

#include <algorithm>
#include <cmath>

namespace bench {

void Histogram::merge(const Histogram& other) {
  if (other.count_ == 0) return;
  buckets_.resize(bucket_count);
  for (size_t i = 0; i < bucket_count; ++i) {
    buckets_[i] += other.buckets_[i];
  }
  count_ += other.count_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
}

double Histogram::mean() const {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

uint64_t Histogram::percentile(double percent) const {
  if (count_ == 0) return 0;
  if (percent <= 0) return min_;
  if (percent >= 100) return max_;
  // 99.9 % of 1000 is the 999th: rounding of the product must not make it the 1000th.
  constexpr double slack = 1 - 1e-14;
  const double exact_rank = percent / 100 * static_cast<double>(count_) * slack;
  const uint64_t rank =
      std::clamp<uint64_t>(static_cast<uint64_t>(std::ceil(exact_rank)), 1, count_);
  uint64_t seen = 0;
  for (size_t i = 0; i < bucket_count; ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::clamp(highest_in(i), min_, max_);
  }
  return max_;
}

uint64_t Histogram::count_above(uint64_t value) const {
  if (count_ == 0) return 0;
  uint64_t above = 0;
  for (size_t i = bucket_of(value) + 1; i < bucket_count; ++i) {
    above += buckets_[i];
  }
  return above;
}

}  // namespace bench
