// The program: flags, configuration, signals. All wiring is here; the work is in the Server.

#include <CLI/CLI.hpp>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <pthread.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/standard_streams.h"
#include "config/load.h"
#include "net/inherited.h"
#include "process/handover.h"
#include "process/service_manager.h"
#include "server/server.h"
#include "tls/context.h"

namespace {

// What the command line says; it wins over the file.
struct Options {
  std::string config_file;
  std::string listen;
  std::string upstream;
  std::string log_level;
  bool check = false;
  bool print_config = false;
};

constexpr int exit_usage = 2;

int complain(const std::string& text) {
  base::print(stderr, "openai-proxy: {}\n", text);
  return exit_usage;
}

base::Result<config::Config, std::string> load(const Options& options) {
  config::Config config = config::default_config();
  if (!options.config_file.empty()) {
    auto loaded = config::load_file(options.config_file);
    if (!loaded) return loaded.error().text();
    config = std::move(*loaded);
  }
  if (!options.listen.empty()) {
    const auto listen = config::parse_listen(options.listen);
    if (!listen) return "--listen: " + listen.error();
    // What else the file says of it stays: TLS must not be lost with its address.
    config::Listen& first = config.listen.front();
    first.host = listen->host;
    first.port = listen->port;
    first.unix_path = listen->unix_path;
  }
  if (!options.upstream.empty()) {
    const auto upstream = config::parse_upstream(options.upstream);
    if (!upstream) return "--upstream: " + upstream.error();
    config.upstreams.at("openai").url = *upstream;
  }
  if (!options.log_level.empty()) {
    const auto level = config::parse_log_level(options.log_level);
    if (!level) return "--log-level: " + level.error();
    config.log.level = *level;
  }
  return config;
}

void reload(server::Server& server, const Options& options) {
  auto loaded = load(options);
  if (!loaded) {
    base::log_error("reload refused, the former configuration stays: {}", loaded.error());
    return;
  }
  const auto reloaded = server.reload(std::make_shared<const config::Config>(std::move(*loaded)));
  if (!reloaded) {
    base::log_error("reload refused, the former configuration stays: {}", reloaded.error());
    return;
  }
  base::log_info("configuration reloaded");
}

sigset_t handled_signals() {
  sigset_t signals{};
  sigemptyset(&signals);
  for (const int signal : {SIGHUP, SIGTERM, SIGINT, SIGUSR1, SIGUSR2})
    sigaddset(&signals, signal);
  return signals;
}

// Serves signals until the server has drained. They are blocked in every thread; threads that wait
// for something wake this one by one of them.
class SignalLoop {
 public:
  SignalLoop(server::Server& server, const Options& options, std::vector<std::string> command)
      : server_(server), options_(options), command_(std::move(command)) {}

  // Returns the exit status.
  int run();

 private:
  void drain();
  void end();
  void start_successor();
  void on_successor();

  server::Server& server_;
  const Options& options_;
  std::vector<std::string> command_;
  std::thread drained_;  // waits until the workers have ended
  std::thread started_;  // waits until the successor serves, or does not
  std::optional<process::Successor> successor_;
  std::string failure_;  // why it does not; of `started_` until that is done
  std::atomic<bool> is_started_ = false;
  bool is_ending_ = false;    // asked to
  bool is_replaced_ = false;  // the successor serves
};

void SignalLoop::drain() {
  if (drained_.joinable()) return;
  server_.drain();
  drained_ = std::thread([this] {
    server_.wait();
    sigqueue(getpid(), SIGTERM, {});
  });
}

void SignalLoop::end() {
  if (std::exchange(is_ending_, true)) {
    base::log_warning("second signal, ending at once");
    std::_Exit(1);
  }
  base::log_info("draining; a second signal ends at once");
  if (!is_replaced_) process::tell_service_manager("STOPPING=1");
  drain();
}

void SignalLoop::start_successor() {
  if (drained_.joinable()) {
    base::log_warning("SIGUSR2 refused: draining already");
    return;
  }
  base::log_info("starting {} anew, to take over", command_.front());
  auto started = process::Successor::start(command_, server_.listening_sockets());
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
    sigqueue(getpid(), SIGUSR2, {});
  });
}

