// The program: flags, configuration, signals. All wiring is here; the work is in the Server.

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <malloc.h>
#include <memory>
#include <optional>
#include <pthread.h>
#include <string>
#include <sys/resource.h>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/standard_streams.h"
#include "config/load.h"
#include "net/inherited.h"
#include "process/commands.h"
#include "process/greeting.h"
#include "process/guardian.h"
#include "process/handover.h"
#include "process/options.h"
#include "process/service_manager.h"
#include "process/signal_loop.h"
#include "server/check.h"
#include "server/server.h"
#include "tls/context.h"

namespace {

int complain(const std::string& text, int status) {
  base::print(stderr, "openai-proxy: {}\n", text);
  return status;
}

// All that is wrong with what the configuration names; its exit status.
int complain_of(const std::vector<std::string>& wrong) {
  for (const std::string& each : wrong)
    complain(each, process::exit_usage);
  return process::exit_usage;
}

void greet(const config::Config& config, const std::string& file, const server::Server& server) {
  const process::Started started{.config_file = file,
                                 .listening = server.listening(),
                                 .admin = server.admin_listening(),
                                 .unused_proxy = process::outgoing_proxy_variable()};
  for (const process::GreetingLine& line : process::greeting(config, started)) {
    if (base::log_enabled(line.level)) base::log_line(line.level, line.text);
  }
}

int run(const process::Options& options, std::vector<std::string> command) {
  // Neither is for a child's eyes, nor for ${NAME}.
  auto inherited = net::InheritedSockets::from_environment();
  process::Predecessor predecessor = process::Predecessor::from_environment();
  auto loaded = process::load(options);
  if (!loaded) return complain(loaded.error(), process::exit_usage);
  if (options.command == process::Command::print_usage) {
    return process::print_usage(*loaded, options.usage);
  }
  if (options.command == process::Command::print_clients) return process::print_clients(*loaded);
  if (options.print_config) {
    base::print(stdout, "{}", config::to_yaml(*loaded));
    return base::end_output(0);
  }
  if (const auto failed = tls::init()) return complain(*failed, process::exit_failed);
  if (options.check) {
    const auto wrong = server::check(*loaded);
    if (!wrong.empty()) return complain_of(wrong);
    base::print(stdout, "the configuration is valid\n");
    return base::end_output(0);
  }
  base::set_log_level(loaded->log.level);
  // How it was called is wrong, as with a flag.
  if (!inherited) return complain(inherited.error(), process::exit_usage);
  std::optional<process::Guardian> guardian;
  {
    const auto config = std::make_shared<const config::Config>(std::move(*loaded));
    server::Server server(config);
    const auto started = server.start(*std::move(inherited));
    if (!started) {
      // All of it, if it is what the configuration names.
      const auto wrong = server::check(*config);
      return wrong.empty() ? complain(started.error(), process::exit_failed) : complain_of(wrong);
    }
    greet(*config, options.config_file, server);
    if (predecessor.is_there()) {
      predecessor.tell_ready();
    } else {
      process::tell_service_manager("READY=1");
    }
    process::SignalLoop signals(server, options, std::move(command), predecessor.guardian());
    const int status = signals.run();
    guardian = signals.take_guardian();
    if (!guardian) return status;
  }
  // Of what served nothing is left.
  malloc_trim(0);
  return guardian->run(process::handled_signals());
}

// Keys and tokens pass through its memory, so that is not written to a disk. 1 also stops what
// core_pattern pipes to, which 0 does not.
void leave_no_core() {
  rlimit limit{};
  if (getrlimit(RLIMIT_CORE, &limit) != 0) return;
  limit.rlim_cur = std::min<rlim_t>(1, limit.rlim_max);
  setrlimit(RLIMIT_CORE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
  base::open_standard_streams();
  leave_no_core();
  // Writing to a connection that is gone must be an error, not the end.
  std::signal(SIGPIPE, SIG_IGN);
  const sigset_t signals = process::handled_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  auto options = process::parse_options(argc, argv);
  if (!options) return options.error();
  if (options->command == process::Command::make_token) {
    if (const auto failed = tls::init()) return complain(*failed, process::exit_failed);
    return process::make_token(options->token_for);
  }
  return run(*options, process::command_of(argc, argv));
}
