#include "bench/serve/serve_options.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <cstring>

namespace bench::serve {
namespace {

constexpr auto group = "Options";
constexpr uint64_t ns_per_us = 1000;

// "reset@0.01", "429@5%".
std::optional<Fault> parse_fault(const std::string& text) {
  const size_t at = text.find('@');
  if (at == std::string::npos) return {};
  const auto kind = fault_of(text.substr(0, at));
  char* rest = nullptr;
  const std::string digits = text.substr(at + 1);
  const double number = std::strtod(digits.c_str(), &rest);
  const bool is_percent = std::strcmp(rest, "%") == 0;
  const double rate = is_percent ? number / 100 : number;
  if (!kind || rest == digits.c_str() || (*rest != '\0' && !is_percent)) return {};
  if (!(rate >= 0 && rate <= 1)) return {};
  return Fault{*kind, rate};
}

void add_fault(CLI::App& app, Options& options) {
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
}

void add_wait(CLI::App& app, const char* name, const char* help, uint64_t& us) {
  add_duration(app, name, help, group, [&us](uint64_t ns) { us = ns / ns_per_us; });
}

void add_bytes(CLI::App& app, const char* name, const char* help, uint64_t& bytes) {
  add_size(app, name, help, group, [&bytes](uint64_t value) { bytes = value; });
}

}  // namespace

std::variant<Options, Ending> parse_serve(const std::vector<std::string>& words) {
  Options options;
  CLI::App app("An OpenAI-like upstream for load tests: replies, streams, files, faults.",
               "openai-proxy-bench serve");
  app.add_option("--listen", options.listen, "HOST:PORT; port 0: any")->capture_default_str();
  app.add_option("-t,--threads", options.threads, "event loops")->capture_default_str();
  app.add_option("--certificate,--cert", options.certificate_file, "PEM file: speak TLS");
  app.add_option("--key", options.key_file, "PEM file of its private key");
  add_bytes(app, "--reply-size", "of a JSON reply [1150]", options.reply_bytes);
  app.add_option("--tokens", options.tokens, "events of a stream")->capture_default_str();
  add_bytes(app, "--token-size", "of an event [220]", options.token_bytes);
  add_wait(app, "--gap", "between events [0s]", options.gap_us);
  add_wait(app, "--jitter", "added to a gap, up to this [0s]", options.jitter_us);
  add_wait(app, "--think", "before an answer [0s]", options.think_us);
  add_fault(app, options);
  app.add_option("--seed", options.seed, "of faults and jitter")->capture_default_str();
  app.footer(
      "A request's query overrides all of these: /v1/chat/completions?tokens=5&gap_us=1000\n\n"
      "Example:\n"
      "  openai-proxy-bench serve --listen 127.0.0.1:9100 --gap 20ms --fault 429@5%\n\n"
      "Ends on Ctrl-C with 0; with 1 when it cannot listen, 2 when the command line is wrong.");
  if (auto ending = parse(app, words)) return *std::move(ending);
  if (auto problem = problem_of(options)) return Ending{exit_usage, *std::move(problem)};
  return options;
}

}  // namespace bench::serve
