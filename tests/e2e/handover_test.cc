// A new process in place of the old one: SIGUSR2, and sockets that a service manager holds.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <netinet/in.h>
#include <optional>
#include <set>
#include <string>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "base/fd.h"
#include "support/program.h"
#include "support/proxy_fixture.h"
#include "support/tls_client.h"

using test::client_of;
using test::Message;
using test::Program;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

const std::string ok = test::message("200 OK", {}, "ok");

std::string configuration(const RawUpstream& upstream, const std::string& more = "workers: 2") {
  return "listen: '127.0.0.1:0'\nadmin: { listen: off }\nlog: { access: 'off' }\nupstreams: { "
         "openai: { url: '" +
         upstream.url() + "' } }\n" + more + "\n";
}

// Replaces a program's processes one by the other; what is left of them ends with this.
class Successors {
 public:
  Successors() { REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0); }
  ~Successors() {
    for (const pid_t pid : pids_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  }
  Successors(const Successors&) = delete;
  Successors& operator=(const Successors&) = delete;
  Successors(Successors&&) = delete;
  Successors& operator=(Successors&&) = delete;

  // Has `pid` replaced, and waits until it is.
  pid_t replace(const Program& program, pid_t pid) {
    const size_t earlier = pids_.size();
    REQUIRE(::kill(pid, SIGUSR2) == 0);
    test::eventually("a successor", [&] {
      find(program.error());
      return pids_.size() > earlier;
    });
    return pids_.back();
  }
  // Ends the last one, an orphan; its exit code.
  int end() {
    const pid_t pid = pids_.back();
    ::kill(pid, SIGTERM);
    int status = 0;
    test::eventually("the successor ends", [&] { return ::waitpid(pid, &status, WNOHANG) == pid; });
    pids_.clear();
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  // Ends all by the first one, their guardian; its exit code.
  int end(Program& guardian) {
    guardian.signal(SIGTERM);
    const int code = guardian.wait();
    pids_.clear();
    return code;
  }

 private:
  void find(const std::string& log) {
    const std::string before = "process ";
    const std::string behind = " serves now";
    std::vector<pid_t> found;
    for (size_t end = log.find(behind); end != std::string::npos; end = log.find(behind, end + 1)) {
      const size_t begin = log.rfind(before, end) + before.size();
      found.push_back(std::stoi(log.substr(begin, end - begin)));
    }
    if (found.size() > pids_.size()) pids_ = found;
  }

  std::vector<pid_t> pids_;
};

// A datagram socket as a service manager listens on, told of by NOTIFY_SOCKET.
class Manager {
 public:
  explicit Manager(const test::TemporaryFolder& folder)
      : path_(folder / "notify"), socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    REQUIRE(::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    REQUIRE(::setenv("NOTIFY_SOCKET", path_.c_str(), 1) == 0);
  }
  ~Manager() { ::unsetenv("NOTIFY_SOCKET"); }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;
  Manager(Manager&&) = delete;
  Manager& operator=(Manager&&) = delete;

  [[nodiscard]] std::string next() const {
    char text[256];
    const ssize_t size = ::recv(socket_.get(), text, sizeof text, 0);
    return size < 0 ? "nothing" : std::string(text, static_cast<size_t>(size));
  }

 private:
  std::string path_;
  base::Fd socket_;
};

// Leaves the process `more` descriptors to open; what it was allowed before.
rlimit limit_descriptors_to(int more, pid_t pid) {
  std::set<rlim_t> open;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd"))
    open.insert(std::stoul(entry.path().filename().string()));
  rlimit before{};
  REQUIRE(::prlimit(pid, RLIMIT_NOFILE, nullptr, &before) == 0);
  rlimit limit = before;
  limit.rlim_cur = 0;
  for (int free = 0; free < more; ++limit.rlim_cur)
    free += open.contains(limit.rlim_cur) ? 0 : 1;
  REQUIRE(::prlimit(pid, RLIMIT_NOFILE, &limit, nullptr) == 0);
  return before;
}

// A wrapper for Program: hands descriptor `fd` on as systemd would.
std::vector<std::string> handing_over(int fd, const std::string& count = "1") {
  return {"/bin/sh",
          "-c",
          "[ " + std::to_string(fd) + " = 3 ] || exec 3<&" + std::to_string(fd) +
              "; export LISTEN_PID=$$ LISTEN_FDS=" + count + "; exec \"$0\" \"$@\""};
}

base::Fd listening_socket(uint16_t& port) {
  // No close-on-exec: a child is to have it.
  base::Fd socket(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* system = reinterpret_cast<sockaddr*>(&address);
  REQUIRE(::bind(socket.get(), system, size) == 0);
  REQUIRE(::listen(socket.get(), 64) == 0);
  REQUIRE(::getsockname(socket.get(), system, &size) == 0);
  port = ntohs(address.sin_port);
  return socket;
}

}  // namespace

TEST_CASE("SIGUSR2: the new process serves, the old one ends what it has") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "proxy.yaml";
  test::Signal go_on;
  RawUpstream upstream([&](UpstreamConnection& connection) {
    while (auto request = connection.read_request()) {
      if (request->target() != "/stream") {
        connection.send(ok);
        continue;
      }
      connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                      test::chunk("begin"));
      go_on.wait();
      connection.send(test::chunk("-end") + std::string(test::last_chunk));
    }
  });
  test::write_file(file, configuration(upstream));
  Successors successors;
  Program program(folder, {"--config", file});
  const uint16_t port = program.port();
  RawClient streaming = client_of(port);
  streaming.send(test::get("/stream"));
  Message response = streaming.read_response_head();
  CHECK(streaming.read_body_until(response, "begin") == "begin");

  successors.replace(program, program.pid());
  for (int i = 0; i < 20; ++i)
    CHECK(client_of(port).round_trip(test::get("/")).body == "ok");
  go_on.set();
  streaming.read_rest(response);
  CHECK(response.body == "-end");
  streaming.close();
  program.wait_for_error("drained, staying to pass signals on");
  CHECK(client_of(port).round_trip(test::get("/")).body == "ok");
  CHECK(successors.end(program) == 0);
}

