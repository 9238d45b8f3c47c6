#include "base/out_queue.h"

#include <array>
#include <cstring>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/sync.h"

using base::BlockPool;
using base::OutQueue;

TEST_CASE("a queue gives back what was put in, in order, through any steps") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  BlockPool pool(4);
  OutQueue queue(pool);
  std::string expected;
  for (int step = 0; step < 2'000; ++step) {
    if (random() % 2 == 0) {
      std::string text(random() % 3 == 0 ? random() % 50'000 : random() % 50, '\0');
      for (char& c : text)
        c = static_cast<char>(random());
      queue.append(base::as_bytes(text));
      expected += text;
    } else {
      const size_t count = random() % (queue.size() + 1);
      queue.drop(count);
      expected.erase(0, count);
    }
    REQUIRE(queue.size() == expected.size());
    REQUIRE(queue.empty() == expected.empty());
    std::array<base::Bytes, 4> pieces;
    const size_t filled = queue.front(pieces);
    std::string front;
    for (size_t i = 0; i < filled; ++i) {
      REQUIRE(!pieces[i].empty());
      front += base::as_text(pieces[i]);
    }
    REQUIRE((front == expected.substr(0, front.size())));
    REQUIRE((filled == pieces.size() || front.size() == expected.size()));
  }
}

TEST_CASE("spans of the front stay valid while more is appended") {
  BlockPool pool;
  OutQueue queue(pool);
  queue.append(base::as_bytes("in flight"));
  base::Bytes front;
  REQUIRE(queue.front({&front, 1}) == 1);
  for (int i = 0; i < 100; ++i)
    queue.append(base::as_bytes(std::string(1'000, 'x')));
  CHECK(base::as_text(front) == "in flight");
}

// Sanitizers keep what is freed. From smaps_rollup: statm is summed per processor, and on a machine
// with many of them is out by megabytes.
TEST_CASE("a crowd's memory goes back to the system, whatever lies between its blocks" *
          doctest::skip(test::sanitized)) {
  const auto resident_bytes = [] {
    std::ifstream file("/proc/self/smaps_rollup");
    std::string word;
    while (file >> word && word != "Rss:")
      continue;
    size_t kib = 0;
    file >> kib;
    REQUIRE(kib > 0);
    return kib * 1024;
  };
  constexpr size_t crowd = 1024;
  BlockPool pool;
  std::vector<BlockPool::Block*> blocks;
  std::vector<std::unique_ptr<std::string>> between;
  for (size_t i = 0; i < crowd; ++i) {
    blocks.push_back(pool.take());
    std::memset(blocks.back()->data, 1, BlockPool::block_bytes);
    between.push_back(std::make_unique<std::string>(100, 'x'));
  }
  const size_t most = resident_bytes();
  for (BlockPool::Block* block : blocks)
    pool.give_back(block);
  CHECK(resident_bytes() < most - crowd / 2 * BlockPool::block_bytes);
}

TEST_CASE("blocks go back to their pool, which keeps a bounded number") {
  BlockPool pool(2);
  {
    OutQueue queue(pool);
    queue.append(base::as_bytes(std::string(10 * BlockPool::block_bytes, 'x')));
    CHECK(pool.bytes_in_use() >= 10 * BlockPool::block_bytes);
    queue.clear();
    CHECK(pool.bytes_in_use() == 0);
    queue.clear();
    queue.append(base::as_bytes("again"));
    CHECK(pool.bytes_in_use() > 0);
  }
  CHECK(pool.bytes_in_use() == 0);
}
