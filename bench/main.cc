// The load tool's command line: which part of it is meant, signals, what goes where.

#include <CLI/CLI.hpp>
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
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

#include "base/log.h"
#include "base/standard_streams.h"
#include "bench/base/arguments.h"
#include "bench/base/units.h"
#include "bench/load/ask.h"
#include "bench/load/load.h"
#include "bench/load/run_options.h"
#include "bench/report/report.h"
#include "bench/serve/serve.h"
#include "tls/context.h"

namespace {

using bench::load::Ending;

constexpr int exit_failed = 1;
constexpr int exit_by_signal = 130;
constexpr rlim_t descriptors_spare = 64;
constexpr uint64_t progress_interval_s = 5;  // of lines that do not replace each other

// Set by the first signal; the second ends the program on the spot.
std::atomic<bool> stop{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void on_signal(int /*signal*/) {
  if (stop.exchange(true)) _exit(exit_by_signal);
}

int complain(std::string_view text, int code = bench::load::exit_usage) {
  base::print(stderr, "openai-proxy-bench: {}\n", text);
  return code;
}

int end(const Ending& ending) {
  if (ending.code != 0) return complain(ending.text, ending.code);
  base::print(stdout, "{}\n", ending.text);
  return 0;
}

// Parses `words`; what is to be done instead of going on, if anything.
std::optional<Ending> parse(CLI::App& app, std::vector<std::string> words) {
  std::reverse(words.begin(), words.end());  // as CLI11 wants them
  try {
    app.parse(words);
  } catch (const CLI::CallForHelp&) {
    return Ending{0, app.help()};
  } catch (const CLI::ParseError& error) {
    return Ending{bench::load::exit_usage,
                  fmt::format("{}\nSee {} --help", error.what(), app.get_name())};
  }
  return {};
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

// What is wrong with it, as a sentence.
std::optional<std::string> raise_descriptor_limit(uint32_t connections) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(setrlimit(RLIMIT_NOFILE, &limit));
  if (limit.rlim_max >= connections + descriptors_spare) return {};
  return fmt::format("{} connections need more than the {} open files allowed: raise `ulimit -Hn`",
                     connections,
                     limit.rlim_max);
}

// Before the run, so that none is for nothing.
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
  for (const auto& problem : {raise_descriptor_limit(plan.connections),
                              problem_of_file(options.json_file),
                              problem_of_file(options.html_file)}) {
    if (problem) return complain(*problem);
  }
  ProgressLine line;
  const auto on_progress = [&](const bench::load::Progress& progress) {
    if (!options.quiet) line.show(progress);
  };
  const auto outcome = bench::load::run_load(plan, on_progress, stop);
  if (!options.quiet) line.clear();
  if (!outcome) return complain(outcome.error(), exit_failed);
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
  return outcome->measures.failed() > 0 || !is_written ? exit_failed : 0;
}

// Serve.

// "reset@0.01", "429@5%".
std::optional<bench::serve::Fault> parse_fault(const std::string& text) {
  const size_t at = text.find('@');
  if (at == std::string::npos) return {};
  const auto kind = bench::serve::fault_of(text.substr(0, at));
  char* rest = nullptr;
  const std::string digits = text.substr(at + 1);
  const double number = std::strtod(digits.c_str(), &rest);
  const bool is_percent = std::strcmp(rest, "%") == 0;
  const double rate = is_percent ? number / 100 : number;
  if (!kind || rest == digits.c_str() || (*rest != '\0' && !is_percent)) return {};
  if (!(rate >= 0 && rate <= 1)) return {};
  return bench::serve::Fault{*kind, rate};
}

// Options of serve whose values are times in microseconds or sizes.
void add_amount(CLI::App& app, const char* name, uint64_t& value, bool is_time, const char* help) {
  app.add_option_function<std::string>(
         name,
         [name, &value, is_time](const std::string& text) {
           const auto amount = is_time ? bench::parse_duration_ns(text) : bench::parse_bytes(text);
           if (!amount) {
             throw CLI::ValidationError(
                 name, is_time ? "write 250us, 20ms or 1s" : "write 4096, 64KiB or 1MiB");
           }
           value = is_time ? *amount / 1000 : *amount;
         },
         help)
      ->type_name(is_time ? "TIME" : "SIZE");
}

int serve(const std::vector<std::string>& words) {
  bench::serve::Options options;
  CLI::App app("An OpenAI-like upstream for load tests: replies, streams, files, faults.",
               "openai-proxy-bench serve");
  app.add_option("--listen", options.listen, "HOST:PORT; port 0: any")->capture_default_str();
  app.add_option("-t,--threads", options.threads, "event loops")->capture_default_str();
  app.add_option("--certificate,--cert", options.certificate_file, "PEM file: speak TLS");
  app.add_option("--key", options.key_file, "PEM file of its private key");
  add_amount(app, "--reply-size", options.reply_bytes, false, "of a JSON reply [1150]");
  app.add_option("--tokens", options.tokens, "events of a stream")->capture_default_str();
  add_amount(app, "--token-size", options.token_bytes, false, "of an event [220]");
  add_amount(app, "--gap", options.gap_us, true, "between events [0s]");
  add_amount(app, "--jitter", options.jitter_us, true, "added to a gap, up to this [0s]");
  add_amount(app, "--think", options.think_us, true, "before an answer [0s]");
  app.add_option_function<std::vector<std::string>>(
         "--fault",
         [&options](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) {
             const auto fault = parse_fault(text);
             if (!fault) throw CLI::ValidationError("--fault", "write reset@0.01 or 429@5%");
             options.faults.push_back(*fault);
           }
         },
         "reset, stall, truncate, 429 or 500 at a rate of requests: 429@5%; may be repeated")
      ->type_name("KIND@RATE");
  app.add_option("--seed", options.seed, "of faults and jitter")->capture_default_str();
  app.footer("A request's query overrides all of these: /v1/chat/completions?tokens=5&gap_us=1000");
  if (const auto ending = parse(app, words)) return end(*ending);
  const auto served = bench::serve::serve(
      options,
      [&listen = options.listen](uint16_t port) {
        const std::string host = listen.substr(0, listen.rfind(':'));
        base::print(
            stdout, "listening on {}\n", port == 0 ? listen : fmt::format("{}:{}", host, port));
        std::fflush(stdout);
      },
      stop);
  if (!served) return complain(served.error());
  base::print(stderr,
              "served {} requests on {} connections\n",
              bench::count_text(served->requests),
              bench::count_text(served->connections));
  return 0;
}

