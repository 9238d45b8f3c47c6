#include "bench/load/run_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>

#include "base/nearest_word.h"
#include "base/url.h"
#include "bench/load/masked_words.h"
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

// The words that name what to do, and what each is about.
struct Topic {
  std::string_view name;
  std::string_view about;
  std::string_view example;  // its arguments
};
constexpr std::array topics = {
    Topic{"chat",
          "a chat completion as JSON",
          "http://127.0.0.1:8080 -c 64 -d 30s --watch-port 8080"},
    Topic{"stream",
          "a chat completion as server-sent events",
          "http://127.0.0.1:8080 -c 200 --tokens 50 --gap 20ms"},
    Topic{"upload", "a file up", "http://127.0.0.1:8080 -c 4 --size 16MiB"},
    Topic{"download", "a file down", "http://127.0.0.1:8080 -c 4 --size 16MiB"},
    Topic{"connect",
          "chat completions, each on a new connection",
          "http://127.0.0.1:8080 -c 16 -d 10s --watch-port 8080"},
    Topic{"idle",
          "streams that stay open: what a connection costs in memory",
          "http://127.0.0.1:8080 -c 1000 -d 20s --watch-port 8080"},
    Topic{"replay", "the bytes of --file as a body", "http://127.0.0.1:8080 --file request.json"},
    Topic{"mixed",
          "several scenarios at once, see --mix",
          "http://127.0.0.1:8080 --mix chat=8,stream=2,upload=1 --json run.json"},
};
constexpr std::array commands = {
    std::string_view("run"),
    std::string_view("serve"),
    std::string_view("ask"),
    std::string_view("page"),
    std::string_view("help"),
};

const Topic* topic_of(std::string_view name) {
  const auto* const found = std::find_if(
      topics.begin(), topics.end(), [&](const Topic& topic) { return topic.name == name; });
  return found == topics.end() ? nullptr : found;
}

// Options that say nothing to every scenario: they are taken, but a scenario's own help is about
// it.
struct Special {
  std::string_view option;
  std::string_view scenarios;  // that it is for, each between blanks
};
constexpr std::string_view with_a_prompt = " chat stream connect idle mixed ";
constexpr std::string_view with_events = " stream idle mixed ";
constexpr std::array specials = {
    Special{"--mix", " mixed "},
    Special{"--model", with_a_prompt},
    Special{"--prompt", with_a_prompt},
    Special{"--prompt-size", with_a_prompt},
    Special{"--size", " upload download mixed "},
    Special{"--raw", " upload mixed "},
    Special{"--file", " replay "},
    Special{"--reply-size", " chat connect mixed "},
    Special{"--tokens", with_events},
    Special{"--gap", with_events},
    Special{"--stall", with_events},
    Special{"--rate", " chat stream upload download connect replay mixed "},
    Special{"--arrivals", " chat stream upload download connect replay mixed "},
};

void hide_specials(CLI::App& app, std::string_view scenario) {
  const std::string word = fmt::format(" {} ", scenario);
  for (const Special& special : specials) {
    if (special.scenarios.find(word) != std::string_view::npos) continue;
    app.get_option(std::string(special.option))->group("");
  }
}

void add_patience_options(CLI::App& app, Plan& plan, Written& written, const std::string& group) {
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
  add_patience_options(app, plan, written, group);
}

constexpr auto request_group = "Request";
constexpr auto answer_group = "Answer, as `openai-proxy-bench serve` is asked for it";

void add_question_options(CLI::App& app, Plan& plan, Written& written) {
  app.add_option("-H,--header", written.fields, "a header field, \"Name: value\"; may be repeated")
      ->type_name("FIELD")
      ->group(request_group);
  app.add_option("--path", plan.path, "path and query, instead of the URL's or the scenario's own")
      ->group(request_group);
}

void add_prompt_options(CLI::App& app, Plan& plan) {
  app.add_option("--model", plan.model, "model asked for")
      ->capture_default_str()
      ->group(request_group);
  app.add_option("--prompt", plan.prompt, "what is asked, instead of words")->group(request_group);
  add_size(app,
           "--prompt-size",
           "how many bytes of words [400]",
           request_group,
           [&plan](uint64_t bytes) { plan.prompt_bytes = bytes; });
}

void add_request_options(CLI::App& app, Plan& plan, Written& written) {
  app.add_option("--mix", written.mix, "scenarios with weights: chat=8,stream=2")
      ->group(request_group);
  add_question_options(app, plan, written);
  add_prompt_options(app, plan);
  add_size(app,
           "--size",
           "of an upload's or a download's file [1MiB]",
           request_group,
           [&written](uint64_t bytes) { written.size = bytes; });
  app.add_flag("--raw", written.raw, "upload the bytes themselves, not as multipart/form-data")
      ->group(request_group);
  app.add_option("--file", written.replay_file, "replay: the file to send as a body")
      ->group(request_group);
}

void add_stream_options(CLI::App& app, Plan& plan, Written& written) {
  app.add_option("--tokens", plan.tokens, "events of a stream")->group(answer_group);
  add_duration(app, "--gap", "between events; idle: [1s]", answer_group, [&written](uint64_t ns) {
    written.gap_ns = ns;
  });
}

