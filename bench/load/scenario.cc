#include "bench/load/scenario.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

#include "base/parse_number.h"
#include "http/chars.h"
#include "http/head.h"

namespace bench::load {
namespace {

constexpr std::array scenarios = {Scenario::chat,
                                  Scenario::stream,
                                  Scenario::upload,
                                  Scenario::download,
                                  Scenario::connect,
                                  Scenario::idle,
                                  Scenario::replay};
constexpr uint32_t weight_max = 1'000'000;
constexpr double rate_max = 10'000'000;
constexpr uint32_t threads_max = 256;
constexpr uint32_t connections_max = 1'000'000;
constexpr uint64_t body_bytes_max = uint64_t{1} << 40;
constexpr uint64_t prompt_bytes_max = uint64_t{1} << 30;

// Never with the value, which may be a secret.
std::optional<std::string> problem_of_fields(const Plan& plan) {
  for (const auto& [name, value] : plan.fields) {
    if (!http::is_token(name)) {
      return fmt::format("\"{}\" is not the name of a header field: write \"Name: value\"", name);
    }
    if (!http::is_field_text(value)) {
      return fmt::format("the value of field {} holds control characters: take them out", name);
    }
    for (const std::string_view own : {"content-length", "transfer-encoding"}) {
      if (http::equals_ignoring_case(name, own)) {
        return fmt::format("field {} is made by the tool: leave it out", name);
      }
    }
  }
  if (!http::is_field_text(plan.key))
    return "the API key holds control characters: look at its value";
  return {};
}

std::optional<std::string> problem_of_load(const Plan& plan) {
  if (plan.works.empty()) return "there is no scenario: name one";
  if (plan.threads < 1 || plan.threads > threads_max) {
    return fmt::format("threads must be 1 to {}", threads_max);
  }
  if (plan.connections < 1 || plan.connections > connections_max) {
    return fmt::format("connections must be 1 to {}", connections_max);
  }
  if (plan.connections < plan.threads) {
    return fmt::format("{} threads cannot share {} connections: ask for as many connections",
                       plan.threads,
                       plan.connections);
  }
  if (!std::isfinite(plan.rate) || plan.rate < 0 || plan.rate > rate_max) {
    return fmt::format("the rate must be at most {} requests a second", rate_max);
  }
  if (plan.duration_ns == 0) return "the duration must be longer than nothing";
  if (plan.request_timeout_ns == 0) return "the time-out must be longer than nothing";
  return {};
}

}  // namespace

std::string_view scenario_name(Scenario scenario) {
  switch (scenario) {
    case Scenario::chat:
      return "chat";
    case Scenario::stream:
      return "stream";
    case Scenario::upload:
      return "upload";
    case Scenario::download:
      return "download";
    case Scenario::connect:
      return "connect";
    case Scenario::idle:
      return "idle";
    case Scenario::replay:
      return "replay";
  }
  return "?";
}

std::optional<Scenario> parse_scenario(std::string_view name) {
  for (const Scenario scenario : scenarios) {
    if (scenario_name(scenario) == name) return scenario;
  }
  return {};
}

base::Result<std::vector<Work>, std::string> parse_mix(std::string_view text) {
  std::vector<Work> works;
  while (true) {
    const size_t comma = text.find(',');
    const std::string_view item = text.substr(0, comma);
    const size_t equals = item.find('=');
    const auto scenario = parse_scenario(item.substr(0, equals));
    if (!scenario) {
      return fmt::format(
          "\"{}\" is no scenario: write something like chat=8,stream=2 with chat, stream, upload, "
          "download, connect, idle or replay",
          item.substr(0, equals));
    }
    Work work{*scenario, 1};
    if (equals != std::string_view::npos) {
      const std::string_view digits = item.substr(equals + 1);
      const auto weight = base::parse_number<uint32_t>(digits);
      if (!weight || *weight < 1 || *weight > weight_max) {
        return fmt::format("\"{}\" is no weight: write a number from 1 to {}", digits, weight_max);
      }
      work.weight = *weight;
    }
    works.push_back(work);
    if (comma == std::string_view::npos) return works;
    text.remove_prefix(comma + 1);
  }
}

std::optional<std::string> problem_of(const Plan& plan) {
  if (auto problem = problem_of_load(plan)) return problem;
  if (auto problem = problem_of_fields(plan)) return problem;
  for (const Work& work : plan.works) {
    if (work.weight < 1 || work.weight > weight_max) {
      return fmt::format("a weight must be 1 to {}", weight_max);
    }
    if (work.scenario == Scenario::idle && plan.works.size() > 1) {
      return "idle streams end with the run: they cannot be mixed with anything";
    }
    if (work.scenario == Scenario::idle && plan.rate > 0) {
      return "idle streams are opened once each: they have no rate";
    }
  }
  if (!plan.path.empty() && plan.path.front() != '/') return "a path begins with \"/\"";
  for (const char c : plan.path) {
    if (c <= ' ' || c > '~') return "the path holds what no URL may: percent-encode it";
  }
  if (plan.upload_bytes > body_bytes_max || plan.download_bytes > body_bytes_max) {
    return "an upload or a download can be 1 TiB at most";
  }
  if (plan.prompt_bytes > prompt_bytes_max) return "a prompt can be 1 GiB at most";
  return {};
}

WorkPicker::WorkPicker(const std::vector<Work>& works) {
  for (const Work& work : works) {
    shares_.push_back({work.weight, 0});
    total_ += work.weight;
  }
}

size_t WorkPicker::next() {
  if (shares_.size() == 1) return 0;
  size_t best = 0;
  for (size_t i = 0; i < shares_.size(); ++i) {
    shares_[i].credit += shares_[i].weight;
    if (shares_[i].credit > shares_[best].credit) best = i;
  }
  shares_[best].credit -= total_;
  return best;
}

}  // namespace bench::load
