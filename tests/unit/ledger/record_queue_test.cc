#include "ledger/record_queue.h"

#include <thread>
#include <vector>

#include <doctest/doctest.h>

using ledger::RecordQueue;
using ledger::ShortText;
using ledger::UsageRecord;

namespace {

UsageRecord numbered(int64_t number) {
  UsageRecord record;
  record.ended_s = number;
  record.client = "alice";
  return record;
}

}  // namespace

TEST_CASE("records come in order, and no more than there is room for") {
  RecordQueue queue;
  UsageRecord record;
  for (int round = 0; round < 3; ++round) {
    CHECK_FALSE(queue.pop(record));
    int64_t pushed = 0;
    while (queue.push(numbered(pushed)))
      ++pushed;
    CHECK(pushed == RecordQueue::records_max);
    CHECK(queue.size() == RecordQueue::records_max);
    CHECK(queue.pop(record));
    CHECK(record.ended_s == 0);
    CHECK(queue.push(numbered(pushed)));
    for (int64_t i = 1; i <= pushed; ++i) {
      REQUIRE(queue.pop(record));
      if (record.ended_s != i) FAIL(i);
    }
  }
}

TEST_CASE("many threads push, one takes: nothing is lost, doubled or mixed up") {
  RecordQueue queue;
  constexpr int threads = 4;
  constexpr int64_t each = 20'000;
  std::vector<std::thread> workers;
  for (int worker = 0; worker < threads; ++worker) {
    workers.emplace_back([&queue, worker] {
      for (int64_t i = 0; i < each;) {
        if (queue.push(numbered(worker * each + i))) {
          ++i;
        } else {
          std::this_thread::yield();
        }
      }
    });
  }
  std::vector<int64_t> next(threads, 0);
  UsageRecord record;
  for (int64_t taken = 0; taken < threads * each;) {
    if (!queue.pop(record)) {
      std::this_thread::yield();
      continue;
    }
    ++taken;
    int64_t& its_next = next[static_cast<size_t>(record.ended_s / each)];
    if (record.ended_s % each != its_next || record.client.view() != "alice") FAIL(taken);
    ++its_next;
  }
  for (auto& worker : workers)
    worker.join();
  CHECK_FALSE(queue.pop(record));
}

TEST_CASE("short texts are cut between characters") {
  CHECK(ShortText<5>("alice").view() == "alice");
  CHECK(ShortText<5>("alice2").view() == "alice");
  CHECK(ShortText<5>("abc\xe6\x97\xa5").view() == "abc");
  CHECK(ShortText<6>("abc\xe6\x97\xa5").view() == "abc\xe6\x97\xa5");
  CHECK(ShortText<2>("\xe6\x97\xa5").view().empty());
  CHECK(ShortText<5>().view().empty());
}
