// The service that looks names up, against name servers of the test: who is asked, what is kept.

#include <chrono>
#include <condition_variable>
#include <fstream>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <uv.h>

#include "net/name_service.h"
#include "support/files.h"
#include "support/name_server.h"

using Hosts = std::vector<std::string>;
using test::NameRecord;

namespace {

// A machine whose files and name servers are the test's.
struct Machine {
  explicit Machine(const net::NameTimes& lasting = {}) : times(lasting) { write_hosts(""); }

  void write_hosts(const std::string& text) const { std::ofstream(folder / "hosts") << text; }
  void write_conf(const std::string& text) const { std::ofstream(folder / "resolv") << text; }

  net::NameService& service() {
    if (!running) {
      running.emplace(net::NameFiles{folder / "hosts", folder / "resolv", first.port()}, times);
    }
    return *running;
  }

  struct Waiting {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<net::NameAnswer> answer;
  };
  std::shared_ptr<Waiting> ask(const std::string& host) {
    auto waiting = std::make_shared<Waiting>();
    service().ask(host, [waiting](const net::NameAnswer& answer) {
      const std::lock_guard lock(waiting->mutex);
      waiting->answer = answer;
      waiting->changed.notify_all();
    });
    return waiting;
  }
  static net::NameAnswer answer_of(Waiting& waiting) {
    std::unique_lock lock(waiting.mutex);
    REQUIRE(waiting.changed.wait_for(
        lock, std::chrono::seconds(30), [&] { return waiting.answer.has_value(); }));
    return *waiting.answer;
  }
  net::NameAnswer look_up(const std::string& host) { return answer_of(*ask(host)); }
  Hosts hosts_of(const std::string& host) { return texts(look_up(host)); }

  static Hosts texts(const net::NameAnswer& answer) {
    Hosts hosts;
    for (const net::Address& address : answer.addresses)
      hosts.push_back(address.host_text());
    return hosts;
  }

  net::NameTimes times;
  test::TemporaryFolder folder;
  test::NameServer first{"127.0.0.3"};
  test::NameServer second{"127.0.0.4", first.port()};
  std::optional<net::NameService> running;
};

constexpr const char* both = "nameserver 127.0.0.3\nnameserver 127.0.0.4\n";
constexpr const char* one = "nameserver 127.0.0.3\n";

}  // namespace

