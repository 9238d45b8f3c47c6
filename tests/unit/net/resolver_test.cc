#include "net/resolver.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <uv.h>

#include "fake_dns.h"
#include "recorder.h"

using net_test::FakeDns;
using net_test::run_ready;
using net_test::run_until;

namespace {

// Somebody who asks, and what the answer was.
struct Asker {
  Asker()
      : query(this, [](void* self, std::span<const net::Address> addresses, int error) {
          static_cast<Asker*>(self)->on_answer(addresses, error);
        }) {}

  void on_answer(std::span<const net::Address> addresses, int error) {
    CHECK(addresses.empty() == (error != 0));
    ++answers;
    last_error = error;
    hosts.clear();
    for (const net::Address& address : addresses) {
      CHECK(address.port() == 0);
      hosts.push_back(address.host_text());
    }
    if (then) then();
  }

  void ask(net::Resolver& resolver, std::string_view host) {
    const int before = answers;
    resolver.resolve(host, query);
    CHECK(answers == before);  // never from within
  }

  net::Resolver::Query query;
  int answers = 0;
  int last_error = 0;
  std::vector<std::string> hosts;
  std::function<void()> then;
};

using Hosts = std::vector<std::string>;

void let_pass(net::UvLoop& loop, uint64_t ms) {
  const uint64_t end_ms = loop.now_ms() + ms;
  bool passed = false;
  net::Deadline deadline(
      loop.timers(), &passed, [](void* flag) { *static_cast<bool*>(flag) = true; });
  deadline.set(ms);
  run_until(loop, [&] { return passed; });
  REQUIRE(loop.now_ms() >= end_ms);
}

}  // namespace

TEST_CASE("literal addresses are answered without a lookup, later") {
  net::UvLoop loop;
  FakeDns dns(loop);
  net::Resolver resolver(loop, dns);
  Asker four;
  Asker six;
  four.ask(resolver, "192.0.2.7");
  six.ask(resolver, "::1");
  loop.end_turn();
  CHECK(four.hosts == Hosts{"192.0.2.7"});
  CHECK(six.hosts == Hosts{"::1"});
  CHECK(resolver.lookups() == 0);
}

TEST_CASE("one lookup serves all who wait, and those who come while it is fresh") {
  net::UvLoop loop;
  FakeDns dns(loop);
  net::Resolver resolver(loop, dns);
  Asker first;
  Asker second;
  Asker other;
  auto gone = std::make_unique<Asker>();
  first.ask(resolver, "api.test");
  gone->ask(resolver, "api.test");
  second.ask(resolver, "api.test");
  other.ask(resolver, "other.test");
  gone.reset();
  loop.end_turn();
  CHECK(first.answers == 0);
  REQUIRE(dns.asked.size() == 2);
  CHECK(dns.asked[0].host == "api.test");
  dns.answer(0, {"192.0.2.1", "2001:db8::1"});
  CHECK(first.hosts == Hosts{"192.0.2.1", "2001:db8::1"});
  CHECK(second.hosts == first.hosts);
  CHECK(other.answers == 0);
  second.ask(resolver, "api.test");
  loop.end_turn();
  CHECK(second.answers == 2);
  CHECK(resolver.lookups() == 2);
  dns.answer(0, {"192.0.2.9"});
  CHECK(other.hosts == Hosts{"192.0.2.9"});
}

TEST_CASE("a failure is told, remembered for a moment, then asked about again") {
  net::UvLoop loop;
  FakeDns dns(loop);
  net::Resolver resolver(loop, dns, {.failure_ms = 150});
  Asker asker;
  asker.ask(resolver, "gone.test");
  dns.answer(UV_EAI_NONAME);
  CHECK(asker.last_error == UV_EAI_NONAME);
  asker.ask(resolver, "gone.test");
  if (resolver.lookups() == 1) {  // unless the machine took 150 ms for this
    loop.end_turn();
    CHECK(asker.answers == 2);
    CHECK(asker.last_error == UV_EAI_NONAME);
  }
  let_pass(loop, 150);
  asker.query.unlink();
  asker.ask(resolver, "gone.test");
  REQUIRE(dns.asked.size() == 1);
  dns.answer(0, {"192.0.2.1"});
  CHECK(asker.last_error == 0);
}

