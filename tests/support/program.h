#pragma once

// The proxy as a program of its own, from the build folder of the running test.

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <spawn.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

namespace test {

// The build folder's: this executable is in its tests/.
inline std::string program_path() {
  const auto build = std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path();
  return (build / "openai-proxy").string();
}

// A run of the program, its standard output and error in files.
class Program {
 public:
  // `variables` ("NAME=value") come before the environment it inherits.
  Program(const TemporaryFolder& folder,
          std::vector<std::string> arguments,
          std::vector<std::string> variables = {})
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
    std::vector<char*> environment;
    for (std::string& variable : variables)
      environment.push_back(variable.data());
    for (char** variable = environ; *variable != nullptr; ++variable)
      environment.push_back(*variable);
    environment.push_back(nullptr);
    const int failed =
        ::posix_spawn(&pid_, argv[0], &files, nullptr, argv.data(), environment.data());
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
    eventually("the program ends", [&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; });
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  [[nodiscard]] std::string out() const { return content(out_); }
  [[nodiscard]] std::string error() const { return content(error_); }

  void wait_for_error(const std::string& text) const {
    eventually("'" + text + "' on stderr", [&] { return error().find(text) != std::string::npos; });
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
inline uint16_t port_of(const Program& program) {
  const std::string begin = "listening on 127.0.0.1:";
  program.wait_for_error(begin);
  const std::string text = program.error();
  return static_cast<uint16_t>(std::stoi(text.substr(text.find(begin) + begin.size())));
}

inline RawClient client_of(uint16_t port) {
  return RawClient(plain_wire(connect_tcp("127.0.0.1", port)));
}

}  // namespace test
