#pragma once

// The running program as signals steer it: reload, drain, replacement by a new process.

#include <atomic>
#include <csignal>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "process/guardian.h"
#include "process/handover.h"
#include "process/options.h"
#include "server/server.h"

namespace process {

// What the program handles, to be blocked in every thread before any is started.
[[nodiscard]] sigset_t handled_signals();

// Resource. Serves signals until the server has drained; threads that wait for something wake it by
// a signal of their own.
class SignalLoop {
 public:
  // `guardian`: where a new process tells the guardian of this one, -1 without one. `command` is
  // what to start anew. The others outlive it.
  SignalLoop(server::Server& server,
             const Options& options,
             std::vector<std::string> command,
             int guardian);

  // Returns the exit status of a process that ends now.
  int run();

  // After run(): the guardian that this process has to go on as instead of ending.
  [[nodiscard]] std::optional<Guardian> take_guardian();

 private:
  void handle(const siginfo_t& info);
  void reload();
  void on_woken();
  void on_child_ended();
  void end(const siginfo_t& info);
  void drain();
  void start_successor();
  void on_successor();
  void wake() const;

  server::Server& server_;
  const Options& options_;
  std::vector<std::string> command_;
  int guardian_above_;
  std::optional<Guardian> guardian_;  // this process, once it has started a successor
  std::thread drained_;               // waits until the workers have ended
  std::thread started_;               // waits until the successor serves, or does not
  std::optional<Successor> successor_;
  std::string failure_;  // why it does not; of `started_` until that is done
  std::atomic<bool> is_drained_ = false;
  std::atomic<bool> is_started_ = false;
  bool is_replaced_ = false;   // the successor serves
  int ends_ = 0;               // signals to end, from anybody
  int ends_passed_on_ = 0;     // and from the guardian, the same ones perhaps
  std::optional<int> status_;  // to exit with
};

}  // namespace process
