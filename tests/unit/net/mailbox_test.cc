#include "net/mailbox.h"

#include <memory>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "recorder.h"

TEST_CASE("messages of many threads all arrive, each thread's in its order") {
  constexpr int threads = 4;
  constexpr int messages = 5'000;
  net::UvLoop loop;
  net::Mailbox box(loop);
  std::vector<int> seen(threads, 0);
  std::vector<std::thread> posters;
  bool in_order = true;
  for (int t = 0; t < threads; ++t) {
    posters.emplace_back([&, t] {
      for (int i = 0; i < messages; ++i) {
        const bool posted = box.post([&, t, i] {
          in_order = in_order && seen[static_cast<size_t>(t)] == i;
          ++seen[static_cast<size_t>(t)];
        });
        if (!posted) std::abort();
      }
    });
  }
  net_test::run_until(loop, [&] { return seen == std::vector<int>(threads, messages); });
  CHECK(in_order);
  for (std::thread& poster : posters)
    poster.join();
}

TEST_CASE("a message may post another, and run() lasts until the box is closed") {
  net::UvLoop loop;
  net::Mailbox box(loop);
  int got = 0;
  const bool posted = box.post([&] {
    ++got;
    CHECK(box.post([&] {
      ++got;
      box.close();
    }));
  });
  CHECK(posted);
  loop.run();
  CHECK(got == 2);
}

TEST_CASE("after close nothing is called and posting says so") {
  net::UvLoop loop;
  auto box = std::make_unique<net::Mailbox>(loop);
  int got = 0;
  auto held = std::make_shared<int>(0);
  CHECK(box->post([&] {
    ++got;
    box->close();
    CHECK(!box->post([&] { ++got; }));
  }));
  CHECK(box->post([&got, held] { ++got; }));
  CHECK(held.use_count() == 2);
  loop.run();
  CHECK(got == 1);
  CHECK(held.use_count() == 1);
  CHECK(!box->post([&] { ++got; }));
  box.reset();
  loop.run();
  CHECK(got == 1);
}
