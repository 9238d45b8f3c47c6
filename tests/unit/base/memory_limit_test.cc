// How near the limit is, and when that is said.
#include "base/memory_limit.h"

#include <doctest/doctest.h>

#include "support/ballast.h"

namespace {

constexpr uint64_t mebi = 1 << 20;

}  // namespace

TEST_CASE("without a limit nothing is ever tight") {
  base::MemoryLimit memory;
  CHECK_FALSE(memory.is_tight());
  CHECK(memory.excess_bytes() == 0);
  memory.set(0);
  CHECK_FALSE(memory.is_tight());
  CHECK(memory.excess_bytes() == 0);
  CHECK(memory.limit_bytes() == 0);
  CHECK(memory.used_bytes() > 0);  // the program itself
}

TEST_CASE("tight from nine tenths on, in excess beyond it, and well again") {
  base::MemoryLimit memory;
  memory.set(0);
  const uint64_t limit = memory.used_bytes() / mebi * mebi + 100 * mebi;
  memory.set(limit);
  CHECK(memory.limit_bytes() == limit);
  CHECK_FALSE(memory.is_tight());
  const uint64_t tight = limit / 10 * 9 - memory.used_bytes();
  const test::Ballast ballast(tight - mebi);
  CHECK_FALSE(memory.is_tight());
  {
    const test::Ballast more(2 * mebi);
    CHECK(memory.is_tight());
    CHECK(memory.excess_bytes() == 0);
  }
  {
    const test::Ballast more(limit / 10 + 8 * mebi);
    CHECK(memory.excess_bytes() > 6 * mebi);
    CHECK(memory.excess_bytes() < 8 * mebi);
    CHECK(memory.used_bytes() == limit + memory.excess_bytes());
  }
  CHECK(memory.excess_bytes() == 0);
  CHECK_FALSE(memory.is_tight());
  memory.set(mebi);  // less than the program
  CHECK(memory.is_tight());
  memory.set(0);
  CHECK_FALSE(memory.is_tight());
}

TEST_CASE("said once a minute, refusals and cuts apart") {
  base::MemoryLimit memory;
  CHECK(memory.is_refusal_due_to_log(1000));
  CHECK(memory.is_cut_due_to_log(1000));
  CHECK_FALSE(memory.is_refusal_due_to_log(60'000));
  CHECK_FALSE(memory.is_cut_due_to_log(60'000));
  CHECK(memory.is_refusal_due_to_log(61'000));
  CHECK(memory.is_cut_due_to_log(62'000));
}
