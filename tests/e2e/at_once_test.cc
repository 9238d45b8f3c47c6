// Limits are exact when many ask at one moment, over several workers. Each round has a client of
// its own, so that all rounds go through one proxy and its connections;
// OPENAI_PROXY_LIMIT_ROUNDS=1000 makes as many rounds.
#include <atomic>
#include <barrier>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "support/proxy_fixture.h"
#include "support/repeat.h"

using test::Message;
using test::Proxy;
using test::RawUpstream;

namespace {

const int rounds = test::repetitions("OPENAI_PROXY_LIMIT_ROUNDS", 20);

std::string token_of(int round) {
  return "oap-of-round-" + std::to_string(round);
}

// Two workers, and a client for each round that `rules` hold for.
std::string clients_with(const std::string& rules) {
  std::string yaml = "workers: 2\nupstreams: { openai: { keys: [sk-k] } }\nclients:\n";
  for (int i = 0; i < rounds; ++i) {
    const std::string name = std::to_string(i);
    yaml += "  c" + name + ": { token: " + token_of(i) + ", " + rules + " }\n";
  }
  return yaml;
}

std::string chat(int round, const std::string& members) {
  return test::post(
      "/v1/chat/completions",
      R"({"model":"gpt-5-mini","messages":[])" + members + "}",
      {{"Authorization", "Bearer " + token_of(round)}, {"Content-Type", "application/json"}});
}

std::string answer(int tokens) {
  return test::message(
      "200 OK",
      {{"Content-Type", "application/json"}},
      R"({"usage":{"prompt_tokens":1,"completion_tokens":)" + std::to_string(tokens - 1) + "}}");
}

// What one round came to.
struct Round {
  int passed = 0;
  std::chrono::steady_clock::duration took = {};
};

// In each round all of `count` connections, which stay, send `request(round)` at one moment;
// `on_status` is told each answer at once, by the thread that had it.
template <class Request, class OnStatus>
std::vector<Round> ask_at_once(const Proxy& proxy, int count, Request request, OnStatus on_status) {
  std::vector<Round> results(static_cast<size_t>(rounds));
  std::atomic<int> passed{0};
  size_t current = 0;
  auto begun = std::chrono::steady_clock::now();
  const auto next_round = [&]() noexcept {
    const auto now = std::chrono::steady_clock::now();
    results[current++] = {passed.exchange(0), now - begun};
    begun = now;
  };
  std::barrier start(count);
  std::barrier end(count, next_round);
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&] {
      test::RawClient client = proxy.client();
      for (int round = 0; round < rounds; ++round) {
        start.arrive_and_wait();
        const int status = client.round_trip(request(round)).status();
        if (status == 200) ++passed;
        on_status(status);
        end.arrive_and_wait();
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  return results;
}

}  // namespace

TEST_CASE("of fifty requests at once exactly as many pass as a rate allows") {
  RawUpstream upstream(test::serve(answer(2)));
  const Proxy proxy(upstream, clients_with("rpm_limit: 10"));
  const auto results = ask_at_once(
      proxy, 50, [](int round) { return chat(round, ""); }, [](int) {});
  for (const Round& round : results) {
    CHECK(round.passed >= 10);
    // One more for each six seconds that a slow machine takes.
    CHECK(round.passed <= 10 + round.took / std::chrono::seconds(6));
  }
}

TEST_CASE("of five requests at once that may each use all tokens of a minute one passes") {
  // Answers come when all five are decided, so that none gives back what another could take.
  std::atomic<int> decided{0};
  std::string members;
  SUBCASE("whose answers nothing bounds") {}
  SUBCASE("whose bound is the larger of two") {
    members = R"(,"max_tokens":1,"max_completion_tokens":90)";
  }
  RawUpstream upstream([&](test::UpstreamConnection& connection) {
    while (connection.read_request()) {
      // The fifth of its round, counted over all rounds.
      const int all = (++decided + 4) / 5 * 5;
      while (decided < all)
        std::this_thread::yield();
      connection.send(answer(30));
    }
  });
  const Proxy proxy(upstream, clients_with("tpm_limit: 100"));
  const auto results = ask_at_once(
      proxy,
      5,
      [&](int round) { return chat(round, members); },
      [&](int status) {
        if (status != 200) ++decided;
      });
  for (const Round& round : results)
    CHECK(round.passed == 1);
}

TEST_CASE("asking for one token at a time does not help: what was used is owed") {
  RawUpstream upstream(test::serve(answer(5'000)));
  const Proxy proxy(upstream, clients_with("tpm_limit: 100"));
  for (int round = 0; round < rounds; ++round) {
    const std::string request = chat(round, R"(,"max_tokens":1)");
    CHECK(proxy.round_trip(request).status() == 200);
    for (int i = 0; i < 3; ++i)
      CHECK(proxy.round_trip(request).status() == 429);
  }
}
