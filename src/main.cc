// The program: flags, configuration, signals. All wiring is here; the work is in the Server.

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <malloc.h>
#include <memory>
#include <optional>
#include <pthread.h>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/standard_streams.h"
#include "config/load.h"
#include "net/inherited.h"
#include "process/guardian.h"
#include "process/handover.h"
#include "process/options.h"
#include "process/service_manager.h"
#include "process/signal_loop.h"
#include "server/loops.h"
#include "server/server.h"
#include "tls/context.h"

namespace {

constexpr int exit_usage = 2;

int complain(const std::string& text) {
  base::print(stderr, "openai-proxy: {}\n", text);
  return exit_usage;
}

int run(const process::Options& options, std::vector<std::string> command) {
  // Neither is for a child's eyes, nor for ${NAME}.
  auto inherited = net::InheritedSockets::from_environment();
  process::Predecessor predecessor = process::Predecessor::from_environment();
  auto loaded = process::load(options);
  if (!loaded) return complain(loaded.error());
  if (options.print_config) {
    base::print(stdout, "{}", config::to_yaml(*loaded));
    return base::end_output(0);
  }
  if (options.check) {
    const auto loops = server::find_loops(*loaded, server::addresses_of(loaded->listen));
    if (!loops.empty()) return complain(loops.front());
    base::print(stdout, "the configuration is valid\n");
    return base::end_output(0);
  }
  base::set_log_level(loaded->log.level);
  if (const auto failed = tls::init()) return complain(*failed);
  if (!inherited) return complain(inherited.error());
  std::optional<process::Guardian> guardian;
  {
    server::Server server(std::make_shared<const config::Config>(std::move(*loaded)));
    const auto started = server.start(*std::move(inherited));
    if (!started) return complain(started.error());
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

}  // namespace

// What escapes the flags' library is want of memory, which ends the program anyway.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) {
  base::open_standard_streams();
  // Writing to a connection that is gone must be an error, not the end.
  std::signal(SIGPIPE, SIG_IGN);
  const sigset_t signals = process::handled_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  process::Options options;
  CLI::App app(
      "Forwards HTTP requests to the OpenAI API and streams the answers back, with CORS.\n"
      "Without options: listens on 0.0.0.0:8080, forwards to https://api.openai.com.",
      "openai-proxy");
  app.add_option("--config", options.config_file, "YAML file; see conf/openai-proxy.yaml");
  app.add_option("--listen", options.listen, "first listener: HOST:PORT, [V6]:PORT or unix:PATH");
  app.add_option("--upstream", options.upstream, "URL of the default upstream, or unix:PATH");
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