TEST_CASE("no longer fresh, an answer is asked for again and waited for") {
  net::UvLoop loop;
  FakeDns dns(loop);
  net::Resolver resolver(loop, dns, {.fresh_ms_max = 0, .failure_ms = 60'000});
  Asker asker;
  asker.ask(resolver, "api.test");
  dns.answer(0, {"192.0.2.1"});
  asker.ask(resolver, "api.test");
  loop.end_turn();
  CHECK(asker.answers == 1);
  Asker other;
  other.ask(resolver, "api.test");  // still one lookup at a time
  CHECK(dns.asked.size() == 1);
  dns.answer(0, {"192.0.2.2"});
  CHECK(asker.hosts == Hosts{"192.0.2.2"});
  CHECK(other.hosts == Hosts{"192.0.2.2"});
  asker.ask(resolver, "api.test");
  dns.answer(UV_EAI_FAIL);
  CHECK(asker.hosts == Hosts{"192.0.2.2"});  // the last that worked
}

TEST_CASE("a name that was used lately is asked for as it ages, and its move is seen unasked") {
  net::UvLoop loop;
  FakeDns dns(loop);
  net::Resolver resolver(loop, dns, {.fresh_ms_max = 50});
  Asker asker;
  asker.ask(resolver, "api.test");
  dns.answer(0, {"192.0.2.1"});
  run_until(loop, [&] { return !dns.asked.empty(); });
  CHECK(resolver.changes() == 0);
  dns.answer(0, {"192.0.2.2"});
  CHECK(resolver.changes() == 1);
  CHECK_FALSE(resolver.leads_to("api.test", *net::Address::parse("192.0.2.1", 443)));
  CHECK(resolver.leads_to("api.test", *net::Address::parse("192.0.2.2", 443)));
}

TEST_CASE("an answer too old does not serve") {
  net::UvLoop loop;
  FakeDns dns(loop);
  net::Resolver resolver(loop, dns, {.fresh_ms_max = 0, .stale_ms_max = 100});
  Asker asker;
  asker.ask(resolver, "api.test");
  dns.answer(0, {"192.0.2.1"});
  let_pass(loop, 100);
  asker.ask(resolver, "api.test");
  dns.answer(UV_EAI_FAIL);
  CHECK(asker.last_error == UV_EAI_FAIL);
}

TEST_CASE("the family that worked comes first") {
  net::UvLoop loop;
  FakeDns dns(loop);
  net::Resolver resolver(loop, dns);
  Asker asker;
  asker.ask(resolver, "api.test");
  dns.answer(0, {"2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2"});
  resolver.prefer("api.test", *net::Address::parse("192.0.2.2", 443));
  resolver.prefer("unknown.test", *net::Address::parse("192.0.2.2", 443));
  asker.ask(resolver, "api.test");
  loop.end_turn();
  CHECK(asker.hosts == Hosts{"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"});
}

TEST_CASE("names and addresses are bounded") {
  net::UvLoop loop;
  FakeDns dns(loop);
  net::Resolver resolver(loop, dns);
  Asker asker;
  asker.ask(resolver, "first.test");
  dns.answer(0, Hosts(40, "192.0.2.1"));
  CHECK(asker.hosts.size() == net::Resolver::addresses_max);
  for (size_t i = 0; i < 3 * net::Resolver::names_max; ++i) {
    asker.ask(resolver, std::to_string(i) + ".test");
    dns.answer(0, {"192.0.2.1"});
  }
  // Forgotten long since.
  asker.ask(resolver, "first.test");
  CHECK(dns.asked.size() == 1);
  dns.answer(0, {"192.0.2.1"});
  // All in use: whoever comes then is told to try again.
  std::vector<std::unique_ptr<Asker>> waiting;
  for (size_t i = 0; i < net::Resolver::names_max; ++i) {
    waiting.push_back(std::make_unique<Asker>());
    waiting.back()->ask(resolver, "waiting" + std::to_string(i) + ".test");
  }
  asker.ask(resolver, "late.test");
  loop.end_turn();
  CHECK(asker.last_error == UV_EAI_AGAIN);
  while (!dns.asked.empty())
    dns.answer(0, {"192.0.2.1"});
  for (const auto& each : waiting)
    CHECK(each->answers == 1);
}

TEST_CASE("who is told may ask again") {
  net::UvLoop loop;
  FakeDns dns(loop);
  net::Resolver resolver(loop, dns);
  Asker asker;
  asker.then = [&] {
    if (asker.answers < 3) asker.ask(resolver, "api.test");
  };
  asker.ask(resolver, "api.test");
  dns.answer(0, {"192.0.2.1"});
  loop.end_turn();
  CHECK(asker.answers == 3);
}

TEST_CASE("a resolver may go while a question is out") {
  net::UvLoop loop;
  FakeDns dns(loop);
  auto resolver = std::make_unique<net::Resolver>(loop, dns);
  Asker asker;
  asker.ask(*resolver, "api.test");
  resolver.reset();
  dns.answer(0, {"192.0.2.1"});
  loop.run();
  CHECK(asker.answers == 0);
}

TEST_CASE("a name that moves is noticed by who only goes on using it") {
  net::UvLoop loop;
  FakeDns dns(loop);
  net::Resolver resolver(loop, dns, {.fresh_ms_max = 0, .failure_ms = 50});
  Asker asker;
  const auto address = [](const char* text) {
    return *net::Address::parse(text, 443);
  };
  resolver.refresh("api.test");  // nobody has asked for it yet
  CHECK(dns.asked.empty());
  CHECK(resolver.leads_to("api.test", address("192.0.2.1")));
  asker.ask(resolver, "api.test");
  dns.answer(0, {"192.0.2.1", "192.0.2.2"});
  CHECK(resolver.changes() == 0);
  resolver.refresh("api.test");
  dns.answer(0, {"192.0.2.2", "192.0.2.1"});
  CHECK(resolver.changes() == 0);
  resolver.refresh("api.test");
  dns.answer(UV_EAI_AGAIN);
  CHECK(resolver.changes() == 0);
  CHECK(resolver.leads_to("api.test", address("192.0.2.1")));
  let_pass(loop, 50);
  resolver.refresh("api.test");
  dns.answer(0, {"192.0.2.2", "192.0.2.3"});
  CHECK(resolver.changes() == 1);
  CHECK(!resolver.leads_to("api.test", address("192.0.2.1")));
  CHECK(resolver.leads_to("api.test", address("192.0.2.2")));
  CHECK(resolver.leads_to("192.0.2.9", address("192.0.2.9")));
}