void add_answer_options(CLI::App& app, Plan& plan, Written& written) {
  add_size(app, "--reply-size", "of a JSON reply", answer_group, [&plan](uint64_t bytes) {
    plan.reply_bytes = bytes;
  });
  add_stream_options(app, plan, written);
  add_duration(app,
               "--stall",
               "gaps over this count as stalls [1s; idle: 3 gaps]",
               answer_group,
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

constexpr std::string_view key_and_end =
    R"(A key in the environment variable OPENAI_API_KEY is sent as a bearer token.
Ends with 0 when no request failed, 1 when some did, 2 when the command line is wrong.)";

std::string example_line(const Topic& topic) {
  return fmt::format("  openai-proxy-bench {} {}\n", topic.name, topic.example);
}

// Below the options: of one scenario where `topic` names it.
std::string footer_of(const Topic* topic) {
  if (topic != nullptr) {
    return fmt::format(
        "Example, with `openai-proxy-bench serve` behind a proxy on port 8080:\n{}\n{}",
        example_line(*topic),
        key_and_end);
  }
  std::string text = "Scenarios:\n";
  for (const Topic& each : topics)
    text += fmt::format(
        "  {:<9} {}{}\n", each.name, each.about, each.name == "chat" ? " (the default)" : "");
  text += "\nExamples, with `openai-proxy-bench serve` behind a proxy on port 8080:\n";
  for (const Topic& each : topics)
    text += example_line(each);
  return text + "\nOther commands, each with its --help: serve, ask, page.\n\n" +
         std::string(key_and_end);
}

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

// The first word may name a scenario, behind an optional "run"; every other word is an option's or
// the URL. Takes it off `words`; null where there is none.
const Topic* take_scenario(std::vector<std::string>& words, Written& written) {
  if (!words.empty() && words.front() == "run") words.erase(words.begin());
  const Topic* const topic = words.empty() ? nullptr : topic_of(words.front());
  if (topic == nullptr) return nullptr;
  written.scenario = topic->name;
  words.erase(words.begin());
  return topic;
}

// "chatt http://…", where the first word would pass for the URL. Repeated only where it cannot be
// anything but a word.
std::optional<std::string> problem_of_first(const std::vector<std::string>& words) {
  constexpr size_t word_bytes_max = 16;
  if (words.empty() || words[0].starts_with('-')) return {};
  const std::string& first = words[0];
  if (first.find("://") != std::string::npos) return {};
  const bool is_word =
      first.size() <= word_bytes_max &&
      first.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") ==
          std::string::npos;
  if (!is_word || first == "localhost") return {};
  std::vector<std::string_view> known(commands.begin(), commands.end());
  for (const Topic& topic : topics)
    known.push_back(topic.name);
  const std::string_view nearest = base::nearest_word(first, known);
  return fmt::format("\"{}\" is no scenario and no command{}\nSee openai-proxy-bench --help",
                     first,
                     nearest.empty() ? "" : fmt::format("; did you mean \"{}\"?", nearest));
}

void add_url(CLI::App& app, Written& written) {
  app.add_option("URL", written.url, "the target: http or https; a path counts as the whole path")
      ->required();
}

void add_all_options(CLI::App& app, RunOptions& options, Written& written) {
  add_url(app, written);
  add_load_options(app, options.plan, written);
  add_request_options(app, options.plan, written);
  add_answer_options(app, options.plan, written);
  add_tls_options(app, options.plan, written);
  add_output_options(app, options, written);
}

}  // namespace

std::variant<RunOptions, Ending> parse_run(const std::vector<std::string>& arguments) {
  RunOptions options;
  Written written;
  std::vector<std::string> words = arguments;
  const Topic* const topic = take_scenario(words, written);
  if (topic == nullptr) {
    if (auto problem = problem_of_first(words)) return Ending{exit_usage, *std::move(problem)};
  }
  CLI::App app(topic == nullptr
                   ? "Loads an OpenAI-like server or a proxy before it, and says how it fared."
                   : fmt::format("Loads a server or a proxy before it: {}.", topic->about),
               topic == nullptr ? "openai-proxy-bench run"
                                : fmt::format("openai-proxy-bench {}", topic->name));
  add_all_options(app, options, written);
  app.footer(footer_of(topic));
  if (topic != nullptr) hide_specials(app, topic->name);
  if (auto ending = parse(app, std::move(words))) return *std::move(ending);
  if (auto problem = finish(written, options)) return Ending{exit_usage, *problem};
  options.plan.command_line = masked_command_line(arguments, options.plan.key);
  return options;
}

std::variant<RunOptions, Ending> parse_ask(const std::vector<std::string>& arguments) {
  RunOptions options;
  Plan& plan = options.plan;
  Written written;
  written.scenario = "stream";
  CLI::App app("Asks one question and prints the answer as it streams.", "openai-proxy-bench ask");
  add_url(app, written);
  add_question_options(app, plan, written);
  add_prompt_options(app, plan);
  add_stream_options(app, plan, written);
  add_patience_options(app, plan, written, "Request");
  add_tls_options(app, plan, written);
  app.add_flag("-q,--quiet", options.quiet, "the answer alone, without its figures");
  app.footer(
      "Example:\n"
      "  openai-proxy-bench ask http://127.0.0.1:8080 --prompt 'Hello!' --gap 50ms\n\n"
      "A key in the environment variable OPENAI_API_KEY is sent as a bearer token.\n"
      "Ends with 0 when the answer came whole, 1 when it did not, 2 when the command line is "
      "wrong.");
  if (auto ending = parse(app, arguments)) return *std::move(ending);
  if (auto problem = finish(written, options)) return Ending{exit_usage, *problem};
  return options;
}

}  // namespace bench::load