TEST_CASE("names: addresses of both families, and how long they serve") {
  Machine machine;
  machine.write_conf(one);
  machine.first.set("api.test", {.addresses = {"127.0.0.9", "127.0.0.8"}, .ttl_s = 20});
  machine.first.set("six.test", {.addresses = {"2001:db8::6"}, .ttl_s = 0});
  machine.first.set("both.test", {.addresses = {"::1", "127.0.0.1"}, .ttl_s = 86'400});
  const net::NameAnswer api = machine.look_up("API.test");
  CHECK(Machine::texts(api) == Hosts{"127.0.0.9", "127.0.0.8"});
  CHECK(api.fresh_ms == 20'000);
  CHECK(api.is_whole);
  CHECK(machine.first.questions("api.test") == 2);
  CHECK(machine.hosts_of("api.test").size() == 2);  // whoever asks then
  CHECK(machine.first.questions("api.test") == 2);
  const net::NameAnswer six = machine.look_up("six.test");
  CHECK(Machine::texts(six) == Hosts{"2001:db8::6"});
  CHECK(six.fresh_ms == net::NameTimes().fresh_ms_min);
  const net::NameAnswer two = machine.look_up("both.test");
  CHECK(two.addresses.size() == 2);
  CHECK(two.fresh_ms == net::NameTimes().fresh_ms_max);
}

TEST_CASE("names: an alias, many addresses, an answer too long for UDP") {
  Machine machine;
  machine.write_conf(one);
  machine.first.set("alias.test", {.addresses = {"127.0.0.9"}, .ttl_s = 30, .alias = "real.test"});
  Hosts many;
  for (int i = 1; i <= 60; ++i)
    many.push_back("127.0.1." + std::to_string(i));
  machine.first.set("many.test", {.addresses = many, .is_truncated = true});
  CHECK(machine.hosts_of("alias.test") == Hosts{"127.0.0.9"});
  CHECK(machine.hosts_of("many.test") == many);
}

TEST_CASE("names: no lookup for what is no name or stands in the hosts file") {
  Machine machine;
  machine.write_conf(one);
  machine.write_hosts("127.0.0.7 Local.test alias # not.test\n::1 local.test\n\n127.0.0.6\n");
  CHECK(machine.look_up("local.test").addresses.size() == 2);
  CHECK(machine.hosts_of("alias") == Hosts{"127.0.0.7"});
  CHECK(machine.look_up("not.test").error == UV_EAI_NONAME);
  CHECK(machine.hosts_of("127.1") == Hosts{"127.0.0.1"});
  for (const char* name : {"localhost", "LOCALHOST.", "a.localhost"})
    CHECK(machine.look_up(name).addresses.size() == 2);
  CHECK(machine.first.questions("local.test") == 0);
}

TEST_CASE("names: a silent name costs no other name anything") {
  Machine machine;
  machine.write_conf(one);
  machine.first.set("good.test", {.addresses = {"127.0.0.9"}});
  std::vector<std::shared_ptr<Machine::Waiting>> silent;
  for (int i = 0; i < 50; ++i) {
    const std::string name = "dead" + std::to_string(i) + ".test";
    machine.first.set(name, {.addresses = {}, .is_silent = true});
    silent.push_back(machine.ask(name));
  }
  CHECK(machine.hosts_of("good.test") == Hosts{"127.0.0.9"});
  for (const auto& each : silent) {
    const std::lock_guard lock(each->mutex);
    CHECK_FALSE(each->answer.has_value());  // the good one did not wait for them
  }
}

TEST_CASE("names: a first server that is silent is passed over, then avoided") {
  Machine machine;
  machine.write_conf(both);
  machine.first.set_answering(false);
  machine.second.set("good.test", {.addresses = {"127.0.0.9"}});
  machine.second.set("other.test", {.addresses = {"127.0.0.9"}});
  CHECK(machine.hosts_of("good.test") == Hosts{"127.0.0.9"});
  CHECK(machine.hosts_of("other.test") == Hosts{"127.0.0.9"});
  CHECK(machine.first.questions("other.test") == 0);
}

TEST_CASE(
    "names: a server that fails or refuses is followed by the next, that a name is unknown "
    "counts") {
  Machine machine;
  machine.write_conf(both);
  for (const int code : {2, 5}) {
    const std::string name = "code" + std::to_string(code) + ".test";
    machine.first.set(name, {.addresses = {}, .code = code});
    machine.second.set(name, {.addresses = {"127.0.0.9"}});
    CHECK(machine.hosts_of(name) == Hosts{"127.0.0.9"});
  }
  machine.second.set("unknown.test", {.addresses = {"127.0.0.9"}});
  CHECK(machine.look_up("unknown.test").error == UV_EAI_NONAME);
  machine.first.set("empty.test", {.addresses = {}});
  CHECK(machine.look_up("empty.test").error == UV_EAI_NONAME);
  for (test::NameServer* server : {&machine.first, &machine.second})
    server->set("broken.test", {.addresses = {}, .code = 2});
  CHECK(machine.look_up("broken.test").error == UV_EAI_AGAIN);
}

TEST_CASE("names: IPv4 addresses do not wait for a silent question for IPv6 ones") {
  Machine machine({.patience_without_ms = 60'000});
  machine.write_conf(one);
  machine.first.set("four.test", {.addresses = {"127.0.0.9"}, .is_silent_ipv6 = true});
  for (int i = 0; i < 2; ++i) {
    const net::NameAnswer answer = machine.look_up("four.test");
    CHECK(Machine::texts(answer) == Hosts{"127.0.0.9"});
    CHECK_FALSE(answer.is_whole);
  }
}

TEST_CASE("names: search domains, ndots and the dot at the end") {
  Machine machine;
  machine.write_conf(std::string(one) +
                     "domain none.test\nsearch a.test b.test\noptions ndots:2\n");
  machine.first.set("host.b.test", {.addresses = {"127.0.0.9"}});
  machine.first.set("x.y", {.addresses = {"127.0.0.8"}});
  CHECK(machine.hosts_of("host") == Hosts{"127.0.0.9"});
  CHECK(machine.first.questions("host.none.test") == 0);
  CHECK(machine.hosts_of("x.y") == Hosts{"127.0.0.8"});
  CHECK(machine.first.questions("x.y.a.test") == 2);
  CHECK(machine.look_up("host.").error == UV_EAI_NONAME);
}

TEST_CASE("names: a failed lookup keeps the last good answer, for a time") {
  Machine machine({.fresh_ms_min = 1, .fresh_ms_max = 1, .retry_ms = 1, .stale_ms_max = 60'000});
  machine.write_conf(one);
  machine.first.set("api.test", {.addresses = {"127.0.0.9"}});
  CHECK(machine.hosts_of("api.test") == Hosts{"127.0.0.9"});
  machine.first.set("api.test", {.addresses = {}, .code = 2});
  const int before = machine.first.questions("api.test");
  while (machine.first.questions("api.test") == before)
    CHECK(machine.hosts_of("api.test") == Hosts{"127.0.0.9"});
  machine.first.set("api.test", {.addresses = {}, .is_silent = true});
  CHECK(machine.hosts_of("api.test") == Hosts{"127.0.0.9"});  // after patience_ms
}

TEST_CASE("names: an answer too old does not serve") {
  Machine machine({.fresh_ms_min = 1, .fresh_ms_max = 1, .failure_ms = 1, .stale_ms_max = 2});
  machine.write_conf(one);
  machine.first.set("api.test", {.addresses = {"127.0.0.9"}});
  CHECK(machine.hosts_of("api.test") == Hosts{"127.0.0.9"});
  machine.first.set("api.test", {.addresses = {}, .code = 2});
  net::NameAnswer answer;
  for (int i = 0; i < 100'000 && answer.error == 0; ++i)
    answer = machine.look_up("api.test");
  CHECK(answer.error == UV_EAI_AGAIN);
}

TEST_CASE("names: changed files count while running, also for a lookup that waits") {
  Machine machine({.fresh_ms_of_files = 1, .patience_without_ms = 60'000});
  machine.write_conf("nameserver 127.0.0.5\n");  // nobody
  machine.first.set_answering(false);
  machine.write_conf(one);
  machine.second.set("api.test", {.addresses = {"127.0.0.9"}});
  const auto waiting = machine.ask("api.test");
  // Under way at the server that says nothing.
  while (machine.first.questions("api.test") == 0)
    std::this_thread::yield();
  machine.write_conf("nameserver 127.0.0.4\n");
  CHECK(machine.hosts_of("api.test") == Hosts{"127.0.0.9"});
  CHECK(Machine::texts(Machine::answer_of(*waiting)) == Hosts{"127.0.0.9"});
  machine.write_hosts("127.0.0.7 local.test\n");
  CHECK(machine.hosts_of("local.test") == Hosts{"127.0.0.7"});
  machine.write_hosts("127.0.0.8 local.test\n");
  Hosts hosts;
  for (int i = 0; i < 100'000 && hosts != Hosts{"127.0.0.8"}; ++i)
    hosts = machine.hosts_of("local.test");
  CHECK(hosts == Hosts{"127.0.0.8"});
}

TEST_CASE("names: nobody answers, or no file names a server: an error in time") {
  Machine machine({.patience_without_ms = 1});
  SUBCASE("a silent server") {
    machine.write_conf(one);
    machine.first.set_answering(false);
  }
  SUBCASE("nobody there") {
    machine.write_conf("nameserver 127.0.0.5\n");
  }
  SUBCASE("no file") {}
  CHECK(machine.look_up("api.test").error == UV_EAI_AGAIN);
}

TEST_CASE("names: one that cannot be asked for does not exist") {
  Machine machine;
  machine.write_conf(one);
  for (const std::string& name : {std::string(64, 'a') + ".test",
                                  std::string(300, 'a'),
                                  std::string("a..test"),
                                  std::string("..")}) {
    CAPTURE(name);
    CHECK(machine.look_up(name).error != 0);
  }
}
