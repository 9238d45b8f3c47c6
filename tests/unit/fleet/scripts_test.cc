// The scripts in a real Redis, at times of the test's own, against what one process would do.
#include "fleet/scripts.h"

#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "fleet/share.h"
#include "policy/rate.h"
#include "policy/window.h"
#include "support/redis_server.h"

using fleet::Script;
using fleet::Share;
using fleet::Told;
using policy::Meters;

namespace {

constexpr int64_t begin_us = 1'795'888'000'123'456;
constexpr int64_t second_us = 1'000'000;

std::string bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

// A fleet's limits as the scripts keep them.
class Scripted {
 public:
  explicit Scripted(const Meters::Limits& limits)
      : meters_(std::make_shared<const Meters>(limits, std::make_shared<const base::TimeZone>())) {}

  [[nodiscard]] Share& take(const policy::Cost& cost, int64_t now_us) {
    shares_.push_back(std::make_unique<Share>());
    Share& share = *shares_.back();
    share.id = "id-" + std::to_string(shares_.size());
    share.prefix = "test:{alice}:";
    share.meters = meters_;
    share.cost = cost;
    const int64_t now_s = now_us / second_us;
    const auto reply =
        run(Script::take, fleet::take_command(share, {Script::take, "sha"}, now_s), now_us);
    REQUIRE(fleet::read_taken(*reply, share, now_s));
    return share;
  }

  void settle(Share& share, const policy::Cost& cost, int64_t now_us, Told told = Told::first) {
    share.came_to = cost;
    share.was_served = true;
    const auto command =
        fleet::settle_command(share, {Script::settle, "sha"}, told, now_us / second_us);
    static_cast<void>(run(Script::settle, command, now_us));
  }

  [[nodiscard]] const test::RedisServer& redis() const { return redis_; }

 private:
  // As if Redis' clock said so.
  [[nodiscard]] std::unique_ptr<fleet::RedisReply> run(Script script,
                                                       const fleet::RedisCommand& command,
                                                       int64_t now_us) const {
    std::string text(fleet::text_of(script));
    const std::string asks = "redis.call('TIME')";
    text.replace(
        text.find(asks),
        asks.size(),
        "{" + std::to_string(now_us / second_us) + "," + std::to_string(now_us % second_us) + "}");
    std::string wire;
    command.append_to(wire);
    const std::string name = bulk("EVALSHA") + bulk("sha");
    wire.replace(wire.find(name), name.size(), bulk("EVAL") + bulk(text));
    fleet::RedisReader reader;
    const std::string answer = redis_.ask_raw(wire);
    reader.feed(base::as_bytes(answer));
    auto reply = reader.next();
    CAPTURE(answer);
    REQUIRE(reply != nullptr);
    REQUIRE_FALSE(reply->is_error());
    return reply;
  }

  test::RedisServer redis_;
  std::shared_ptr<const Meters> meters_;
  std::vector<std::unique_ptr<Share>> shares_;
};

bool is_granted(const Share& share) {
  return share.state == Share::State::granted;
}

}  // namespace

