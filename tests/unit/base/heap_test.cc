// Every way to take memory is counted, and none twice.
#include "base/heap.h"

#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "support/sync.h"

namespace {

constexpr uint64_t large = 4 << 20;
// What is not reported yet, and what the allocator and the test itself add.
constexpr uint64_t slack = 3 * base::heap_step_bytes;

void check_near(uint64_t bytes, uint64_t wanted) {
  CHECK(bytes + slack >= wanted);
  CHECK(bytes <= wanted + slack);
}

struct alignas(256) Aligned {
  char bytes[large];
};

}  // namespace

TEST_CASE("what is taken is counted until it is given back, whoever takes it") {
  const uint64_t before = base::heap_bytes();
  {
    const auto array = std::make_unique_for_overwrite<char[]>(large);
    check_near(base::heap_bytes(), before + large);
    const std::vector<int> numbers(large / sizeof(int));
    check_near(base::heap_bytes(), before + 2 * large);
    const std::string text(large, 'x');
    check_near(base::heap_bytes(), before + 3 * large);
    const auto aligned = std::make_unique_for_overwrite<Aligned>();
    CHECK(reinterpret_cast<uintptr_t>(aligned.get()) % alignof(Aligned) == 0);
    check_near(base::heap_bytes(), before + 4 * large);
    void* const raw = ::operator new(large, std::nothrow);
    check_near(base::heap_bytes(), before + 5 * large);
    ::operator delete(raw, std::nothrow);
  }
  check_near(base::heap_bytes(), before);
}

TEST_CASE("small pieces add up") {
  const uint64_t before = base::heap_bytes();
  std::vector<std::unique_ptr<char[]>> pieces;
  for (uint64_t i = 0; i < large / 1024; ++i)
    pieces.push_back(std::make_unique_for_overwrite<char[]>(1024));
  CHECK(base::heap_bytes() + slack >= before + large);
  CHECK(base::heap_bytes() <= before + large + large / 10);
  pieces.clear();
  pieces.shrink_to_fit();
  check_near(base::heap_bytes(), before);
}

TEST_CASE("one thread takes, another gives back") {
  const uint64_t before = base::heap_bytes();
  std::unique_ptr<char[]> array;
  std::thread([&] { array = std::make_unique_for_overwrite<char[]>(large); }).join();
  check_near(base::heap_bytes(), before + large);
  std::thread([&] { array.reset(); }).join();
  check_near(base::heap_bytes(), before);
}

TEST_CASE("the pair for C libraries") {
  const uint64_t before = base::heap_bytes();
  auto* const bytes = static_cast<unsigned char*>(base::heap_calloc(large / 4, 4));
  REQUIRE(bytes != nullptr);
  CHECK(bytes[0] == 0);
  CHECK(bytes[large - 1] == 0);
  check_near(base::heap_bytes(), before + large);
  base::heap_free(bytes);
  base::heap_free(nullptr);
  check_near(base::heap_bytes(), before);
  if (test::sanitized) return;  // a sanitizer ends the program here
  volatile size_t too_many = std::numeric_limits<size_t>::max() / 2;
  CHECK(base::heap_calloc(too_many, 4) == nullptr);
}