void SignalLoop::on_successor() {
  started_.join();
  if (!failure_.empty()) {
    base::log_error("not replaced, serving on: the new process: {}", failure_);
    return;
  }
  is_replaced_ = true;
  if (is_ending_) {
    // It was not there yet to be told.
    kill(successor_->pid(), SIGTERM);
    return;
  }
  base::log_info("process {} serves now, draining", successor_->pid());
  process::tell_service_manager(fmt::format("MAINPID={}", successor_->pid()));
  drain();
}

int SignalLoop::run() {
  const sigset_t signals = handled_signals();
  constexpr timespec certificates_interval{.tv_sec = 5, .tv_nsec = 0};
  while (true) {
    siginfo_t info{};
    // Without files to look at it does not wake for nothing.
    const timespec* timeout = server_.has_certificates() ? &certificates_interval : nullptr;
    if (sigtimedwait(&signals, &info, timeout) < 0) {
      if (errno == EAGAIN) server_.renew_certificates();
      continue;
    }
    switch (info.si_signo) {
      case SIGHUP:
        reload(server_, options_);
        break;
      case SIGUSR1:
        server_.reopen_logs();
        break;
      case SIGUSR2:
        // One that was sent from outside may stand for the thread's own, too.
        if (!started_.joinable()) {
          start_successor();
        } else if (is_started_) {
          on_successor();
        }
        break;
      default:
        if (drained_.joinable() && info.si_code == SI_QUEUE) {
          drained_.join();
          if (started_.joinable()) on_successor();
          base::log_info("drained, ending");
          return 0;
        }
        end();
        break;
    }
  }
}

int run(const Options& options, std::vector<std::string> command) {
  // Neither is for a child's eyes, nor for ${NAME}.
  auto inherited = net::InheritedSockets::from_environment();
  process::Predecessor predecessor = process::Predecessor::from_environment();
  auto loaded = load(options);
  if (!loaded) return complain(loaded.error());
  if (options.print_config) {
    base::print(stdout, "{}", config::to_yaml(*loaded));
    return base::end_output(0);
  }
  if (options.check) {
    base::print(stdout, "the configuration is valid\n");
    return base::end_output(0);
  }
  base::set_log_level(loaded->log.level);
  if (const auto failed = tls::init()) return complain(*failed);
  server::Server server(std::make_shared<const config::Config>(std::move(*loaded)));
  if (!inherited) return complain(inherited.error());
  const auto started = server.start(*std::move(inherited));
  if (!started) return complain(started.error());
  if (predecessor.is_there()) {
    predecessor.tell_ready();
  } else {
    process::tell_service_manager("READY=1");
  }
  return SignalLoop(server, options, std::move(command)).run();
}

}  // namespace

// What escapes the flags' library is want of memory, which ends the program anyway.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) {
  base::open_standard_streams();
  // Writing to a connection that is gone must be an error, not the end.
  std::signal(SIGPIPE, SIG_IGN);
  const sigset_t signals = handled_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  Options options;
  CLI::App app(
      "Forwards HTTP requests to the OpenAI API and streams the answers back, with CORS.\n"
      "Without options: listens on 0.0.0.0:8080, forwards to https://api.openai.com.",
      "openai-proxy");
  app.add_option("--config", options.config_file, "YAML file; see conf/openai-proxy.yaml");
  app.add_option("--listen", options.listen, "first listener: HOST:PORT, [V6]:PORT or unix:PATH");
  app.add_option("--upstream", options.upstream, "URL of the default upstream");
  app.add_option("--log-level", options.log_level, "debug, info, warning or error");
  app.add_flag("--check", options.check, "validate the configuration and exit");
  app.add_flag(
      "--print-config", options.print_config, "print the effective configuration and exit");
  app.set_version_flag("--version", "openai-proxy " OPENAI_PROXY_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return base::end_output(app.exit(error));
  }
  return run(options, process::command_of(argc, argv));
}
