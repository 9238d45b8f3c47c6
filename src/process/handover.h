#pragma once

// Replacing this process by a new one without a gap: the new one inherits the listening sockets,
// tells when it serves, and only then the old one drains. Until then the old one serves.

#include <optional>
#include <string>
#include <sys/types.h>
#include <variant>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace process {

// The process that started this one to be replaced by it, if one did. Value.
class Predecessor {
 public:
  // What the environment tells, which no longer does then. Before threads start.
  [[nodiscard]] static Predecessor from_environment();

  [[nodiscard]] bool is_there() const { return ready_ >= 0; }
  // This process serves: the other may stop, and their guardian, if they have one, knows.
  void tell_ready();
  // Where this process's own successor tells the guardian; -1 where there is none.
  [[nodiscard]] int guardian() const { return guardian_; }

 private:
  // Nobody's to close: that the system does so at this process's end tells of a failure, and doing
  // it earlier would tell of one while there is no exit status yet.
  int ready_ = -1;
  int guardian_ = -1;
};

// A process that is to replace this one. Movable value; the process outlives it.
class Successor {
 public:
  // Starts `command` (the program's path, then its arguments), read from the disk anew, with
  // `sockets` to listen on. It tells at `guardian` who it is when it serves, unless that is -1. Any
  // thread may run meanwhile. The error is a sentence for the operator.
  [[nodiscard]] static base::Result<Successor, std::string> start(
      const std::vector<std::string>& command, const std::vector<int>& sockets, int guardian);

  [[nodiscard]] pid_t pid() const { return pid_; }
  // Blocks until it serves. The error says what became of it instead; it has ended then.
  [[nodiscard]] base::Result<std::monostate, std::string> wait_until_ready();

 private:
  Successor(pid_t pid, base::Fd ready) : ready_(std::move(ready)), pid_(pid) {}
  [[nodiscard]] std::string end() const;

  base::Fd ready_;
  pid_t pid_;
};

// What `argv` was started as, to be started again: another file may be at its path by now.
[[nodiscard]] std::vector<std::string> command_of(int argc, char** argv);

}  // namespace process
