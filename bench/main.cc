// The load tool's command line: which part of it is meant, signals, what goes where.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include "base/descriptor_limit.h"
#include "base/log.h"
#include "base/standard_streams.h"
#include "bench/base/command_line.h"
#include "bench/base/units.h"
#include "bench/load/ask.h"
#include "bench/load/load.h"
#include "bench/load/run_options.h"
#include "bench/report/report.h"
#include "bench/serve/serve.h"
#include "bench/serve/serve_options.h"
#include "tls/context.h"

namespace {

using bench::Ending;

constexpr int exit_by_signal = 130;
constexpr uint64_t descriptors_spare = 64;
constexpr uint64_t progress_interval_s = 5;  // of lines that do not replace each other

// Set by the first signal; the second ends the program on the spot.
std::atomic<bool> stop{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void on_signal(int /*signal*/) {
  if (stop.exchange(true)) _exit(exit_by_signal);
}

int complain(std::string_view text, int code = bench::exit_usage) {
  base::print(stderr, "openai-proxy-bench: {}\n", text);
  return code;
}

int end(const Ending& ending) {
  if (ending.code != 0) return complain(ending.text, ending.code);
  base::print(stdout, "{}\n", ending.text);
  return 0;
}

// Run.

class ProgressLine {
 public:
  void show(const bench::load::Progress& progress) {
    const uint64_t seconds = progress.elapsed_ns / 1'000'000'000;
    if (!is_terminal_ && seconds % progress_interval_s != 0) return;
    const bench::load::Sample& last = progress.last_second;
    std::string line = fmt::format("{} s  {} req/s", seconds, bench::count_text(last.requests));
    if (last.events > 0) line += fmt::format("  {} events/s", bench::count_text(last.events));
    if (last.requests > 0) {
      line += "  p99 " + bench::duration_text(static_cast<double>(last.p99_ns) / 1e3);
    }
    line += fmt::format("  {} open  {} failed",
                        bench::count_text(progress.open_requests),
                        bench::count_text(progress.failed));
    // On a terminal each line takes the place of the one before.
    base::print(stderr, "{}{}{}", is_terminal_ ? "\r\x1b[K" : "", line, is_terminal_ ? "" : "\n");
  }
  void clear() const {
    if (is_terminal_) base::print(stderr, "\r\x1b[K");
  }

 private:
  bool is_terminal_ = isatty(STDERR_FILENO) == 1;
};

// What is wrong before the run begins, as a sentence, so that none is for nothing.
std::optional<std::string> problem_of_limit(uint32_t connections) {
  const uint64_t descriptors = base::raise_descriptor_limit();
  if (descriptors >= connections + descriptors_spare) return {};
  return fmt::format("{} connections need more than the {} open files allowed: raise `ulimit -Hn`",
                     connections,
                     descriptors);
}

std::optional<std::string> problem_of_file(const std::string& path) {
  if (path.empty() || path == "-") return {};
  const std::ofstream file(path, std::ios::app);
  if (file) return {};
  return fmt::format("{} cannot be written: {}", path, std::strerror(errno));
}

bool write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::trunc);
  file << text;
  file.close();
  if (!file) complain(fmt::format("{} could not be written", path));
  return !file.fail();
}

int run(const std::vector<std::string>& words) {
  auto parsed = bench::load::parse_run(words);
  if (const auto* ending = std::get_if<Ending>(&parsed)) return end(*ending);
  const auto& options = std::get<bench::load::RunOptions>(parsed);
  const bench::load::Plan& plan = options.plan;
  for (const auto& problem : {problem_of_limit(plan.connections),
                              problem_of_file(options.json_file),
                              problem_of_file(options.html_file)}) {
    if (problem) return complain(*problem, bench::exit_failed);
  }
  ProgressLine line;
  const auto on_progress = [&](const bench::load::Progress& progress) {
    if (!options.quiet) line.show(progress);
  };
  const auto outcome = bench::load::run_load(plan, on_progress, stop);
  if (!options.quiet) line.clear();
  if (!outcome) return complain(outcome.error(), bench::exit_failed);
  if (options.json_file == "-") {
    base::print(stdout, "{}", bench::report::json_report(plan, *outcome));
  } else if (!options.quiet) {
    base::print(stdout, "{}", bench::report::text_report(plan, *outcome));
  }
  bool is_written = true;
  if (!options.json_file.empty() && options.json_file != "-") {
    is_written = write_file(options.json_file, bench::report::json_report(plan, *outcome));
  }
  if (!options.html_file.empty()) {
    is_written =
        write_file(options.html_file, bench::report::html_report(plan, *outcome)) && is_written;
  }
  return outcome->measures.failed() > 0 || !is_written ? bench::exit_failed : 0;
}

