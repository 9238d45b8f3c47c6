// The program itself: flags, exit codes, signals.
#include <array>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Message;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

// The build folder's: this executable is in its tests/.
std::string program_path() {
  const auto build = std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path();
  return (build / "openai-proxy").string();
}

// A run of the program, its standard output and error in files.
class Program {
 public:
  Program(const test::TemporaryFolder& folder, std::vector<std::string> arguments)
      : out_(folder / "stdout"), error_(folder / "stderr") {
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC;
    posix_spawn_file_actions_addopen(&files, 1, out_.c_str(), flags, 0600);
    posix_spawn_file_actions_addopen(&files, 2, error_.c_str(), flags, 0600);
    arguments.insert(arguments.begin(), program_path());
    std::vector<char*> argv;
    for (std::string& argument : arguments)
      argv.push_back(argument.data());
    argv.push_back(nullptr);
    const int failed = ::posix_spawn(&pid_, argv[0], &files, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    REQUIRE(failed == 0);
  }
  ~Program() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  Program(Program&&) = delete;
  Program& operator=(Program&&) = delete;

  void signal(int number) const { REQUIRE(::kill(pid_, number) == 0); }

  // Its exit code; -1 when a signal ended it.
  [[nodiscard]] int wait() {
    int status = 0;
    test::eventually("the program ends", [&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; });
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  [[nodiscard]] std::string out() const { return content(out_); }
  [[nodiscard]] std::string error() const { return content(error_); }

  void wait_for_error(const std::string& text) const {
    test::eventually("'" + text + "' on stderr",
                     [&] { return error().find(text) != std::string::npos; });
  }

 private:
  static std::string content(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string out_;
  std::string error_;
  pid_t pid_ = 0;
};

// The port from "listening on 127.0.0.1:PORT".
uint16_t port_of(const Program& program) {
  const std::string begin = "listening on 127.0.0.1:";
  program.wait_for_error(begin);
  const std::string text = program.error();
  return static_cast<uint16_t>(std::stoi(text.substr(text.find(begin) + begin.size())));
}

RawClient client_of(uint16_t port) {
  return RawClient(test::plain_wire(test::connect_tcp("127.0.0.1", port)));
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

std::string configuration(const RawUpstream& upstream, const std::string& access_log) {
  return "listen: '127.0.0.1:0'\nworkers: 2\nadmin: { listen: off }\nupstreams: { openai: { url: "
         "'" +
         upstream.url() + "' } }\nlog: { access: '" + access_log + "' }\n";
}

}  // namespace

TEST_CASE("--help, --version, --check, --print-config") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "proxy.yaml";
  write_file(file, "listen: 127.0.0.1:1234\n");
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
  write_file(file, "listen: 127.0.0.1:0\nupstream: { }\n");
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

TEST_CASE("an address in use: a message and a failure, not a start") {
  const test::TemporaryFolder folder;
  const test::ListeningSocket taken;
  const std::string address = "127.0.0.1:" + std::to_string(taken.port());
  Program program(folder, {"--listen", address});
  CHECK(program.wait() != 0);
  CHECK(program.error().find(address) != std::string::npos);
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
    write_file(file, configuration(upstream, log));
    Program program(folder, {"--config", file});
    RawClient client = client_of(port_of(program));
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
  write_file(file, configuration(upstream, "off"));
  Program program(folder, {"--config", file});
  RawClient client = client_of(port_of(program));
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
  write_file(file, configuration(first, "off"));
  Program program(folder, {"--config", file});
  const uint16_t port = port_of(program);
  RawClient client = client_of(port);
  CHECK(client.round_trip(test::get("/")).body == "first");

  write_file(file, "listen: '127.0.0.1:0'\nrouts: []\n");
  program.signal(SIGHUP);
  program.wait_for_error("proxy.yaml:2:1: routs");
  CHECK(client.round_trip(test::get("/")).body == "first");

  write_file(file, configuration(second, "off"));
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
  write_file(file, configuration(upstream, log));
  Program program(folder, {"--config", file});
  RawClient client = client_of(port_of(program));
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
  write_file(file, "admin: { listen: off }\n");
  Program program(folder,
                  {"--config", file, "--listen", "127.0.0.1:0", "--upstream", upstream.url()});
  {
    RawClient client = client_of(port_of(program));
    CHECK(client.round_trip(test::get("/v1/models?key=SECRET")).body == "ok");
  }
  program.signal(SIGTERM);
  CHECK(program.wait() == 0);
  CHECK(program.out().find("\"path\":\"/v1/models\"") != std::string::npos);
  CHECK((program.out() + program.error()).find("SECRET") == std::string::npos);
}