TEST_CASE("a renewed certificate is the new process's, streams end on the old one") {
  const test::TemporaryFolder folder;
  const std::string certificate = folder / "fullchain.pem";
  const std::string key = folder / "privkey.pem";
  const auto renew = [&](const std::string& name) {
    test::LeafOptions options;
    options.names = {name};
    const test::Credentials leaf = test::trusted_authority().issue(options);
    test::write_file(certificate, leaf.certificate_pem);
    test::write_file(key, leaf.key_pem);
  };
  const std::string& authority = test::trusted_authority().certificate_pem();
  renew("old.example");
  test::Signal go_on;
  RawUpstream upstream([&](UpstreamConnection& connection) {
    const auto request = connection.read_request();
    if (!request) return;
    if (request->target() != "/stream") return connection.send(ok);
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + test::chunk("begin"));
    go_on.wait();
    connection.send(test::chunk("-end") + std::string(test::last_chunk));
  });
  const std::string file = folder / "proxy.yaml";
  test::write_file(file,
                   "listen: [{ address: '127.0.0.1:0', tls: { certificate: '" + certificate +
                       "', key: '" + key +
                       "' } }]\nworkers: 1\nadmin: { listen: off }\nlog: { access: 'off' }\n"
                       "upstreams: { openai: { url: '" +
                       upstream.url() + "' } }\n");
  Successors successors;
  Program program(folder, {"--config", file});
  test::TlsClient old_client(authority, "old.example");
  RawClient streaming(old_client.connect(program.port()));
  streaming.send(test::get("/stream"));
  Message response = streaming.read_response_head();
  CHECK(streaming.read_body_until(response, "begin") == "begin");
  RawClient idle(old_client.connect(program.port()));
  CHECK(idle.round_trip(test::get("/")).body == "ok");

  renew("new.example");
  successors.replace(program, program.pid());
  idle.wait_gone();  // the old process takes nobody in any more
  test::TlsClient new_client(authority, "new.example");
  for (int i = 0; i < 8; ++i)
    CHECK_NOTHROW(new_client.connect(program.port())->close());
  go_on.set();
  streaming.read_rest(response);
  CHECK(response.body == "-end");
  streaming.close();
  CHECK(successors.end(program) == 0);
}

