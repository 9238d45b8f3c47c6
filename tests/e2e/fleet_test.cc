// Limits of clients that several proxies share through one Redis: exact together while it serves,
// each proxy's own while it does not.
#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "support/program.h"
#include "support/proxy_fixture.h"
#include "support/redis_server.h"
#include "support/sync.h"

using test::get;
using test::Message;
using test::post;
using test::Program;
using test::Proxy;
using test::RawUpstream;
using test::RedisServer;

namespace {

const std::string ok = test::message("200 OK", {{"Content-Type", "application/json"}}, "{}");
const test::Fields alice = {{"Authorization", "Bearer oap-alice"}};
const std::string models = get("/v1/models", alice);
const std::string leases = "openai-proxy:{alice}:leases";

// Machines that test are busy: where the answer matters it may take its time.
constexpr const char* patient = "10s";

std::string fleet(const std::string& url,
                  const std::string& rules,
                  const std::string& timeout = patient) {
  return "upstreams: { openai: { keys: [sk-the-servers-own] } }\n"
         "clients: { alice: { token: oap-alice, " +
         rules + " } }\nredis: { url: '" + url + "', timeout: " + timeout + " }\n";
}

std::string usage_of(int in, int out) {
  return test::message("200 OK",
                       {{"Content-Type", "application/json"}},
                       R"({"model":"gpt-5-mini","usage":{"prompt_tokens":)" + std::to_string(in) +
                           R"(,"completion_tokens":)" + std::to_string(out) + "}}");
}

std::string chat(int max_tokens) {
  test::Fields fields = alice;
  fields.emplace_back("Content-Type", "application/json");
  return post(
      "/v1/chat/completions",
      R"({"model":"gpt-5-mini","messages":[],"max_tokens":)" + std::to_string(max_tokens) + "}",
      fields);
}

// How many of `count` requests at once, spread over `proxies`, are let pass.
int passed(const std::vector<const Proxy*>& proxies, int count, const std::string& request) {
  std::atomic<int> passed{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < count; ++i) {
    const Proxy& proxy = *proxies[static_cast<size_t>(i) % proxies.size()];
    clients.emplace_back([&] {
      if (proxy.round_trip(request).status() == 200) ++passed;
    });
  }
  for (std::thread& client : clients)
    client.join();
  return passed;
}

// An event stream that goes on until it is let end.
struct Streams {
  std::atomic<bool> may_end{false};
  void operator()(test::UpstreamConnection& connection) {
    while (connection.read_request()) {
      connection.send(
          "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: "
          "chunked\r\n\r\n9\r\ndata: 1\n\n\r\n");
      while (!may_end)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      connection.send("0\r\n\r\n");
    }
  }
};

// A program that serves a fleet's part, and its log.
struct Member {
  Member(const RawUpstream& upstream, const std::string& yaml) {
    const std::string file = folder / "proxy.yaml";
    test::write_file(
        file,
        "listen: 127.0.0.1:0\nworkers: 1\nadmin: { listen: off }\nlog: { access: off }\n" + yaml);
    program.emplace(folder,
                    std::vector<std::string>{"--config", file, "--upstream", upstream.url()});
  }
  [[nodiscard]] int status(const std::string& request = models) const {
    return test::client_of(program->port()).round_trip(request).status();
  }

  test::TemporaryFolder folder;
  std::optional<Program> program;
};

}  // namespace

TEST_CASE("a rate is exact over proxies, their workers and connections") {
  if (!RedisServer::is_installed()) return;
  const RedisServer redis;
  RawUpstream upstream(test::serve(ok));
  const std::string yaml = fleet(redis.url(), "rpm_limit: 10") + "workers: 2\n";
  const Proxy one(upstream, yaml);
  const Proxy two(upstream, yaml);
  const auto begun = std::chrono::steady_clock::now();
  const int all = passed({&one, &two}, 60, models);
  const auto lasted = std::chrono::steady_clock::now() - begun;
  // One more for each six seconds that it took.
  CHECK(all >= 10);
  CHECK(all <= 10 + lasted / std::chrono::seconds(6));
  const Message refused = two.round_trip(models);
  CHECK(refused.status() == 429);
  CHECK(test::api_error(refused).message.find("alice has reached its limit rpm_limit") == 0);
  CHECK(std::stoi(refused.value("retry-after-ms")) > 0);
}

