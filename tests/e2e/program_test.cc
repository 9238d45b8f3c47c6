// The program itself: flags, exit codes, signals.
#include "support/program.h"

#include <csignal>
#include <filesystem>
#include <unistd.h>

#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Message;
using test::Program;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

std::string configuration(const RawUpstream& upstream, const std::string& access_log) {
  return "listen: '127.0.0.1:0'\nworkers: 2\nadmin: { listen: off }\nupstreams: { openai: { url: "
         "'" +
         upstream.url() + "' } }\nlog: { access: '" + access_log + "' }\n";
}

}  // namespace

TEST_CASE("--help, --version, --check, --print-config") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "proxy.yaml";
  test::write_file(file, "listen: 127.0.0.1:1234\n");
  {
    Program program(folder, {"--help"});
    CHECK(program.wait() == 0);
    CHECK(program.out().find("--config") != std::string::npos);
  }
  {
    Program program(folder, {"--version"});
    CHECK(program.wait() == 0);
    CHECK(program.out().starts_with("openai-proxy "));
  }
  {
    Program program(folder, {"--config", file, "--check"});
    CHECK(program.wait() == 0);
  }
  {
    Program program(folder, {"--config", file, "--print-config", "--log-level", "warning"});
    CHECK(program.wait() == 0);
    CHECK(program.out().find("127.0.0.1:1234") != std::string::npos);
    CHECK(program.out().find("level: warning") != std::string::npos);
  }
}

TEST_CASE("what is wrong with a configuration is said, with its place") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "proxy.yaml";
  test::write_file(file, "listen: 127.0.0.1:0\nupstream: { }\n");
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--config", file, "--check"}, {"--config", file}}) {
    Program program(folder, arguments);
    CHECK(program.wait() != 0);
    CHECK(program.error().find("proxy.yaml:2:1: upstream") != std::string::npos);
    CHECK(program.error().find("upstreams") != std::string::npos);
  }
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--config", folder / "missing.yaml"},
        {"--listen", "nonsense"},
        {"--upstream", "ftp://host"},
        {"--log-level", "loud"},
        {"--no-such-flag"}}) {
    Program program(folder, arguments);
    CHECK(program.wait() != 0);
    CHECK_FALSE(program.error().empty());
  }
}

TEST_CASE("a file that anybody may change is warned of, no other") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "proxy.yaml";
  const std::string authorities = folder / "ca.pem";
  const std::string secret = folder / "secret";
  const std::string certificate = folder / "fullchain.pem";
  const std::string key = folder / "privkey.pem";
  const test::Credentials own = test::trusted_authority().issue();
  test::write_file(certificate, own.certificate_pem);
  test::write_file(key, own.key_pem);
  test::write_file(authorities, test::trusted_authority().certificate_pem());
  test::write_file(secret, "https://127.0.0.1:1\n");
  test::write_file(file,
                   "listen: [{ address: '127.0.0.1:0', tls: { certificate: '" + certificate +
                       "', key: '" + key +
                       "' } }]\nadmin: { listen: off }\nlog: { access: 'off' }\n"
                       "upstreams: { openai: { url: '${file:" +
                       secret + "}', tls: { ca_file: '" + authorities + "' } } }\n");
  const std::string warning = " can be changed by anybody on this machine";
  using std::filesystem::perms;
  for (const bool is_open : {false, true}) {
    for (const std::string& name : {file, authorities}) {
      std::filesystem::permissions(name, is_open ? perms(0666) : perms(0664));
    }
    for (const std::string& name : {secret, key})
      std::filesystem::permissions(name, is_open ? perms(0604) : perms(0600));
    Program program(folder, {"--config", file});
    static_cast<void>(program.port());
    program.signal(SIGTERM);
    CHECK(program.wait() == 0);
    CHECK((program.error().find(file + warning) != std::string::npos) == is_open);
    CHECK((program.error().find(authorities + warning) != std::string::npos) == is_open);
    const std::string readable = " holds a secret that anybody on this machine can read";
    CHECK((program.error().find(secret + readable) != std::string::npos) == is_open);
    CHECK((program.error().find(key + readable) != std::string::npos) == is_open);
  }
}

TEST_CASE("an address in use: a message and a failure, not a start") {
  const test::TemporaryFolder folder;
  const test::ListeningSocket taken;
  const std::string address = "127.0.0.1:" + std::to_string(taken.port());
  Program program(folder, {"--listen", address});
  CHECK(program.wait() == 1);
  CHECK(program.error().find(address) != std::string::npos);
  CHECK(program.error().find("ss -ltnp") != std::string::npos);
}

TEST_CASE("a wrong command line is 2, with what was probably meant") {
  const test::TemporaryFolder folder;
  struct Case {
    std::vector<std::string> arguments;
    std::string words;
  };
  for (const Case& each :
       std::vector<Case>{{{"--lisen", "8080"}, "did you mean --listen?"},
                         {{"proxy.yaml"}, "did you mean --config proxy.yaml?"},
                         {{"https://h.example"}, "did you mean --upstream https://h.example?"},
                         {{"--config", ""}, "expected the name of a YAML file"},
                         {{"-c", folder / "none.yaml"}, "No such file"},
                         {{"-c", folder / ""}, "Is a directory"},
                         {{"-l", ":1", "-l", "1"}, "0.0.0.0:1 is listened on already"}}) {
    Program program(folder, each.arguments);
    CAPTURE(each.words);
    CHECK(program.wait() == 2);
    CHECK(program.error().find(each.words) != std::string::npos);
  }
}