TEST_CASE("a rate in Redis is policy's own, to the microsecond") {
  if (!test::RedisServer::is_installed()) return;
  std::mt19937_64 random(7);
  const auto up_to = [&](int64_t max) {
    return std::uniform_int_distribution<int64_t>(0, max)(random);
  };
  for (const int64_t per_minute : {1, 7, 60, 999'983, 60'000'000}) {
    CAPTURE(per_minute);
    Scripted scripted({.tpm = per_minute});
    policy::Rate rate(per_minute);
    std::vector<std::pair<Share*, policy::Rate::Ticket>> running;
    int64_t now_us = begin_us;
    for (int step = 0; step < 120; ++step) {
      CAPTURE(step);
      now_us += up_to(step % 10 == 0 ? 90'000'000 : 5'000'000);
      if (!running.empty() && up_to(2) == 0) {
        const auto [share, ticket] = running.back();
        running.pop_back();
        const int64_t actual = up_to(2 * per_minute);
        scripted.settle(*share, {.tokens = actual}, now_us);
        rate.settle(ticket, actual, now_us);
        continue;
      }
      const int64_t cost = up_to(per_minute + per_minute / 4);
      Share& share = scripted.take({.tokens = cost}, now_us);
      const policy::Rate::Decision decision = rate.take(cost, now_us);
      REQUIRE(is_granted(share) == decision.is_granted);
      if (decision.is_granted) {
        CHECK(share.tokens.remaining == decision.remaining);
        CHECK(share.tokens.reset_us == decision.reset_us);
        running.emplace_back(&share, decision.ticket);
      } else {
        CHECK(share.met.retry_after_us == decision.retry_after_us);
      }
    }
  }
}

TEST_CASE("a rolling window in Redis is policy's own") {
  if (!test::RedisServer::is_installed()) return;
  constexpr config::Period five_hours{.kind = config::Period::Kind::rolling, .rolling_s = 5 * 3600};
  const base::TimeZone utc;
  std::mt19937_64 random(11);
  const auto up_to = [&](int64_t max) {
    return std::uniform_int_distribution<int64_t>(0, max)(random);
  };
  Scripted scripted({.windows = {{"tokens/5h", Meters::Unit::tokens, 1'000, five_hours}}});
  policy::Window window(1'000, five_hours, utc);
  std::vector<std::pair<Share*, policy::Window::Ticket>> running;
  int64_t now_s = begin_us / second_us;
  for (int step = 0; step < 300; ++step) {
    CAPTURE(step);
    now_s += up_to(2'000);
    if (running.size() > 4 || (!running.empty() && up_to(2) == 0)) {
      const auto [share, ticket] = running.front();
      running.erase(running.begin());
      const int64_t actual = up_to(400);
      scripted.settle(*share, {.tokens = actual}, now_s * second_us);
      window.settle(ticket, actual, now_s);
      continue;
    }
    const int64_t cost = up_to(300);
    Share& share = scripted.take({.tokens = cost}, now_s * second_us);
    const policy::Window::Decision decision = window.reserve(cost, now_s);
    REQUIRE(is_granted(share) == decision.is_granted);
    if (decision.is_granted) {
      CHECK(share.tokens.remaining == decision.remaining);
      CHECK(share.windows_end_s[0] == decision.resets_s);
      running.emplace_back(&share, decision.ticket);
    } else {
      CHECK(share.met.resets_s == decision.resets_s);
    }
  }
}

TEST_CASE("a settlement counts once, however often it is told") {
  if (!test::RedisServer::is_installed()) return;
  Scripted scripted({.windows = {{"tokens/1h",
                                  Meters::Unit::tokens,
                                  1'000,
                                  {.kind = config::Period::Kind::rolling, .rolling_s = 3'600}}}});
  const auto used = [&] {
    return scripted.redis().number({"HGET", "test:{alice}:tokens/1h", "used"});
  };
  Share& share = scripted.take({.tokens = 500}, begin_us);
  CHECK(used() == 500);
  scripted.settle(share, {.tokens = 30}, begin_us);
  CHECK(used() == 30);
  scripted.settle(share, {.tokens = 30}, begin_us, Told::again);
  CHECK(used() == 30);
  // One that nobody asked about is charged as a whole.
  Share& unasked = scripted.take({.tokens = 100}, begin_us);
  CHECK(scripted.redis().ask({"DEL", "test:{alice}:leases"}) == ":1\r\n");
  scripted.settle(unasked, {.tokens = 70}, begin_us);
  CHECK(used() == 200);
}

TEST_CASE("a slot whose lease has run out is free") {
  if (!test::RedisServer::is_installed()) return;
  Scripted scripted({.parallel = 1});
  CHECK(is_granted(scripted.take({}, begin_us)));
  CHECK(scripted.take({}, begin_us + second_us).met.name == "max_parallel_requests");
  CHECK(is_granted(scripted.take({}, begin_us + fleet::lease_ms * 1'000 + 1'000)));
}

TEST_CASE("what is met is named, and nothing of the others is taken") {
  if (!test::RedisServer::is_installed()) return;
  Scripted scripted(
      {.rpm = 10,
       .tpm = 100,
       .windows = {
           {"budget/month", Meters::Unit::budget, 50, {.kind = config::Period::Kind::month}}}});
  CHECK(scripted.take({.tokens = 90, .nano_dollars = 10}, begin_us).requests.remaining == 9);
  CHECK(scripted.take({.tokens = 20, .nano_dollars = 10}, begin_us).met.name == "tpm_limit");
  const Share& over = scripted.take({.tokens = 5, .nano_dollars = 45}, begin_us);
  CHECK(over.met.name == "budget/month");
  CHECK(over.met.is_quota);
  CHECK(scripted.take({.tokens = 5, .nano_dollars = 40}, begin_us).requests.remaining == 8);
}