TEST_CASE("every kind of limit is shared, whatever its numbers") {
  if (!RedisServer::is_installed()) return;
  struct Case {
    const char* rules;
    int passes;
  };
  const Case cases[] = {{"rpm_limit: 3", 3},
                        {"rpm_limit: 1", 1},
                        {"limits: [{ requests: 5, per: day }]", 5},
                        {"limits: [{ requests: 5, per: 5h }]", 5},
                        {"rpm_limit: 9, limits: [{ requests: 4, per: month }]", 4},
                        {"rpm_limit: 100G", 12}};
  RawUpstream upstream(test::serve(ok));
  for (const Case& each : cases) {
    std::string rules = each.rules;
    if (rules == "rpm_limit: 100G") rules = "rpm_limit: 100000M";
    CAPTURE(rules);
    const RedisServer redis;
    const Proxy one(upstream, fleet(redis.url(), rules));
    const Proxy two(upstream, fleet("unix:" + redis.socket(), rules));
    CHECK(passed({&one, &two}, 12, models) == each.passes);
  }
}

TEST_CASE("all limits of a request are taken, or none") {
  if (!RedisServer::is_installed()) return;
  const RedisServer redis;
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream,
                    fleet(redis.url(), "rpm_limit: 2, limits: [{ requests: 50, per: 5h }]"));
  CHECK(passed({&proxy}, 20, models) == 2);
  CHECK(redis.number({"HGET", "openai-proxy:{alice}:requests/5h", "used"}) == 2);
  test::eventually("no lease is left", [&] { return redis.number({"ZCARD", leases}) == 0; });
}

TEST_CASE("the answer tells the fleet's standing, not the proxy's") {
  if (!RedisServer::is_installed()) return;
  const RedisServer redis;
  RawUpstream upstream(test::serve(ok));
  const Proxy one(upstream, fleet(redis.url(), "rpm_limit: 5"));
  const Proxy two(upstream, fleet(redis.url(), "rpm_limit: 5"));
  CHECK(one.round_trip(models).value("x-ratelimit-remaining-requests") == "4");
  CHECK(two.round_trip(models).value("x-ratelimit-remaining-requests") == "3");
  CHECK(one.round_trip(models).value("x-ratelimit-limit-requests") == "5");
  CHECK(passed({&one}, 4, models) == 2);
  const Message refused = two.round_trip(models);
  CHECK(refused.status() == 429);
  CHECK(refused.value("x-ratelimit-remaining-requests") == "0");
}

TEST_CASE("a client that asks about itself hears of the fleet; without it, of the proxy") {
  if (!RedisServer::is_installed()) return;
  RedisServer redis;
  RawUpstream upstream(test::serve(usage_of(10, 20)));
  const std::string yaml = fleet(
      redis.url(),
      "rpm_limit: 5, tpm_limit: 100000, max_parallel_requests: 3, max_budget: 1.00, limits: [{ "
      "requests: 9, per: 5h }]");
  const Proxy one(upstream, yaml);
  const Proxy two(upstream, yaml);
  CHECK(one.round_trip(chat(5)).status() == 200);
  CHECK(one.round_trip(chat(5)).status() == 200);
  test::eventually("it is settled", [&] { return redis.number({"ZCARD", leases}) == 0; });
  const Message mine = two.round_trip(get("/_proxy/me", alice));
  CHECK(mine.status() == 200);
  const auto has = [](const Message& message, std::string_view text) {
    CAPTURE(message.body);
    CHECK(message.body.find(text) != std::string::npos);
  };
  has(mine, R"("name":"rpm_limit","limit":5,"used":2)");
  has(mine, R"("name":"tpm_limit","limit":100000,"used":)");
  has(mine, R"("name":"max_parallel_requests","limit":3,"used":0)");
  has(mine, R"("name":"requests/5h","limit":9,"used":2,"remaining":7,"resets_in":")");
  has(mine, R"("name":"max_budget","limit":"1.00","used":"0.0)");
  CHECK(redis.number({"ZCARD", leases}) == 0);
  redis.stop();
  has(two.round_trip(get("/_proxy/me", alice)), R"("name":"requests/5h","limit":9,"used":0)");
}

