// What the program finds at its descriptors 0, 1 and 2: nothing at all, a full disk, a pipe that
// nobody reads or has left.
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <sys/resource.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "support/program.h"
#include "support/proxy_fixture.h"

using test::Program;
using test::RawClient;
using test::RawUpstream;

namespace {

std::vector<std::string> shell(const std::string& redirections) {
  return {"/bin/sh", "-c", "exec \"$0\" \"$@\" " + redirections};
}

std::string write_configuration(const test::TemporaryFolder& folder,
                                const RawUpstream& upstream,
                                const std::string& path) {
  const std::string file = folder / "proxy.yaml";
  // A unix socket: what is said of ports may be lost.
  test::write_file(file,
                   "listen: 'unix:" + path +
                       "'\nworkers: 1\nadmin: { listen: off }\nupstreams: { openai: { url: '" +
                       upstream.url() + "' } }\n");
  return file;
}

RawClient client_of(const std::string& path) {
  std::unique_ptr<test::Socket> socket;
  test::eventually("it listens", [&] {
    try {
      socket = test::connect_unix(path);
    } catch (const test::Failure&) {
      return false;
    }
    return true;
  });
  return RawClient(test::plain_wire(std::move(socket)));
}

std::string target_of(pid_t pid, int descriptor) {
  std::error_code error;
  return std::filesystem::read_symlink(
             "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(descriptor), error)
      .string();
}

}  // namespace

TEST_CASE("whichever of stdin, stdout and stderr are closed, nothing else takes their place") {
  RawUpstream upstream(test::serve(test::message("200 OK", {}, "ok")));
  const std::string closing[] = {"<&-", ">&-", "2>&-"};
  for (unsigned closed = 0; closed < 8; ++closed) {
    CAPTURE(closed);
    const test::TemporaryFolder folder;
    const std::string path = folder / "socket";
    std::string redirections;
    for (unsigned i = 0; i < 3; ++i)
      redirections += (closed >> i & 1U) != 0 ? " " + closing[i] : "";
    Program program(
        folder, shell(redirections), {"--config", write_configuration(folder, upstream, path)});
    CHECK(client_of(path).round_trip(test::get("/")).body == "ok");
    for (int i = 0; i < 3; ++i) {
      if ((closed >> i & 1U) != 0) CHECK(target_of(program.pid(), i) == "/dev/null");
    }
    program.signal(SIGTERM);
    CHECK(program.wait() == 0);
  }
}

TEST_CASE("the same for the process that replaces it") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "socket";
  RawUpstream upstream(test::serve(test::message("200 OK", {}, "ok")));
  Program program(
      folder, shell("<&- >&-"), {"--config", write_configuration(folder, upstream, path)});
  CHECK(client_of(path).round_trip(test::get("/")).body == "ok");
  program.signal(SIGUSR2);
  program.wait_for_error("drained, staying");
  CHECK(client_of(path).round_trip(test::get("/")).body == "ok");
  program.signal(SIGTERM);
  CHECK(program.wait() == 0);
}

TEST_CASE("an answer that cannot be written is a failure, a complaint that cannot is only lost") {
  for (const char* option : {"--print-config", "--version", "--help", "--check"}) {
    CAPTURE(option);
    const test::TemporaryFolder folder;
    Program program(folder, shell(">/dev/full"), {option});
    CHECK(program.wait() == 1);
    CHECK(program.error().find("cannot write to standard output: No space") != std::string::npos);
  }
  for (const char* redirection : {"2>/dev/full", "2>&-"}) {
    const test::TemporaryFolder folder;
    Program program(folder, shell(redirection), {"--listen", "nonsense"});
    CHECK(program.wait() == 2);
  }
}

TEST_CASE("a pipe that nobody reads holds up neither requests nor the end") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const base::Fd unread(ends[0]);
  const base::Fd full(ends[1]);
  REQUIRE(::fcntl(full.get(), F_SETFL, O_NONBLOCK) == 0);
  const std::string page(4096, 'x');
  while (::write(full.get(), page.data(), page.size()) > 0)
    continue;
  REQUIRE(::fcntl(full.get(), F_SETFL, 0) == 0);
  std::string redirection;
  SUBCASE("stdout, with the access log") {
    redirection = ">/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(full.get());
  }
  SUBCASE("stderr") {
    redirection = "2>/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(full.get());
  }
  const test::TemporaryFolder folder;
  const std::string path = folder / "socket";
  RawUpstream upstream(test::serve(test::message("200 OK", {}, "ok")));
  Program program(
      folder, shell(redirection), {"--config", write_configuration(folder, upstream, path)});
  CHECK(client_of(path).round_trip(test::get("/")).body == "ok");
  program.signal(SIGHUP);
  program.signal(SIGUSR1);
  CHECK(client_of(path).round_trip(test::get("/")).body == "ok");
  program.signal(SIGTERM);
  CHECK(program.wait() == 0);
}