TEST_CASE("one after the other, with more workers and with fewer: nobody is refused") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "proxy.yaml";
  RawUpstream upstream(test::serve(ok));
  test::write_file(file, configuration(upstream, "workers: 2"));
  Successors successors;
  Program program(folder, {"--config", file});
  const uint16_t port = program.port();
  pid_t pid = program.pid();
  for (const int workers : {4, 1, 3, 2}) {
    test::write_file(file, configuration(upstream, "workers: " + std::to_string(workers)));
    // Connected while the one process follows the other, as many as hash to every socket.
    std::vector<RawClient> clients;
    for (int i = 0; i < 32; ++i)
      clients.push_back(client_of(port));
    pid = successors.replace(program, pid);
    for (int i = 0; i < 32; ++i)
      clients.push_back(client_of(port));
    for (RawClient& client : clients)
      CHECK(client.round_trip(test::get("/")).body == "ok");
  }
  CHECK(successors.end(program) == 0);
}

TEST_CASE("a new process that does not start leaves the old one serving, and says why") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "proxy.yaml";
  RawUpstream upstream(test::serve(ok));
  test::write_file(file, configuration(upstream));
  Program program(folder, {"--config", file});
  const uint16_t port = program.port();
  RawClient client = client_of(port);
  CHECK(client.round_trip(test::get("/")).body == "ok");

  const test::ListeningSocket taken;
  const std::string bad[] = {
      "routs: []\n",
      configuration(upstream) + "log: {}\n",
      "listen: ['127.0.0.1:0', '127.0.0.1:" + std::to_string(taken.port()) + "']\n",
  };
  int refused = 0;
  for (const std::string& text : bad) {
    test::write_file(file, text);
    program.signal(SIGUSR2);
    ++refused;
    test::eventually("it is said", [&] {
      const std::string log = program.error();
      int said = 0;
      for (size_t at = log.find("not replaced"); at != std::string::npos;
           at = log.find("not replaced", at + 1)) {
        ++said;
      }
      return said == refused;
    });
    CHECK(client.round_trip(test::get("/")).body == "ok");
    for (int i = 0; i < 8; ++i)
      CHECK(client_of(port).round_trip(test::get("/")).body == "ok");
  }
  program.wait_for_error("it ended with status 2");
  program.wait_for_error("routs");
  program.wait_for_error("another program listens there");
  client.close();
  program.signal(SIGTERM);
  CHECK(program.wait() == 0);
}

TEST_CASE("without descriptors for a new process the old one serves on, and says what helps") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "proxy.yaml";
  RawUpstream upstream(test::serve(ok));
  test::write_file(file, configuration(upstream));
  Successors successors;
  Program program(folder, {"--config", file});
  RawClient client = client_of(program.port());
  CHECK(client.round_trip(test::get("/")).body == "ok");

  const rlimit enough = limit_descriptors_to(1, program.pid());
  program.signal(SIGUSR2);
  program.wait_for_error("cannot watch over a new process: Too many open files; raise `ulimit -n`");
  // Four: the pipes on which the new one says that it serves, to us and to the ones after us.
  limit_descriptors_to(4, program.pid());
  program.signal(SIGUSR2);
  program.wait_for_error("no descriptors to hand over: raise `ulimit -n`");
  CHECK(client.round_trip(test::get("/")).body == "ok");
  client.close();
  REQUIRE(::prlimit(program.pid(), RLIMIT_NOFILE, &enough, nullptr) == 0);
  successors.replace(program, program.pid());
  CHECK(successors.end(program) == 0);
}

TEST_CASE("a unix socket's file is the new process's, and gone with it") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "proxy.yaml";
  const std::string path = folder / "proxy.sock";
  RawUpstream upstream(test::serve(ok));
  test::write_file(file,
                   "listen: ['127.0.0.1:0', 'unix:" + path +
                       "']\nadmin: { listen: off }\nlog: { access: 'off' }\nupstreams: { openai: { "
                       "url: '" +
                       upstream.url() + "' } }\n");
  const auto round_trip = [&] {
    return RawClient(test::plain_wire(test::connect_unix(path))).round_trip(test::get("/")).body;
  };
  Successors successors;
  Program program(folder, {"--config", file});
  static_cast<void>(program.port());
  CHECK(round_trip() == "ok");
  successors.replace(program, program.pid());
  program.wait_for_error("drained, staying to pass signals on");
  CHECK(round_trip() == "ok");
  CHECK(successors.end(program) == 0);
  struct stat found {};
  CHECK(::stat(path.c_str(), &found) != 0);
}

