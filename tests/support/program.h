#pragma once

// The program itself as a process, as a user starts it.

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

#include "support/proxy_fixture.h"

namespace test {

// Resource: a run of the program, its standard output and error in files of `folder`. One that is
// still running is ended with it; a successor it started is not.
class Program {
 public:
  Program(const TemporaryFolder& folder, std::vector<std::string> arguments)
      : Program(folder, {}, std::move(arguments)) {}
  // `wrapper` is a command that executes what follows it. `program` is one of the build folder's.
  Program(const TemporaryFolder& folder,
          const std::vector<std::string>& wrapper,
          const std::vector<std::string>& arguments,
          const std::string& program = "openai-proxy");
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  Program(Program&&) = delete;
  Program& operator=(Program&&) = delete;

  // The build folder's.
  [[nodiscard]] static std::string path(const std::string& program = "openai-proxy");

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const;
  // Its exit code; -1 when a signal ended it.
  [[nodiscard]] int wait();

  [[nodiscard]] std::string out() const;
  [[nodiscard]] std::string error() const;
  void wait_for_error(const std::string& text) const;
  // From "listening on 127.0.0.1:PORT".
  [[nodiscard]] uint16_t port() const;

 private:
  std::string out_;
  std::string error_;
  pid_t pid_ = 0;
};

// A new connection to 127.0.0.1.
[[nodiscard]] RawClient client_of(uint16_t port);

}  // namespace test