TEST_CASE("what was reserved and not used is given back to all proxies") {
  if (!RedisServer::is_installed()) return;
  const RedisServer redis;
  RawUpstream upstream(test::serve(usage_of(10, 20)));
  const std::string yaml = fleet(redis.url(), "limits: [{ tokens: 1000, per: day }]");
  const Proxy one(upstream, yaml);
  const Proxy two(upstream, yaml);
  const std::string keys = redis.ask({"KEYS", "*tokens/day*"});
  CHECK(keys == "*0\r\n");
  for (int i = 1; i <= 6; ++i) {
    CHECK((i % 2 == 0 ? one : two).round_trip(chat(500)).status() == 200);
    const std::string found = redis.ask({"KEYS", "*tokens/day*"});
    const std::string key =
        found.substr(found.find("openai-proxy"), found.rfind("\r\n") - found.find("openai-proxy"));
    test::eventually("thirty of it are used each time", [&] {
      return redis.number({"HGET", key, "used"}) == 30 * i;
    });
  }
}

TEST_CASE("a limit of tokens holds for a stream of debts, over proxies") {
  if (!RedisServer::is_installed()) return;
  const RedisServer redis;
  RawUpstream upstream(test::serve(usage_of(10, 5'000)));
  const Proxy one(upstream, fleet(redis.url(), "tpm_limit: 1000"));
  const Proxy two(upstream, fleet(redis.url(), "tpm_limit: 1000"));
  CHECK(one.round_trip(chat(1)).status() == 200);
  test::eventually("it is settled", [&] { return redis.number({"ZCARD", leases}) == 0; });
  CHECK(two.round_trip(chat(1)).status() == 429);
}

TEST_CASE("a budget is one for the fleet") {
  if (!RedisServer::is_installed()) return;
  const RedisServer redis;
  RawUpstream upstream(test::serve(usage_of(1'000'000, 1'000'000)));
  const Proxy one(upstream, fleet(redis.url(), "max_budget: 1.00"));
  const Proxy two(upstream, fleet(redis.url(), "max_budget: 1.00"));
  CHECK(one.round_trip(chat(1)).status() == 200);
  test::eventually("it is settled", [&] { return redis.number({"ZCARD", leases}) == 0; });
  CHECK(test::api_error(two.round_trip(chat(1))).code == "insufficient_quota");
}

TEST_CASE("a failure gives everything back to the fleet") {
  if (!RedisServer::is_installed()) return;
  const RedisServer redis;
  RawUpstream upstream(test::serve(test::message("500 Oops", {}, "no")));
  const Proxy proxy(upstream, fleet(redis.url(), "limits: [{ requests: 2, per: 5h }]"));
  for (int i = 0; i < 5; ++i) {
    CHECK(proxy.round_trip(models).status() == 500);
    test::eventually("it is settled", [&] {
      return redis.number({"HGET", "openai-proxy:{alice}:requests/5h", "used"}) == 0;
    });
  }
}

TEST_CASE("a slot is held in the fleet to the end of its stream") {
  if (!RedisServer::is_installed()) return;
  const RedisServer redis;
  Streams streams;
  RawUpstream upstream(std::ref(streams));
  const Proxy one(upstream, fleet(redis.url(), "max_parallel_requests: 1"));
  const Proxy two(upstream, fleet(redis.url(), "max_parallel_requests: 1"));
  test::RawClient streaming = one.client();
  streaming.send(get("/v1/stream", alice));
  CHECK(streaming.read_response_head().status() == 200);
  CHECK(two.round_trip(models).status() == 429);
  streams.may_end = true;
  test::eventually("it has ended", [&] { return two.round_trip(models).status() == 200; });
}

TEST_CASE("requests that wait for their turn get it from the fleet") {
  if (!RedisServer::is_installed()) return;
  const RedisServer redis;
  Streams streams;
  RawUpstream upstream(std::ref(streams));
  const std::string yaml =
      fleet(redis.url(), "max_parallel_requests: 1, queue: { max: 5, timeout: 20s }");
  const Proxy one(upstream, yaml);
  const Proxy two(upstream, yaml);
  test::RawClient streaming = one.client();
  streaming.send(get("/v1/stream", alice));
  CHECK(streaming.read_response_head().status() == 200);
  test::RawClient waiting = two.client();
  waiting.send(get("/v1/stream", alice));
  CHECK(waiting.silent_for(std::chrono::milliseconds(150)));
  streams.may_end = true;
  CHECK(waiting.read_response_head().status() == 200);
}

TEST_CASE("a proxy that dies holds its slots as long as their leases") {
  if (!RedisServer::is_installed()) return;
  const RedisServer redis;
  Streams streams;
  RawUpstream upstream(std::ref(streams));
  const std::string yaml = fleet(redis.url(), "max_parallel_requests: 1");
  const Proxy other(upstream, yaml);
  {
    Member killed(upstream, yaml);
    test::RawClient streaming = test::client_of(killed.program->port());
    streaming.send(get("/v1/stream", alice));
    CHECK(streaming.read_response_head().status() == 200);
    killed.program->signal(SIGKILL);
    CHECK(killed.program->wait() == -1);
  }
  CHECK(other.round_trip(models).status() == 429);
  const std::string held = redis.ask({"ZRANGE", leases, "0", "0", "WITHSCORES"});
  // *2 $n id $13 score
  const size_t id = held.find("\r\n", 4) + 2;
  const std::string member = held.substr(id, held.find("\r\n", id) - id);
  const int64_t until_ms = redis.number({"ZSCORE", leases, member});
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const int64_t now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  CHECK(until_ms <= now_ms + 30'000);
  // As if that time had passed.
  CHECK(redis.ask({"ZADD", leases, std::to_string(now_ms - 1), member}) == ":0\r\n");
  streams.may_end = true;
  CHECK(other.round_trip(models).status() == 200);
}

TEST_CASE("a Redis that has forgotten the scripts is told them again") {
  if (!RedisServer::is_installed()) return;
  const RedisServer redis;
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, fleet(redis.url(), "rpm_limit: 3"));
  CHECK(proxy.round_trip(models).status() == 200);
  CHECK(redis.ask({"SCRIPT", "FLUSH"}) == "+OK\r\n");
  CHECK(passed({&proxy}, 10, models) == 2);
  test::eventually("no lease is left", [&] { return redis.number({"ZCARD", leases}) == 0; });
}

TEST_CASE("while Redis is away each proxy's own limits hold, and the fleet's when it is back") {
  if (!RedisServer::is_installed()) return;
  RedisServer redis;
  RawUpstream upstream(test::serve(ok));
  const Member one(upstream, fleet(redis.url(), "limits: [{ requests: 4, per: 5h }]"));
  const Proxy two(upstream, fleet(redis.url(), "limits: [{ requests: 4, per: 5h }]"));
  CHECK(one.status() == 200);
  CHECK(two.round_trip(models).status() == 200);
  redis.stop();
  // Its own limit lets three more pass at each.
  CHECK(passed({&two}, 10, models) == 3);
  CHECK(one.status() == 200);
  one.program->wait_for_error("redis at 127.0.0.1:" + std::to_string(redis.port()));
  one.program->wait_for_error("until it serves, each proxy counts by itself");
  redis.start();
  // What passed without it is told to it, and the first of those back is the last there is.
  const std::string key = "openai-proxy:{alice}:requests/5h";
  test::eventually("what was used is told", [&] {
    return redis.number({"HGET", key, "used"}) == 4;
  });
  CHECK(one.status() == 429);
  CHECK(two.round_trip(models).status() == 429);
  one.program->wait_for_error("is back: clients' limits are shared again");
}

TEST_CASE("a Redis that hangs costs a request its deadline, and the next ones nothing") {
  if (!RedisServer::is_installed()) return;
  RedisServer redis;
  RawUpstream upstream(test::serve(ok));
  const std::string rules = "limits: [{ requests: 100, per: 5h }]";
  const Member one(upstream, fleet(redis.url(), rules, "50ms"));
  CHECK(one.status() == 200);
  redis.freeze();
  for (int i = 0; i < 20; ++i)
    CHECK(one.status() == 200);
  one.program->wait_for_error("does not answer in time");
  redis.thaw();
  // Each is counted once, whether Redis found the question when it woke or was told later.
  const std::string key = "openai-proxy:{alice}:requests/5h";
  test::eventually("all are told", [&] { return redis.number({"HGET", key, "used"}) == 21; });
  test::eventually("no lease is left", [&] { return redis.number({"ZCARD", leases}) == 0; });
  test::eventually("it is asked again", [&] {
    static_cast<void>(one.status());
    return one.program->error().find("is back") != std::string::npos;
  });
}

TEST_CASE("whoever leaves while Redis is asked costs nothing") {
  if (!RedisServer::is_installed()) return;
  RedisServer redis;
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, fleet(redis.url(), "limits: [{ requests: 9, per: 5h }]"));
  CHECK(proxy.round_trip(models).status() == 200);
  redis.freeze();
  {
    test::RawClient leaving = proxy.client();
    leaving.send(models);
    CHECK(leaving.silent_for(std::chrono::milliseconds(100)));
  }
  test::RawClient staying = proxy.client();
  staying.send(models);
  CHECK(staying.silent_for(std::chrono::milliseconds(50)));
  redis.thaw();
  CHECK(staying.read_response().status() == 200);
  const std::string key = "openai-proxy:{alice}:requests/5h";
  test::eventually("it is settled", [&] {
    return redis.number({"HGET", key, "used"}) == 2 && redis.number({"ZCARD", leases}) == 0;
  });
  CHECK(upstream.requests() == 2);
}

TEST_CASE("a Redis that stops and comes back again and again under load loses no request") {
  if (!RedisServer::is_installed()) return;
  RedisServer redis;
  RawUpstream upstream(test::serve(ok));
  const std::string yaml = fleet(redis.url(), "rpm_limit: 1M, max_parallel_requests: 1000", "50ms");
  const Proxy one(upstream, yaml + "workers: 2\n");
  std::atomic<bool> enough{false};
  std::atomic<int> failed{0};
  std::atomic<int> served{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 6; ++i) {
    clients.emplace_back([&] {
      test::RawClient client = one.client();
      while (!enough)
        ++(client.round_trip(models).status() == 200 ? served : failed);
    });
  }
  const auto serve_more = [&] {
    const int before = served;
    test::eventually("requests are served", [&] { return served > before + 50; });
  };
  for (int i = 0; i < 3; ++i) {
    serve_more();
    redis.freeze();
    serve_more();
    redis.thaw();
    serve_more();
    redis.stop();
    serve_more();
    redis.start();
  }
  serve_more();
  enough = true;
  for (std::thread& client : clients)
    client.join();
  CHECK(failed == 0);
  test::eventually("it is shared again, and no lease is left", [&] {
    static_cast<void>(one.round_trip(models));
    return redis.number({"EXISTS", "openai-proxy:{alice}:rates"}) == 1 &&
           redis.number({"ZCARD", leases}) == 0;
  });
}

TEST_CASE("why Redis does not serve is said in words, and requests go on") {
  if (!RedisServer::is_installed()) return;
  struct Case {
    std::vector<std::string> options;
    std::vector<std::string> command;
    const char* login;
    const char* words;
  };
  const Case cases[] = {
      {{"--requirepass", "s3cret"}, {}, "", "wants a password"},
      {{"--requirepass", "s3cret"}, {}, ":wr0ng@", "refuses the user or the password"},
      {{}, {}, ":wr0ng@", "has no password set"},
      {{}, {"CONFIG", "SET", "maxmemory", "1"}, "", "is full"},
      {{}, {"REPLICAOF", "127.0.0.1", "1"}, "", "is a read-only replica"},
  };
  RawUpstream upstream(test::serve(ok));
  for (const Case& each : cases) {
    CAPTURE(each.words);
    const RedisServer redis(each.options);
    if (!each.command.empty()) CHECK(redis.ask(each.command).starts_with("+OK"));
    const std::string url =
        "redis://" + std::string(each.login) + "127.0.0.1:" + std::to_string(redis.port());
    const Member member(upstream, fleet(url, "limits: [{ requests: 2, per: 5h }]"));
    CHECK(member.status() == 200);
    CHECK(member.status() == 200);
    CHECK(member.status() == 429);
    member.program->wait_for_error(each.words);
    CHECK(member.program->error().find("s3cret") == std::string::npos);
    CHECK(member.program->error().find("wr0ng") == std::string::npos);
  }
}

TEST_CASE("a password is used, and shown nowhere") {
  if (!RedisServer::is_installed()) return;
  const RedisServer redis({"--requirepass", "s3cret/x"});
  RawUpstream upstream(test::serve(ok));
  const std::string url = "redis://:s3cret%2Fx@127.0.0.1:" + std::to_string(redis.port()) + "/3";
  const std::string yaml = fleet(url, "rpm_limit: 4");
  const Member one(upstream, yaml);
  const Proxy two(upstream, yaml);
  CHECK(one.status() == 200);
  CHECK(passed({&two}, 10, models) == 3);
  CHECK(one.program->error().find("s3cret") == std::string::npos);
  CHECK(redis.ask({"INFO", "keyspace"}).find("db3:") != std::string::npos);
}

TEST_CASE("what is no Redis is told from one that is") {
  RawUpstream upstream(test::serve(ok));
  RawUpstream other([](test::UpstreamConnection& connection) {
    connection.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    connection.wait_gone();
  });
  const Member member(upstream,
                      fleet("redis://127.0.0.1:" + std::to_string(other.port()), "rpm_limit: 1"));
  CHECK(member.status() == 200);
  CHECK(member.status() == 429);
  member.program->wait_for_error("does not speak Redis' protocol");
}

TEST_CASE("a proxy ends at once, whatever Redis does") {
  if (!RedisServer::is_installed()) return;
  RedisServer redis;
  RawUpstream upstream(test::serve(ok));
  Member member(upstream, fleet(redis.url(), "limits: [{ requests: 9, per: 5h }]"));
  CHECK(member.status() == 200);
  const std::string key = "openai-proxy:{alice}:requests/5h";
  SUBCASE("serving") {}
  SUBCASE("hanging") {
    redis.freeze();
  }
  SUBCASE("gone") {
    redis.stop();
  }
  member.program->signal(SIGTERM);
  CHECK(member.program->wait() == 0);
}

TEST_CASE("a reload takes another Redis, or none") {
  if (!RedisServer::is_installed()) return;
  const RedisServer former;
  const RedisServer next;
  RawUpstream upstream(test::serve(ok));
  const std::string rules = "limits: [{ requests: 9, per: 5h }]";
  Proxy proxy(upstream, fleet(former.url(), rules));
  CHECK(proxy.round_trip(models).status() == 200);
  proxy.reload(upstream.url(), fleet(next.url(), rules));
  const std::vector<std::string> used = {"HGET", "openai-proxy:{alice}:requests/5h", "used"};
  test::eventually("the next one is asked", [&] {
    CHECK(proxy.round_trip(models).status() == 200);
    return next.number(used) > 0;
  });
  proxy.reload(upstream.url(), "clients: { alice: { token: oap-alice } }");
  test::eventually("neither is asked", [&] {
    const int64_t before = next.number(used);
    CHECK(proxy.round_trip(models).status() == 200);
    return next.number(used) == before;
  });
}
