#include "process/guardian.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "base/log.h"

namespace process {
namespace {

// Goes with each signal passed on.
constexpr int passed_on_mark = 0x6f61'7078;

// As a shell says it.
int exit_status_of(int status) {
  constexpr int by_signal = 128;
  return WIFSIGNALED(status) ? by_signal + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

bool Guardian::is_needed() {
  return ::getpid() == 1 || std::getenv("NOTIFY_SOCKET") == nullptr;
}

base::Result<Guardian, std::string> Guardian::make() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0 || ::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
    return std::string("cannot watch over a new process: ") + std::strerror(errno) +
           (errno == EMFILE ? "; raise `ulimit -n`" : "");
  }
  return Guardian(base::Fd(ends[0]), base::Fd(ends[1]));
}

Guardian::Guardian(base::Fd read_end, base::Fd write_end)
    : read_end_(std::move(read_end)), write_end_(std::move(write_end)) {}

void Guardian::take_over(pid_t pid) {
  if (std::find(running_.begin(), running_.end(), pid) == running_.end()) running_.push_back(pid);
}

// A process announces itself before the one it replaces ends, so nothing is missed by hearing when
// there is something to do.
void Guardian::hear() {
  pid_t pid = 0;
  while (::read(read_end_.get(), &pid, sizeof pid) == sizeof pid)
    take_over(pid);
}

void Guardian::pass_on(int signal) {
  hear();
  const bool is_end = signal == SIGTERM || signal == SIGINT;
  is_ending_ = is_ending_ || is_end;
  for (const pid_t pid : running_) {
    if (is_end || signal == SIGUSR1 || pid == running_.back()) {
      ::sigqueue(pid, signal, sigval{.sival_int = passed_on_mark});
    }
  }
}

std::optional<int> Guardian::reap() {
  hear();
  int status = 0;
  for (pid_t pid = ::waitpid(-1, &status, WNOHANG); pid > 0;
       pid = ::waitpid(-1, &status, WNOHANG)) {
    const auto found = std::find(running_.begin(), running_.end(), pid);
    if (found == running_.end()) continue;
    if (pid == running_.back()) status_ = exit_status_of(status);
    running_.erase(found);
  }
  if (!status_ || (is_ending_ && !running_.empty())) return std::nullopt;
  return status_;
}

int Guardian::run(const sigset_t& signals) {
  std::optional<int> status = reap();
  while (!status) {
    siginfo_t info{};
    if (::sigwaitinfo(&signals, &info) < 0) continue;
    if (info.si_signo != SIGCHLD) pass_on(info.si_signo);
    status = reap();
  }
  if (*status != 0) base::log_error("the process that served ended with status {}", *status);
  return *status;
}

bool is_passed_on(const siginfo_t& info) {
  return info.si_code == SI_QUEUE && info.si_value.sival_int == passed_on_mark;
}

void reap_strangers() {
  while (::waitpid(-1, nullptr, WNOHANG) > 0)
    continue;
}

}  // namespace process
