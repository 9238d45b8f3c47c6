#include "bench/serve/request_line.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "base/parse_number.h"
#include "http/head.h"
#include "http/target.h"

namespace bench::serve {
namespace {

struct Known {
  std::string_view path;
  std::string_view allow;
  Route route;
  Api api = Api::chat;
};

constexpr std::array<Known, 7> known_paths = {{
    {"/v1/chat/completions", "POST", Route::reply, Api::chat},
    {"/v1/responses", "POST", Route::reply, Api::responses},
    {"/v1/completions", "POST", Route::reply, Api::completions},
    {"/v1/embeddings", "POST", Route::reply, Api::embeddings},
    {"/v1/models", "GET, HEAD", Route::models},
    {"/v1/files", "POST", Route::file},
    {"/bench/counts", "GET, HEAD", Route::counts},
}};
constexpr std::string_view bytes_path = "/bench/bytes/";

struct Parameter {
  std::string_view name;
  uint64_t Wanted::*value;
  uint64_t max;
};

constexpr std::array<Parameter, 6> parameters = {{
    {"reply_bytes", &Wanted::reply_bytes, WantedMax::reply_bytes},
    {"tokens", &Wanted::tokens, WantedMax::tokens},
    {"token_bytes", &Wanted::token_bytes, WantedMax::token_bytes},
    {"gap_us", &Wanted::gap_us, WantedMax::time_us},
    {"jitter_us", &Wanted::jitter_us, WantedMax::time_us},
    {"think_us", &Wanted::think_us, WantedMax::time_us},
}};

std::optional<uint64_t> number_of(std::string_view text, uint64_t max) {
  const auto number = base::parse_number<uint64_t>(text);
  return number && *number <= max ? number : std::nullopt;
}

BadWish bad_number(std::string_view name, std::string_view text, uint64_t max) {
  return {fmt::format("{} is '{}': give a whole number from 0 to {}", name, text, max),
          std::string(name)};
}

bool allows(std::string_view allow, std::string_view method) {
  bool found = false;
  http::for_each_list_element(allow, [&](std::string_view element) {
    found = element == method;
    return !found;
  });
  return found;
}

std::optional<BadWish> choose_route(Wanted& wanted,
                                    std::string_view method,
                                    std::string_view path) {
  const auto take = [&](Route route, std::string_view allow) {
    wanted.allow = allow;
    wanted.route = allows(allow, method) ? route : Route::wrong_method;
  };
  for (const Known& known : known_paths) {
    if (path == known.path) {
      wanted.api = known.api;
      take(known.route, known.allow);
      return std::nullopt;
    }
  }
  if (path.starts_with(bytes_path)) {
    const std::string_view text = path.substr(bytes_path.size());
    const auto bytes = number_of(text, WantedMax::bytes);
    if (!bytes) {
      return BadWish{
          fmt::format("/bench/bytes/ is followed by '{}': give a whole number from 0 to {}",
                      text,
                      WantedMax::bytes),
          {}};
    }
    wanted.bytes = *bytes;
    take(Route::bytes, "GET, HEAD");
    return std::nullopt;
  }
  wanted.route = method == "POST" || method == "PUT" ? Route::upload : Route::not_found;
  return std::nullopt;
}

std::optional<BadWish> take_parameter(Wanted& wanted,
                                      std::string_view name,
                                      std::string_view value) {
  for (const Parameter& parameter : parameters) {
    if (name != parameter.name) continue;
    const auto number = number_of(value, parameter.max);
    if (!number) return bad_number(name, value, parameter.max);
    wanted.*parameter.value = *number;
    return std::nullopt;
  }
  if (name == "hash") {
    if (value != "0" && value != "1") return bad_number(name, value, 1);
    wanted.hash = value == "1";
  } else if (name == "fault") {
    wanted.fault = fault_of(value);
    if (wanted.fault) return std::nullopt;
    return BadWish{fmt::format("fault is '{}': give reset, stall, truncate, 429 or 500", value),
                   std::string(name)};
  } else if (name == "fault_after") {
    wanted.fault_after = number_of(value, WantedMax::bytes);
    if (!wanted.fault_after) return bad_number(name, value, WantedMax::bytes);
  }
  return std::nullopt;
}

}  // namespace

base::Result<Wanted, BadWish> read_request(std::string_view method,
                                           std::string_view target,
                                           const Options& options) {
  Wanted wanted;
  wanted.reply_bytes = options.reply_bytes;
  wanted.tokens = options.tokens;
  wanted.token_bytes = options.token_bytes;
  wanted.gap_us = options.gap_us;
  wanted.jitter_us = options.jitter_us;
  wanted.think_us = options.think_us;

  if (!target.starts_with('/')) {
    const auto parts = http::split_target(target);
    if (parts) target = parts->rest;
  }
  const size_t mark = target.find('?');
  if (auto bad = choose_route(wanted, method, target.substr(0, mark))) return *std::move(bad);
  if (mark == std::string_view::npos) return wanted;
  std::string_view query = target.substr(mark + 1);
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
    if (auto bad = take_parameter(wanted, pair.substr(0, equals), value)) return *std::move(bad);
  }
  return wanted;
}

std::optional<std::string> refuse_options(const Options& options) {
  Wanted unused;
  const std::array<uint64_t, parameters.size()> values = {options.reply_bytes,
                                                          options.tokens,
                                                          options.token_bytes,
                                                          options.gap_us,
                                                          options.jitter_us,
                                                          options.think_us};
  for (size_t i = 0; i < parameters.size(); ++i) {
    const auto bad = take_parameter(unused, parameters[i].name, fmt::format_int(values[i]).str());
    if (bad) return bad->message;
  }
  if (options.threads == 0) return "threads is 0: give at least 1";
  return std::nullopt;
}

}  // namespace bench::serve
