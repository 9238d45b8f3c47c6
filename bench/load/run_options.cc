#include "bench/load/run_options.h"

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>

#include "base/url.h"
#include "bench/base/arguments.h"
#include "bench/load/process_watch.h"
#include "bench/load/request.h"
#include "bench/load/scenario.h"
#include "bench/load/target.h"

namespace bench::load {
namespace {

constexpr uint64_t duration_ns_unbounded = 3'600'000'000'000;  // of a run that --requests ends
constexpr uint64_t ns_per_us = 1000;
constexpr uint64_t idle_stall_gaps = 3;
constexpr size_t replay_bytes_max = size_t{1} << 30;

// What does not stand in the plan as it is written.
struct Written {
  std::string scenario = "chat";
  std::string url;
  std::string mix;
  std::string arrivals = "constant";
  std::string replay_file;
  std::vector<std::string> fields;
  std::optional<uint64_t> size;
  std::optional<uint64_t> duration_ns;
  std::optional<uint64_t> stall_ns;
  uint64_t gap_ns = 0;
  uint32_t watch_port = 0;
  bool raw = false;
  bool insecure = false;
  bool full_handshakes = false;
  bool load_remote = false;
};

// Options whose values are written with units.
void add_duration(CLI::App& app,
                  const std::string& name,
                  const std::string& help,
                  const std::string& group,
                  std::function<void(uint64_t)> set) {
  app.add_option_function<std::string>(
         name,
         [name, set = std::move(set)](const std::string& text) {
           const auto ns = parse_duration_ns(text);
           if (!ns) throw CLI::ValidationError(name, "write 250us, 500ms, 10s, 5m or 1h");
           set(*ns);
         },
         help)
      ->type_name("TIME")
      ->group(group);
}

void add_size(CLI::App& app,
              const std::string& name,
              const std::string& help,
              const std::string& group,
              std::function<void(uint64_t)> set) {
  app.add_option_function<std::string>(
         name,
         [name, set = std::move(set)](const std::string& text) {
           const auto bytes = parse_bytes(text);
           if (!bytes) throw CLI::ValidationError(name, "write 4096, 64KiB, 10MiB or 1GiB");
           set(*bytes);
         },
         help)
      ->type_name("SIZE")
      ->group(group);
}

void add_load_options(CLI::App& app, Plan& plan, Written& written) {
  const std::string group = "Load";
  app.add_option("-c,--connections", plan.connections, "connections; with --rate the most at once")
      ->capture_default_str()
      ->group(group);
  app.add_option(
         "-r,--rate", plan.rate, "requests a second, timed from when each is due (open loop)")
      ->group(group);
  app.add_option("--arrivals", written.arrivals, "with --rate: constant or poisson")
      ->check(CLI::IsMember({"constant", "poisson"}))
      ->capture_default_str()
      ->group(group);
  add_duration(app, "-d,--duration", "of the measured part [10s]", group, [&written](uint64_t ns) {
    written.duration_ns = ns;
  });
  app.add_option("-n,--requests", plan.requests_max, "end after exactly so many")->group(group);
  add_duration(app, "--warmup", "before the measured part [0s]", group, [&plan](uint64_t ns) {
    plan.warmup_ns = ns;
  });
  add_duration(app,
               "--ramp",
               "connections (or the rate) grow to full over this time [0s]",
               group,
               [&plan](uint64_t ns) { plan.ramp_ns = ns; });
  app.add_option("-t,--threads", plan.threads, "threads of the load tool, an event loop each")
      ->capture_default_str()
      ->group(group);
  add_duration(app,
               "--timeout",
               "a request that is silent for so long has failed [60s]",
               group,
               [&plan](uint64_t ns) { plan.request_timeout_ns = ns; });
  app.add_flag("--yes-load-remote",
               written.load_remote,
               "the target may be another machine, which I am allowed to load")
      ->group(group);
}

void add_request_options(CLI::App& app, Plan& plan, Written& written) {
  const std::string group = "Request";
  app.add_option("--mix", written.mix, "scenarios with weights: chat=8,stream=2")->group(group);
  app.add_option("-H,--header", written.fields, "a header field, \"Name: value\"; may be repeated")
      ->type_name("FIELD")
      ->group(group);
  app.add_option("--path", plan.path, "path and query, instead of the URL's or the scenario's own")
      ->group(group);
  app.add_option("--model", plan.model, "model asked for")->capture_default_str()->group(group);
  app.add_option("--prompt", plan.prompt, "what is asked, instead of words")->group(group);
  add_size(app, "--prompt-size", "how many bytes of words [400]", group, [&plan](uint64_t bytes) {
    plan.prompt_bytes = bytes;
  });
  add_size(
      app, "--size", "of an upload's or a download's file [1MiB]", group, [&written](uint64_t b) {
        written.size = b;
      });
  app.add_flag("--raw", written.raw, "upload the bytes themselves, not as multipart/form-data")
      ->group(group);
  app.add_option("--file", written.replay_file, "replay: the file to send as a body")->group(group);
}

void add_answer_options(CLI::App& app, Plan& plan, Written& written) {
  const std::string group = "Answer, as `openai-proxy-bench serve` is asked for it";
  add_size(app, "--reply-size", "of a JSON reply", group, [&plan](uint64_t bytes) {
    plan.reply_bytes = bytes;
  });
  app.add_option("--tokens", plan.tokens, "events of a stream")->group(group);
  add_duration(app, "--gap", "between events; idle: [1s]", group, [&written](uint64_t ns) {
    written.gap_ns = ns;
  });
  add_duration(app,
               "--stall",
               "gaps over this count as stalls [1s; idle: 3 gaps]",
               group,
               [&written](uint64_t ns) { written.stall_ns = ns; });
}

void add_tls_options(CLI::App& app, Plan& plan, Written& written) {
  const std::string group = "TLS";
  app.add_option("--ca-file", plan.ca_file, "PEM file of authorities, instead of the system's")
      ->group(group);
  app.add_flag("-k,--insecure", written.insecure, "accept any certificate")->group(group);
  app.add_flag("--full-handshakes", written.full_handshakes, "resume no session")->group(group);
}

void add_output_options(CLI::App& app, RunOptions& options, Written& written) {
  const std::string group = "Measuring and output";
  app.add_option("--pid", options.plan.watched_pid, "measure this process and its children too")
      ->check(CLI::PositiveNumber)
      ->group(group);
  app.add_option(
         "--watch-port", written.watch_port, "measure the process that listens on this port")
      ->check(CLI::Range(1, 65535))
      ->excludes("--pid")
      ->group(group);
  app.add_option("--json", options.json_file, "write the results as JSON (- to standard output)")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--html", options.html_file, "write a page with charts")
      ->type_name("FILE")
      ->group(group);
  app.add_flag("-q,--quiet", options.quiet, "no progress and no table")->group(group);
}

constexpr std::string_view examples = R"(Scenarios:
  chat      a chat completion as JSON (the default)
  stream    a chat completion as server-sent events
  upload    a file up                     download  a file down
  connect   chat, each on a new connection
  idle      streams that stay open: what one costs in memory
  replay    the bytes of --file as a body
  mixed     several, see --mix

Examples, with `openai-proxy-bench serve` behind a proxy on port 8080:
  openai-proxy-bench chat http://127.0.0.1:8080 -c 64 -d 30s --watch-port 8080
  openai-proxy-bench stream http://127.0.0.1:8080 -c 200 --tokens 50 --gap 20ms
  openai-proxy-bench chat http://127.0.0.1:8080 --rate 2000 --arrivals poisson --html run.html
  openai-proxy-bench idle http://127.0.0.1:8080 -c 1000 -d 20s --watch-port 8080
  openai-proxy-bench mixed http://127.0.0.1:8080 --mix chat=8,stream=2,upload=1 --json run.json

Other commands, each with its --help: serve, ask, page.

A key in the environment variable OPENAI_API_KEY is sent as a bearer token.
Ends with 0 when no request failed, 1 when some did, 2 when the command line is wrong.)";

// Each of these gives what is wrong, as a sentence.
std::optional<std::string> read_scenario(const Written& written, Plan& plan) {
  const bool is_mixed = written.scenario == "mixed";
  if (is_mixed && written.mix.empty()) return "mixed needs --mix, such as --mix chat=8,stream=2";
  if (!written.mix.empty()) {
    auto works = parse_mix(written.mix);
    if (!works) return "--mix: " + works.error();
    plan.works = std::move(*works);
    return {};
  }
  plan.works = {{parse_scenario(written.scenario).value_or(Scenario::chat), 1}};
  return {};
}

std::optional<std::string> read_replay(const Written& written, Plan& plan) {
  bool is_replay = false;
  for (const Work& work : plan.works)
    is_replay = is_replay || work.scenario == Scenario::replay;
  if (!is_replay) {
    return written.replay_file.empty() ? std::optional<std::string>()
                                       : "--file is for the scenario replay";
  }
  if (written.replay_file.empty()) return "replay needs --file, whose bytes it sends";
  std::ifstream file(written.replay_file, std::ios::binary);
  plan.replay_body.assign(std::istreambuf_iterator<char>(file), {});
  if (!file) return fmt::format("--file: {} cannot be read", written.replay_file);
  if (plan.replay_body.size() > replay_bytes_max) return "--file: 1 GiB is the most";
  return {};
}

std::optional<std::string> read_fields(const Written& written, Plan& plan) {
  for (const std::string& field : written.fields) {
    const size_t colon = field.find(':');
    // Not repeated here: it may be a secret without its name.
    if (colon == std::string::npos) return "--header: write \"Name: value\"";
    const size_t begin = std::min(field.find_first_not_of(" \t", colon + 1), field.size());
    plan.fields.emplace_back(field.substr(0, colon), field.substr(begin));
  }
  return {};
}

std::optional<std::string> read_target(const Written& written, Plan& plan) {
  const auto url = base::parse_url(written.url);
  if (!url) {
    return "that is not a URL: write something like http://127.0.0.1:8080 or "
           "https://localhost:8443";
  }
  plan.target = *url;
  const auto addresses = addresses_of(url->origin);
  if (!addresses) return addresses.error();
  for (const net::Address& address : *addresses) {
    if (is_loopback(address) || written.load_remote) continue;
    return fmt::format(
        "{} ({}) is not this machine: load only what you are allowed to load, and say so with "
        "--yes-load-remote",
        url->origin.host,
        address.host_text());
  }
  return {};
}

std::optional<std::string> read_watched(const Written& written, Plan& plan) {
  if (written.watch_port == 0) return {};
  const auto pid = listening_process(static_cast<uint16_t>(written.watch_port));
  if (!pid) return "--watch-port: " + pid.error();
  plan.watched_pid = *pid;
  return {};
}

std::optional<std::string> finish(const Written& written, RunOptions& options) {
  Plan& plan = options.plan;
  for (const auto read : {read_scenario, read_replay, read_fields, read_target, read_watched}) {
    if (auto problem = read(written, plan)) return problem;
  }
  plan.arrivals = written.arrivals == "poisson" ? Arrivals::poisson : Arrivals::constant;
  plan.gap_us = written.gap_ns / ns_per_us;
  plan.upload_multipart = !written.raw;
  plan.tls_verify = !written.insecure;
  plan.tls_resume = !written.full_handshakes;
  if (written.stall_ns) {
    plan.stall_ns = *written.stall_ns;
  } else if (plan.works.front().scenario == Scenario::idle) {
    plan.stall_ns =
        idle_stall_gaps * (written.gap_ns > 0 ? written.gap_ns : idle_gap_us * ns_per_us);
  }
  if (written.size) plan.upload_bytes = plan.download_bytes = *written.size;
  if (written.duration_ns) {
    plan.duration_ns = *written.duration_ns;
  } else if (plan.requests_max > 0) {
    plan.duration_ns = duration_ns_unbounded;
  }
  if (const char* key = std::getenv("OPENAI_API_KEY")) plan.key = key;
  return problem_of(plan);
}

// The first word may name a scenario; every other word is an option's or the URL.
std::vector<std::string> take_scenario(std::vector<std::string> arguments, Written& written) {
  if (arguments.empty()) return arguments;
  const std::string& first = arguments.front();
  if (first != "mixed" && first != "run" && !parse_scenario(first)) return arguments;
  if (first != "run") written.scenario = first;
  arguments.erase(arguments.begin());
  return arguments;
}

// "chatt http://…", where the first word would pass for the URL.
bool begins_with_no_scenario(const std::vector<std::string>& words) {
  return words.size() > 1 && !words[0].starts_with('-') &&
         words[0].find("://") == std::string::npos && words[1].find("://") != std::string::npos;
}

}  // namespace

