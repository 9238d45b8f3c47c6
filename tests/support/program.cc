#include "support/program.h"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

namespace test {
// This executable is in the build folder's tests/.
std::string Program::path(const std::string& program) {
  const auto build = std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path();
  return (build / program).string();
}

Program::Program(const TemporaryFolder& folder,
                 const std::vector<std::string>& wrapper,
                 const std::vector<std::string>& arguments,
                 const std::string& program)
    : out_(folder / "stdout"), error_(folder / "stderr") {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  // What a successor writes as well must not be overwritten.
  constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND;
  posix_spawn_file_actions_addopen(&files, 1, out_.c_str(), flags, 0600);
  posix_spawn_file_actions_addopen(&files, 2, error_.c_str(), flags, 0600);
  std::vector<std::string> command = wrapper;
  command.push_back(path(program));
  command.insert(command.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : command)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  const int failed = ::posix_spawnp(&pid_, argv[0], &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  REQUIRE(failed == 0);
}

Program::~Program() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Program::signal(int number) const {
  REQUIRE(::kill(pid_, number) == 0);
}

int Program::wait() {
  int status = 0;
  eventually("the program ends", [&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; });
  pid_ = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string Program::out() const {
  return read_file(out_);
}

std::string Program::error() const {
  return read_file(error_);
}

void Program::wait_for_error(const std::string& text) const {
  eventually("'" + text + "' on stderr", [&] { return error().find(text) != std::string::npos; });
}

uint16_t Program::port() const {
  const std::string begin = "listening on 127.0.0.1:";
  wait_for_error(begin);
  const std::string text = error();
  return static_cast<uint16_t>(std::stoi(text.substr(text.find(begin) + begin.size())));
}

RawClient client_of(uint16_t port) {
  return RawClient(plain_wire(connect_tcp("127.0.0.1", port)));
}

}  // namespace test