TEST_CASE("--check opens all that is named, binds nothing, and says all that is wrong") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "proxy.yaml";
  test::write_file(file,
                   "listen:\n  - ':1'\n  - {address: ':2', tls: {certificate: /no/c, key: /no/k}}\n"
                   "  - {address: ':3', redirect_to_https: true, acme_webroot: /no/w}\n"
                   "log: {access: /no/log}\nupstreams: {openai: {tls: {ca_file: /no/ca}}}\n");
  Program program(folder, {"--check", "-c", file});
  CHECK(program.wait() == 2);
  for (const std::string part : {"listen[1]", "listen[2].acme_webroot", "/no/log", "/no/ca"}) {
    CAPTURE(part);
    CHECK(program.error().find(part) != std::string::npos);
  }
  const std::string log = folder / "access.log";
  test::write_file(file, "log: {access: '" + log + "'}\n");
  Program good(folder, {"--check", "-c", file});
  CHECK(good.wait() == 0);
  CHECK_FALSE(std::filesystem::exists(log));
}

TEST_CASE("SIGTERM: a running stream ends, then exit 0") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "proxy.yaml";
  const std::string log = folder / "access.log";
  for (const int number : {SIGTERM, SIGINT}) {
    test::Signal go_on;
    RawUpstream upstream([&](UpstreamConnection& connection) {
      if (!connection.read_request()) return;
      connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                      test::chunk("begin"));
      go_on.wait();
      connection.send(test::chunk("-end") + std::string(test::last_chunk));
      connection.wait_gone();
    });
    test::write_file(file, configuration(upstream, log));
    Program program(folder, {"--config", file});
    RawClient client = test::client_of(program.port());
    client.send(test::get("/"));
    Message response = client.read_response_head();
    CHECK(client.read_body_until(response, "begin") == "begin");
    program.signal(number);
    program.wait_for_error("draining");
    go_on.set();
    client.read_rest(response);
    CHECK(response.body == "-end");
    client.close();
    CHECK(program.wait() == 0);
  }
}

TEST_CASE("a second signal ends at once") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "proxy.yaml";
  RawUpstream upstream([&](UpstreamConnection& connection) {
    if (connection.read_request()) connection.wait_gone();
  });
  test::write_file(file, configuration(upstream, "off"));
  Program program(folder, {"--config", file});
  RawClient client = test::client_of(program.port());
  client.send(test::get("/"));
  test::eventually("the request went up", [&] { return upstream.requests() == 1; });
  program.signal(SIGTERM);
  program.wait_for_error("draining");
  program.signal(SIGTERM);
  CHECK(program.wait() >= 0);
  client.wait_gone();
}

TEST_CASE("SIGHUP: a good file is taken, a bad one changes nothing and says so") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "proxy.yaml";
  RawUpstream first(test::serve(test::message("200 OK", {}, "first")));
  RawUpstream second(test::serve(test::message("200 OK", {}, "second")));
  test::write_file(file, configuration(first, "off"));
  Program program(folder, {"--config", file});
  const uint16_t port = program.port();
  RawClient client = test::client_of(port);
  CHECK(client.round_trip(test::get("/")).body == "first");

  test::write_file(file, "listen: '127.0.0.1:0'\nrouts: []\n");
  program.signal(SIGHUP);
  program.wait_for_error("proxy.yaml:2:1: routs");
  CHECK(client.round_trip(test::get("/")).body == "first");

  test::write_file(file, configuration(second, "off"));
  program.signal(SIGHUP);
  test::eventually("the new upstream",
                   [&] { return client.round_trip(test::get("/")).body == "second"; });
  program.signal(SIGTERM);
  client.close();
  CHECK(program.wait() == 0);
}

TEST_CASE("SIGUSR1: the access log is reopened") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "proxy.yaml";
  const std::string log = folder / "access.log";
  RawUpstream upstream(test::serve(test::message("200 OK", {}, "ok")));
  test::write_file(file, configuration(upstream, log));
  Program program(folder, {"--config", file});
  RawClient client = test::client_of(program.port());
  CHECK(client.round_trip(test::get("/")).body == "ok");
  const auto exists = [&] {
    return ::access(log.c_str(), F_OK) == 0;
  };
  REQUIRE(exists());
  REQUIRE(std::rename(log.c_str(), (log + ".1").c_str()) == 0);
  program.signal(SIGUSR1);
  test::eventually("a new file", exists);
  program.signal(SIGTERM);
  client.close();
  CHECK(program.wait() == 0);
}

TEST_CASE("the access log goes to standard output by default") {
  const test::TemporaryFolder folder;
  RawUpstream upstream(test::serve(test::message("200 OK", {}, "ok")));
  const std::string file = folder / "proxy.yaml";
  test::write_file(file, "admin: { listen: off }\n");
  Program program(folder,
                  {"--config", file, "--listen", "127.0.0.1:0", "--upstream", upstream.url()});
  {
    RawClient client = test::client_of(program.port());
    CHECK(client.round_trip(test::get("/v1/models?key=SECRET")).body == "ok");
  }
  program.signal(SIGTERM);
  CHECK(program.wait() == 0);
  CHECK(program.out().find("\"path\":\"/v1/models\"") != std::string::npos);
  CHECK((program.out() + program.error()).find("SECRET") == std::string::npos);
}

TEST_CASE("too few descriptors to start with: a message and a failure, not a bug") {
  for (const char* limit : {"5", "7", "10", "20"}) {
    CAPTURE(limit);
    const test::TemporaryFolder folder;
    const std::string file = folder / "proxy.yaml";
    test::write_file(file, "listen: '127.0.0.1:0'\nworkers: 4\nadmin: { listen: off }\n");
    Program program(folder,
                    {"/bin/sh", "-c", "ulimit -n " + std::string(limit) + "; exec \"$0\" \"$@\""},
                    {"--config", file});
    CHECK(program.wait() == 1);
    CHECK(program.error().find("bug:") == std::string::npos);
  }
}
