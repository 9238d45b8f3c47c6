#include "bench/load/request.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <string_view>

#include "bench/base/json.h"
#include "http/head.h"

namespace bench::load {
namespace {

constexpr std::string_view words =
    "Tell me in a few plain words why the sky is blue by day, red at dusk and dark at night. ";
constexpr std::string_view boundary = "----openai-proxy-bench-5d1f0c7a9e3b4826";
// Large enough that a system call moves much, small enough to stay in a core's cache.
constexpr size_t filler_bytes = 128 * 1024;

std::string repeated_words(size_t size) {
  std::string text;
  text.reserve(size + words.size());
  while (text.size() < size)
    text += words;
  text.resize(size);
  return text;
}

bool has_field(const Plan& plan, std::string_view name) {
  return std::any_of(plan.fields.begin(), plan.fields.end(), [name](const auto& field) {
    return http::equals_ignoring_case(field.first, name);
  });
}

std::string own_path(const Plan& plan, Scenario scenario) {
  switch (scenario) {
    case Scenario::upload:
      return "/v1/files";
    case Scenario::download:
      return fmt::format("/bench/bytes/{}", plan.download_bytes);
    default:
      return "/v1/chat/completions";
  }
}

// Streams that outlast the run, one event a second.
void add_idle_defaults(const Plan& plan, uint64_t& tokens, uint64_t& gap_us) {
  if (gap_us == 0) gap_us = idle_gap_us;
  if (tokens == 0) {
    const uint64_t run_us = (plan.ramp_ns + plan.warmup_ns + plan.duration_ns) / 1000;
    tokens = (run_us + 60 * idle_gap_us) / gap_us;
  }
}

std::string target_of(const Plan& plan, Scenario scenario) {
  // "/v1" is how clients of the API are told where it is.
  const std::string& given = plan.target.target;
  const bool is_base = given == "/" || given == "/v1" || given == "/v1/";
  std::string target = plan.path;
  if (target.empty()) target = is_base ? own_path(plan, scenario) : given;
  uint64_t tokens = plan.tokens;
  uint64_t gap_us = plan.gap_us;
  if (scenario == Scenario::idle) add_idle_defaults(plan, tokens, gap_us);
  const auto add = [&target](std::string_view name, uint64_t value) {
    if (value == 0) return;
    target +=
        fmt::format("{}{}={}", target.find('?') == std::string::npos ? '?' : '&', name, value);
  };
  add("reply_bytes", plan.reply_bytes);
  add("tokens", tokens);
  add("gap_us", gap_us);
  return target;
}

std::string chat_body(const Plan& plan, bool streamed) {
  nlohmann::ordered_json json = {{"model", plan.model}};
  json["messages"] = nlohmann::ordered_json::array(
      {{{"role", "user"},
        {"content", plan.prompt.empty() ? repeated_words(plan.prompt_bytes) : plan.prompt}}});
  if (streamed) {
    json["stream"] = true;
    json["stream_options"] = {{"include_usage", true}};
  }
  return json_line(json);
}

struct Body {
  std::string type;  // Content-Type
  std::string begin;
  uint64_t filler_bytes = 0;
  std::string end;

  [[nodiscard]] uint64_t size() const { return begin.size() + filler_bytes + end.size(); }
};

Body upload_body(const Plan& plan) {
  if (!plan.upload_multipart) return {"application/octet-stream", "", plan.upload_bytes, ""};
  return {fmt::format("multipart/form-data; boundary={}", boundary),
          fmt::format("--{0}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n"
                      "user_data\r\n--{0}\r\nContent-Disposition: form-data; name=\"file\"; "
                      "filename=\"bench.txt\"\r\nContent-Type: text/plain\r\n\r\n",
                      boundary),
          plan.upload_bytes,
          fmt::format("\r\n--{}--\r\n", boundary)};
}

Body body_of(const Plan& plan, Scenario scenario) {
  switch (scenario) {
    case Scenario::download:
      return {};
    case Scenario::upload:
      return upload_body(plan);
    case Scenario::replay:
      return {"application/json", plan.replay_body, 0, ""};
    default: {
      const bool streamed = scenario == Scenario::stream || scenario == Scenario::idle;
      return {"application/json", chat_body(plan, streamed), 0, ""};
    }
  }
}

}  // namespace

Request make_request(const Plan& plan, Scenario scenario) {
  Body body = body_of(plan, scenario);
  const bool is_get = scenario == Scenario::download;
  Request request;
  request.scenario = scenario;
  std::string& head = request.front;
  head = fmt::format("{} {} HTTP/1.1\r\n", is_get ? "GET" : "POST", target_of(plan, scenario));
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!has_field(plan, name)) head += fmt::format("{}: {}\r\n", name, value);
  };
  add("Host", plan.target.origin.authority());
  add("User-Agent", "openai-proxy-bench/" OPENAI_PROXY_VERSION);
  add("Accept", request.wants_events() ? "text/event-stream" : "*/*");
  if (!plan.key.empty()) add("Authorization", "Bearer " + plan.key);
  if (!is_get) {
    add("Content-Type", body.type);
    add("Content-Length", fmt::format("{}", body.size()));
  }
  if (request.wants_own_connection()) add("Connection", "close");
  for (const auto& [name, value] : plan.fields)
    head += fmt::format("{}: {}\r\n", name, value);
  head += "\r\n";
  head += body.begin;
  request.front_body_bytes = body.begin.size();
  request.filler_bytes = body.filler_bytes;
  request.back = std::move(body.end);
  return request;
}

base::Bytes filler() {
  static const std::string text = repeated_words(filler_bytes);
  return base::as_bytes(text);
}

}  // namespace bench::load
