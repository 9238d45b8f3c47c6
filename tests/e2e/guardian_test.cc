// Who waits for the program knows its first process: that one stays, whichever process serves.
#include <csignal>
#include <fstream>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "support/program.h"
#include "support/proxy_fixture.h"

using test::client_of;
using test::Message;
using test::Program;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

const std::string ok = test::message("200 OK", {}, "ok");

// A new session, so that its processes are a group of their own, as a terminal's are.
const std::vector<std::string> own_group = {"setsid"};

std::string write_configuration(const test::TemporaryFolder& folder, const RawUpstream& upstream) {
  const std::string file = folder / "proxy.yaml";
  test::write_file(file,
                   "listen: '127.0.0.1:0'\nworkers: 1\nadmin: { listen: off }\nlog: { access: "
                   "'off' }\nupstreams: { openai: { url: '" +
                       upstream.url() + "' } }\n");
  return file;
}

std::vector<pid_t> children_of(pid_t pid) {
  const std::string process = "/proc/" + std::to_string(pid);
  std::ifstream file(process + "/task/" + std::to_string(pid) + "/children");
  std::vector<pid_t> children;
  for (pid_t child = 0; file >> child;)
    children.push_back(child);
  return children;
}

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

// Signals the program's first process to be replaced, and waits until it is, for the `time`th time.
void replace(const Program& program, size_t time) {
  program.signal(SIGUSR2);
  test::eventually("a new process", [&] { return count(program.error(), "serves now") == time; });
  test::eventually("its predecessor is drained",
                   [&] { return count(program.error(), "drained, ") == time; });
  test::eventually("one child", [&] { return children_of(program.pid()).size() == 1; });
}

// Whether a namespace of processes can be made here: a container's.
bool can_be_pid_1(const std::vector<std::string>& wrapper) {
  std::string command;
  for (const std::string& word : wrapper)
    command += word + " ";
  return std::system((command + "true 2>/dev/null").c_str()) == 0;
}

}  // namespace

TEST_CASE("SIGUSR2 again and again to the first process: it stays, no others pile up") {
  const test::TemporaryFolder folder;
  RawUpstream upstream(test::serve(ok));
  Program program(folder, {"--config", write_configuration(folder, upstream)});
  const uint16_t port = program.port();
  for (size_t time = 1; time <= 3; ++time) {
    replace(program, time);
    CHECK(client_of(port).round_trip(test::get("/")).body == "ok");
  }
  program.signal(SIGHUP);
  program.wait_for_error("configuration reloaded");
  program.signal(SIGUSR1);
  program.signal(SIGTERM);
  CHECK(program.wait() == 0);
  CHECK(count(program.error(), "draining; a second signal") == 1);
}

TEST_CASE("a stream of the process that serves ends, though all of a group are told to end") {
  const test::TemporaryFolder folder;
  test::Signal go_on;
  RawUpstream upstream([&](UpstreamConnection& connection) {
    if (!connection.read_request()) return;
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + test::chunk("begin"));
    go_on.wait();
    connection.send(test::chunk("-end") + std::string(test::last_chunk));
    connection.wait_gone();
  });
  Program program(folder, own_group, {"--config", write_configuration(folder, upstream)});
  const uint16_t port = program.port();
  replace(program, 1);
  program.wait_for_error("drained, staying");
  RawClient client = client_of(port);
  client.send(test::get("/"));
  Message response = client.read_response_head();
  CHECK(client.read_body_until(response, "begin") == "begin");
  REQUIRE(::kill(-program.pid(), SIGINT) == 0);
  program.wait_for_error("draining; a second signal");
  go_on.set();
  client.read_rest(response);
  CHECK(response.body == "-end");
  client.close();
  CHECK(program.wait() == 0);
}

TEST_CASE("it ends as the process that serves ends") {
  const test::TemporaryFolder folder;
  RawUpstream upstream(test::serve(ok));
  Program program(folder, {"--config", write_configuration(folder, upstream)});
  static_cast<void>(program.port());
  replace(program, 1);
  program.wait_for_error("drained, staying");
  REQUIRE(::kill(children_of(program.pid()).front(), SIGKILL) == 0);
  CHECK(program.wait() == 128 + SIGKILL);
}

TEST_CASE("PID 1 of a container, and a child of one that waits: the container lives on") {
  std::vector<std::string> wrapper = {
      "unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"};
  if (!can_be_pid_1(wrapper)) {
    MESSAGE("no namespaces here");
    return;
  }
  size_t depth = 1;  // of the first process below the wrapper
  SUBCASE("PID 1") {}
  SUBCASE("a child") {
    wrapper.insert(wrapper.end(), {"sh", "-c", "\"$0\" \"$@\"; exit $?"});
    depth = 2;
  }
  const test::TemporaryFolder folder;
  RawUpstream upstream(test::serve(ok));
  Program container(folder, wrapper, {"--config", write_configuration(folder, upstream)});
  const uint16_t port = container.port();
  pid_t first = container.pid();
  for (size_t i = 0; i < depth; ++i)
    first = children_of(first).front();
  for (size_t time = 1; time <= 2; ++time) {
    REQUIRE(::kill(first, SIGUSR2) == 0);
    test::eventually("a new process",
                     [&] { return count(container.error(), "serves now") == time; });
    test::eventually("one child", [&] { return children_of(first).size() == 1; });
    CHECK(client_of(port).round_trip(test::get("/")).body == "ok");
  }
  REQUIRE(::kill(first, SIGTERM) == 0);
  CHECK(container.wait() == 0);
}
