#include "process/signal_loop.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fmt/format.h>
#include <memory>
#include <string_view>
#include <unistd.h>
#include <utility>

#include "base/log.h"
#include "process/service_manager.h"

namespace process {
namespace {

// Our own threads' signal. One of the real-time ones, which are not lost among others.
int wake_signal() {
  return SIGRTMIN;
}

}  // namespace

sigset_t handled_signals() {
  sigset_t signals{};
  sigemptyset(&signals);
  for (const int signal : {SIGHUP, SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGCHLD, wake_signal()})
    sigaddset(&signals, signal);
  return signals;
}

SignalLoop::SignalLoop(server::Server& server,
                       const Options& options,
                       std::vector<std::string> command,
                       int guardian)
    : server_(server), options_(options), command_(std::move(command)), guardian_above_(guardian) {}

int SignalLoop::run() {
  const sigset_t signals = handled_signals();
  constexpr timespec files_interval{.tv_sec = 5, .tv_nsec = 0};
  while (!status_) {
    siginfo_t info{};
    // Without files to look at it does not wake for nothing.
    const bool has_files = server_.has_certificates() || server_.has_secret_files();
    const timespec* timeout = has_files ? &files_interval : nullptr;
    if (sigtimedwait(&signals, &info, timeout) >= 0) {
      handle(info);
    } else if (errno == EAGAIN) {
      server_.renew_certificates();
      server_.renew_secrets();
    }
  }
  return *status_;
}

std::optional<Guardian> SignalLoop::take_guardian() {
  return is_replaced_ ? std::move(guardian_) : std::nullopt;
}

void SignalLoop::handle(const siginfo_t& info) {
  const bool is_guardian = guardian_ && is_replaced_;
  // Our own wake-ups and children are nobody else's business.
  const bool is_for_all = info.si_signo != wake_signal() && info.si_signo != SIGCHLD;
  if (is_guardian && is_for_all) guardian_->pass_on(info.si_signo);
  switch (info.si_signo) {
    case SIGHUP:
      if (!is_guardian) reload();
      break;
    case SIGUSR1:
      server_.reopen_logs();
      break;
    case SIGUSR2:
      if (!is_guardian) start_successor();
      break;
    case SIGCHLD:
      on_child_ended();
      break;
    case SIGTERM:
    case SIGINT:
      end(info);
      break;
    default:
      on_woken();
      break;
  }
}

void SignalLoop::reload() {
  auto loaded = load(options_);
  if (!loaded) {
    // A line each: within one, a line's end is escaped.
    std::string_view rest = loaded.error();
    while (!rest.empty()) {
      const size_t end = std::min(rest.find('\n'), rest.size());
      base::log_error("reload refused, the former configuration stays: {}", rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return;
  }
  const auto reloaded = server_.reload(std::make_shared<const config::Config>(std::move(*loaded)));
  if (!reloaded) {
    base::log_error("reload refused, the former configuration stays: {}", reloaded.error());
    return;
  }
  base::log_info("configuration reloaded");
}

void SignalLoop::wake() const {
  sigqueue(getpid(), wake_signal(), {});
}

void SignalLoop::on_woken() {
  if (is_started_ && started_.joinable()) on_successor();
  if (!is_drained_) return;
  drained_.join();
  if (started_.joinable()) on_successor();
  if (guardian_ && is_replaced_) {
    base::log_info("drained, staying to pass signals on to process {}", successor_->pid());
  } else {
    base::log_info("drained, ending");
  }
  status_ = 0;
}

void SignalLoop::on_child_ended() {
  // How one ended that does not serve yet, its thread asks.
  if (started_.joinable()) return;
  if (!guardian_ || !is_replaced_) {
    // A successor that ends before this process does is left to the guardian, which inherits it.
    if (!is_replaced_) reap_strangers();
    return;
  }
  const std::optional<int> status = guardian_->reap();
  if (!status || ends_ + ends_passed_on_ > 0) return;
  // Whoever waits for this process starts the program again: sooner, the sooner it ends.
  base::log_error("the new process ended with status {}, ending", *status);
  std::_Exit(*status);
}

void SignalLoop::drain() {
  if (drained_.joinable()) return;
  server_.drain();
  drained_ = std::thread([this] {
    server_.wait();
    is_drained_ = true;
    wake();
  });
}

void SignalLoop::end(const siginfo_t& info) {
  const int times = is_passed_on(info) ? ++ends_passed_on_ : ++ends_;
  if (times > 1) {
    base::log_warning("second signal, ending at once");
    std::_Exit(1);
  }
  // The same one, that reached us both ways.
  if (ends_ + ends_passed_on_ > 1) return;
  base::log_info("draining; a second signal ends at once");
  if (!is_replaced_) tell_service_manager("STOPPING=1");
  drain();
}

void SignalLoop::start_successor() {
  if (started_.joinable()) return;
  if (drained_.joinable()) {
    base::log_warning("SIGUSR2 refused: draining already");
    return;
  }
  if (guardian_above_ < 0 && !guardian_ && Guardian::is_needed()) {
    auto made = Guardian::make();
    if (!made) {
      base::log_error("not replaced, serving on: {}", made.error());
      return;
    }
    guardian_ = *std::move(made);
  }
  base::log_info("starting {} anew, to take over", command_.front());
  const int announcements = guardian_ ? guardian_->announcements() : guardian_above_;
  auto started = Successor::start(command_, server_.listening_sockets(), announcements);
  if (!started) {
    base::log_error("not replaced, serving on: {}", started.error());
    return;
  }
  successor_ = *std::move(started);
  is_started_ = false;
  started_ = std::thread([this] {
    const auto ready = successor_->wait_until_ready();
    failure_ = ready ? "" : ready.error();
    is_started_ = true;
    wake();
  });
}

void SignalLoop::on_successor() {
  started_.join();
  if (!failure_.empty()) {
    base::log_error("not replaced, serving on: the new process: {}", failure_);
    return;
  }
  is_replaced_ = true;
  if (guardian_) guardian_->take_over(successor_->pid());
  if (ends_ + ends_passed_on_ > 0) {
    // It was not there yet to be told.
    guardian_ ? guardian_->pass_on(SIGTERM) : static_cast<void>(kill(successor_->pid(), SIGTERM));
    return;
  }
  base::log_info("process {} serves now, draining", successor_->pid());
  if (!guardian_) tell_service_manager(fmt::format("MAINPID={}", successor_->pid()));
  drain();
}

}  // namespace process