std::variant<RunOptions, Ending> parse_run(const std::vector<std::string>& arguments) {
  RunOptions options;
  Written written;
  CLI::App app("Loads an OpenAI-like server or a proxy before it, and says how it fared.",
               "openai-proxy-bench [SCENARIO]");
  app.add_option("URL", written.url, "the target: http or https; a path counts as the whole path")
      ->required();
  add_load_options(app, options.plan, written);
  add_request_options(app, options.plan, written);
  add_answer_options(app, options.plan, written);
  add_tls_options(app, options.plan, written);
  add_output_options(app, options, written);
  app.footer(std::string(examples));
  std::vector<std::string> words = take_scenario(arguments, written);
  if (begins_with_no_scenario(words)) {
    return Ending{exit_usage, fmt::format("\"{}\" is no scenario: see --help", words.front())};
  }
  std::reverse(words.begin(), words.end());  // as CLI11 wants them
  try {
    app.parse(words);
  } catch (const CLI::CallForHelp&) {
    return Ending{0, app.help()};
  } catch (const CLI::ParseError& error) {
    return Ending{exit_usage, fmt::format("{}\nSee openai-proxy-bench --help", error.what())};
  }
  if (auto problem = finish(written, options)) return Ending{exit_usage, *problem};
  return options;
}

}  // namespace bench::load
