#pragma once

// Threads that meet before each round, so that what they do in it really is at once.

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace test {

// Calls work(round) on each of `threads` threads, for each of `rounds` rounds; none begins a round
// before all have ended the former.
template <class Work>
void at_once(size_t threads, size_t rounds, const Work& work) {
  std::atomic<size_t> arrived{0};
  std::vector<std::thread> workers;
  for (size_t worker = 0; worker < threads; ++worker) {
    workers.emplace_back([&] {
      for (size_t round = 0; round < rounds; ++round) {
        arrived.fetch_add(1);
        // They turn on the spot, since waking up takes longer than a round; but not for ever, where
        // there are fewer processors than threads.
        for (int turns = 0; arrived.load() < (round + 1) * threads; ++turns) {
          if (turns > 1000) std::this_thread::yield();
        }
        work(round);
      }
    });
  }
  for (auto& worker : workers)
    worker.join();
}

}  // namespace test