TEST_CASE("the admin endpoint is handed over too") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "proxy.yaml";
  uint16_t port = 0;
  {
    const test::ListeningSocket free;
    port = free.port();
  }
  RawUpstream upstream(test::serve(ok));
  test::write_file(file,
                   "listen: '127.0.0.1:0'\nlog: { access: 'off' }\nadmin: { listen: '127.0.0.1:" +
                       std::to_string(port) + "' }\nupstreams: { openai: { url: '" +
                       upstream.url() + "' } }\n");
  Successors successors;
  Program program(folder, {"--config", file});
  static_cast<void>(program.port());
  CHECK(client_of(port).round_trip(test::get("/healthz")).body == "ok\n");
  successors.replace(program, program.pid());
  program.wait_for_error("drained, staying to pass signals on");
  CHECK(client_of(port).round_trip(test::get("/healthz")).body == "ok\n");
  CHECK(program.error().find("going on without") == std::string::npos);
  CHECK(successors.end(program) == 0);
}

TEST_CASE("a service manager is told: ready, who is the process now, stopping") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "proxy.yaml";
  RawUpstream upstream(test::serve(ok));
  test::write_file(file, configuration(upstream));
  const Manager manager(folder);
  Successors successors;
  Program program(folder, {"--config", file});
  CHECK(manager.next() == "READY=1");
  const pid_t successor = successors.replace(program, program.pid());
  CHECK(manager.next() == "MAINPID=" + std::to_string(successor));
  CHECK(program.wait() == 0);  // the manager waits for the other
  CHECK(successors.end() == 0);
  CHECK(manager.next() == "STOPPING=1");
}

TEST_CASE("a socket that a service manager holds: who connects between two runs is served") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "proxy.yaml";
  RawUpstream upstream(test::serve(ok));
  uint16_t port = 0;
  const base::Fd socket = listening_socket(port);
  test::write_file(
      file,
      "listen: '127.0.0.1:" + std::to_string(port) +
          "'\nworkers: 2\nadmin: { listen: off }\nlog: { access: 'off' }\nupstreams: { "
          "openai: { url: '" +
          upstream.url() + "' } }\n");
  for (int run = 0; run < 3; ++run) {
    std::vector<RawClient> clients;
    for (int i = 0; i < 8; ++i) {
      clients.push_back(client_of(port));
      clients.back().send(test::get("/"));
    }
    Program program(folder, handing_over(socket.get()), {"--config", file});
    for (RawClient& client : clients)
      CHECK(client.read_response().body == "ok");
    clients.clear();
    program.signal(SIGTERM);
    CHECK(program.wait() == 0);
  }
}

TEST_CASE("what was handed over and cannot be used is said") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "proxy.yaml";
  RawUpstream upstream(test::serve(ok));
  test::write_file(file, "admin: { listen: off }\n");
  uint16_t port = 0;
  const base::Fd socket = listening_socket(port);
  {
    Program program(folder, handing_over(socket.get(), "many"), {"--config", file});
    CHECK(program.wait() == 2);
    CHECK(program.error().find("LISTEN_FDS is `many`") != std::string::npos);
  }
  {
    const base::Fd file_descriptor(::open(file.c_str(), O_RDONLY));
    Program program(folder, handing_over(file_descriptor.get()), {"--config", file});
    CHECK(program.wait() == 2);
    CHECK(program.error().find("descriptor 3 is no listening socket") != std::string::npos);
  }
  Program program(folder,
                  handing_over(socket.get()),
                  {"--config", file, "--listen", "127.0.0.1:0", "--upstream", upstream.url()});
  // Port 0 takes it: the system had chosen it.
  CHECK(program.port() == port);
  program.signal(SIGTERM);
  CHECK(program.wait() == 0);
  Program other(folder,
                handing_over(socket.get()),
                {"--config", file, "--listen", "[::1]:0", "--upstream", upstream.url()});
  other.wait_for_error("listens on 127.0.0.1:" + std::to_string(port) +
                       ", which neither `listen` nor `admin.listen` names");
  other.wait_for_error("listening on [::1]:");
  other.signal(SIGTERM);
  CHECK(other.wait() == 0);
}
