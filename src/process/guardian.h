#pragma once

// Who waits for the program knows one process: PID 1 of a container ends all others with it, and an
// init, a shell, `make` or a supervisor takes the end of its child for the program's. So the first
// process stays when new ones take over, one after the other: as their guardian it does nothing but
// pass signals on and wait, and it ends as the program does.

#include <csignal>
#include <optional>
#include <string>
#include <sys/types.h>
#include <variant>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace process {

// Resource, one per process at most. One thread.
class Guardian {
 public:
  // Whether this process has to become one before it is replaced. Not where a service manager is
  // told which process to wait for (NOTIFY_SOCKET), unless this is PID 1.
  [[nodiscard]] static bool is_needed();

  // From now on processes whose parent has ended become this one's children. The error is a
  // sentence for the operator.
  [[nodiscard]] static base::Result<Guardian, std::string> make();

  // Where a process that takes over writes its pid, see Predecessor::tell_ready().
  [[nodiscard]] int announcements() const { return write_end_.get(); }

  // `pid`, a child, serves now.
  void take_over(pid_t pid);

  // TERM and INT and USR1 are for all that have served and still run, others for the one that
  // serves.
  void pass_on(int signal);

  // Takes leave of children that have ended, also of those that only became ours. The program's
  // exit status where it is over: its serving process has ended, and so have, once TERM or INT was
  // passed on, the others.
  [[nodiscard]] std::optional<int> reap();

  // Passes signals on until the program is over. `signals` are blocked in every thread. Returns
  // the exit status.
  [[nodiscard]] int run(const sigset_t& signals);

 private:
  Guardian(base::Fd read_end, base::Fd write_end);
  void hear();

  base::Fd read_end_;
  base::Fd write_end_;
  std::vector<pid_t> running_;  // the last one serves, the others drain
  std::optional<int> status_;   // the serving one's, once it has ended
  bool is_ending_ = false;
};

// Whether a guardian passed this signal on. Who sends a signal to a whole process group reaches its
// processes twice, and that is no second signal.
[[nodiscard]] bool is_passed_on(const siginfo_t& info);

// Takes leave of children that have ended and are nobody's: PID 1 inherits them.
void reap_strangers();

}  // namespace process
