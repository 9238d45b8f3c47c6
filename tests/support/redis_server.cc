#include "support/redis_server.h"

#include <array>
#include <csignal>
#include <filesystem>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include <doctest/doctest.h>

#include "support/endpoint.h"
#include "support/failure.h"
#include "support/sync.h"

namespace test {
namespace {

// Debian's package of tools has the whole server under the name of one of them, without a service.
constexpr std::array<const char*, 4> places = {"/usr/bin/redis-server",
                                               "/usr/local/bin/redis-server",
                                               "/usr/bin/redis-check-rdb",
                                               "/usr/bin/valkey-server"};

std::string find_server() {
  for (const char* const place : places) {
    if (std::filesystem::exists(place)) return place;
  }
  return {};
}

uint16_t free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const system = reinterpret_cast<sockaddr*>(&address);
  const bool bound = ::bind(socket, system, size) == 0 && ::getsockname(socket, system, &size) == 0;
  ::close(socket);
  REQUIRE(bound);
  return ntohs(address.sin_port);
}

std::string on_the_wire(const std::vector<std::string>& command) {
  std::string text = "*" + std::to_string(command.size()) + "\r\n";
  for (const std::string& word : command)
    text += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  return text;
}

}  // namespace

bool RedisServer::is_installed() {
  if (!find_server().empty()) return true;
  MESSAGE(
      "skipped: no redis-server here; `apt-get install redis-tools` (make test does) brings it");
  return false;
}

RedisServer::RedisServer(std::vector<std::string> options)
    : options_(std::move(options)), socket_(folder_ / "redis.sock"), port_(free_port()) {
  start();
}

RedisServer::~RedisServer() {
  stop();
}

std::string RedisServer::url() const {
  return "redis://127.0.0.1:" + std::to_string(port_) + "/0";
}

void RedisServer::start() {
  REQUIRE(pid_ == 0);
  // It is what it is called.
  const std::string program = folder_ / "redis-server";
  if (!std::filesystem::exists(program)) {
    std::filesystem::create_symlink(std::filesystem::canonical(find_server()), program);
  }
  std::vector<std::string> words = {program,
                                    "--port",
                                    std::to_string(port_),
                                    "--bind",
                                    "127.0.0.1",
                                    "--unixsocket",
                                    socket_,
                                    "--save",
                                    "",
                                    "--dir",
                                    folder_.path(),
                                    "--logfile",
                                    folder_ / "log"};
  words.insert(words.end(), options_.begin(), options_.end());
  std::vector<char*> argv;
  for (std::string& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  REQUIRE(::posix_spawn(&pid_, program.c_str(), nullptr, nullptr, argv.data(), environ) == 0);
  eventually("Redis takes connections", [&] {
    try {
      return !ask({"PING"}).empty();
    } catch (const Failure&) {
      return false;
    }
  });
}

void RedisServer::stop() {
  const pid_t pid = std::exchange(pid_, 0);
  if (pid == 0) return;
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

void RedisServer::freeze() const {
  REQUIRE(::kill(pid_, SIGSTOP) == 0);
}

void RedisServer::thaw() const {
  REQUIRE(::kill(pid_, SIGCONT) == 0);
}

std::string RedisServer::ask(const std::vector<std::string>& command) const {
  return ask_raw(on_the_wire(command));
}

std::string RedisServer::ask_raw(std::string_view command) const {
  Endpoint endpoint(plain_wire(connect_tcp("127.0.0.1", port_)));
  std::string text;
  for (size_t i = 0; i + 1 < options_.size(); ++i) {
    if (options_[i] == "--requirepass") text += on_the_wire({"AUTH", options_[i + 1]});
  }
  // It closes behind what it answers.
  endpoint.send(text + std::string(command) + on_the_wire({"QUIT"}));
  std::string answer = endpoint.read_to_end();
  const std::string ok = "+OK\r\n";
  if (!text.empty() && answer.starts_with(ok)) answer.erase(0, ok.size());
  if (answer.ends_with(ok)) answer.erase(answer.size() - ok.size());
  return answer;
}

int64_t RedisServer::number(const std::vector<std::string>& command) const {
  const std::string answer = ask(command);
  const size_t begin = answer.starts_with(":") ? 1 : answer.find("\r\n") + 2;
  return answer.starts_with("$-1") ? 0 : std::stoll(answer.substr(begin));
}

}  // namespace test