// Ask.

int ask(std::vector<std::string> words) {
  // The same options as a run's; those about load mean nothing here.
  words.insert(words.begin(), "stream");
  auto parsed = bench::load::parse_run(words);
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
  if (!answer) return complain(answer.error(), exit_failed);
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
  if (const auto ending = parse(app, words)) return end(*ending);
  const auto rendered = bench::report::render_page_file(json_files, html_file);
  return rendered ? 0 : complain(rendered.error());
}

constexpr std::string_view overview =
    R"(openai-proxy-bench: load for OpenAI-like servers and the proxies before them

  openai-proxy-bench [SCENARIO] URL [OPTIONS]  load a target and measure (--help: scenarios, options)
  openai-proxy-bench serve [OPTIONS]           be an upstream that answers like the API
  openai-proxy-bench ask URL [OPTIONS]         ask one question and print the answer as it streams
  openai-proxy-bench page RESULT.json -o FILE  make a web page of results

Each has its --help; there is --version.)";

int dispatch(std::vector<std::string> words) {
  if (words.empty()) {
    base::print(stderr, "{}\n", overview);
    return bench::load::exit_usage;
  }
  if (words.front() == "--version") return end({0, "openai-proxy-bench " OPENAI_PROXY_VERSION});
  const std::vector<std::string> rest(words.begin() + 1, words.end());
  if (words.front() == "page") return page(rest);
  if (words.front() == "serve") return serve(rest);
  if (words.front() == "ask") return ask(rest);
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
  if (const auto failed = tls::init()) return complain(*failed, exit_failed);
  return base::end_output(dispatch({argv + 1, argv + argc}));
}