// Serve.

int serve(const std::vector<std::string>& words) {
  auto parsed = bench::serve::parse_serve(words);
  if (const auto* ending = std::get_if<Ending>(&parsed)) return end(*ending);
  const auto& options = std::get<bench::serve::Options>(parsed);
  const auto served = bench::serve::serve(
      options,
      [&listen = options.listen](uint16_t port) {
        const std::string host = listen.substr(0, listen.rfind(':'));
        base::print(
            stdout, "listening on {}\n", port == 0 ? listen : fmt::format("{}:{}", host, port));
        std::fflush(stdout);
      },
      stop);
  if (!served) return complain(served.error(), bench::exit_failed);
  base::print(stderr,
              "served {} requests on {} connections\n",
              bench::count_text(served->requests),
              bench::count_text(served->connections));
  return 0;
}

// Ask.

int ask(const std::vector<std::string>& words) {
  auto parsed = bench::load::parse_ask(words);
  if (const auto* ending = std::get_if<Ending>(&parsed)) return end(*ending);
  const auto& options = std::get<bench::load::RunOptions>(parsed);
  bool has_text = false;
  const auto answer = bench::load::ask(
      options.plan,
      [&has_text](std::string_view text) {
        base::print(stdout, "{}", text);
        std::fflush(stdout);
        has_text = true;
      },
      stop);
  if (has_text) base::print(stdout, "\n");
  std::fflush(stdout);
  if (stop) return exit_by_signal;
  if (!answer) return complain(answer.error(), bench::exit_failed);
  if (!options.quiet) {
    base::print(stderr,
                "({} events, the first after {}, all after {})\n",
                answer->events,
                bench::duration_text(static_cast<double>(answer->first_token_ns) / 1e3),
                bench::duration_text(static_cast<double>(answer->total_ns) / 1e3));
  }
  return 0;
}

// Page.

int page(const std::vector<std::string>& words) {
  std::vector<std::string> json_files;
  std::string html_file;
  CLI::App app("Makes a web page of results: one run, several side by side, or a comparison.",
               "openai-proxy-bench page");
  app.add_option("RESULT.json", json_files, "what --json wrote")->required();
  app.add_option("--html,-o,--output", html_file, "the page to write")->required();
  app.footer(
      "Example:\n"
      "  openai-proxy-bench page direct.json proxied.json -o both.html\n\n"
      "Ends with 1 when a file cannot be read or written, 2 when the command line is wrong.");
  if (const auto ending = bench::parse(app, words)) return end(*ending);
  const auto rendered = bench::report::render_page_file(json_files, html_file);
  return rendered ? 0 : complain(rendered.error(), bench::exit_failed);
}

constexpr std::string_view overview =
    R"(openai-proxy-bench: load for OpenAI-like servers and the proxies before them

  openai-proxy-bench [SCENARIO] URL [OPTIONS]  load a target and measure
  openai-proxy-bench serve [OPTIONS]           be an upstream that answers like the API
  openai-proxy-bench ask URL [OPTIONS]         ask one question and print the answer as it streams
  openai-proxy-bench page RESULT.json -o FILE  make a web page of results

Each of them, and each scenario, has its --help; -V prints the version.)";

int dispatch(std::vector<std::string> words) {
  if (words.empty()) {
    base::print(stderr, "{}\n", overview);
    return bench::exit_usage;
  }
  // "help", "help serve".
  if (words.front() == "help") {
    words.erase(words.begin());
    words.resize(std::min<size_t>(words.size(), 1));
    words.emplace_back("--help");
  }
  const std::string& first = words.front();
  if (first == "-h" || first == "--help")
    base::print(stdout, "{}\n\nA load, in full:\n\n", overview);
  const std::vector<std::string> rest(words.begin() + 1, words.end());
  if (first == "page") return page(rest);
  if (first == "serve") return serve(rest);
  if (first == "ask") return ask(rest);
  return run(words);
}

}  // namespace

// What escapes the flags' library is want of memory, which ends the program anyway.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) {
  base::open_standard_streams();
  // Writing to a connection that is gone must be an error, not the end.
  std::signal(SIGPIPE, SIG_IGN);
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  base::set_log_level(base::LogLevel::warning);
  if (const auto failed = tls::init()) return complain(*failed, bench::exit_failed);
  return base::end_output(dispatch({argv + 1, argv + argc}));
}
