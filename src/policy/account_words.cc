#include "policy/account_words.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <memory>
#include <vector>

#include "base/json_text.h"
#include "base/money.h"
#include "config/scalars.h"
#include "policy/limit_text.h"

namespace policy {

using openai::ApiError;
using openai::RetryAdvice;

namespace {

constexpr std::string_view invalid_request = "invalid_request_error";

constexpr ApiError over_input = {
    400,
    invalid_request,
    "context_length_exceeded",
    "By the proxy's estimate this request has more tokens of input than this token may send at "
    "once (max_request.input_tokens); send less.",
    RetryAdvice::never};
constexpr ApiError over_output = {
    400,
    invalid_request,
    "context_length_exceeded",
    "This request may be answered with more tokens than this token may have at once "
    "(max_request.output_tokens); set max_completion_tokens, max_output_tokens or max_tokens.",
    RetryAdvice::never};
constexpr ApiError unmetered = {
    403,
    invalid_request,
    "permission_denied",
    "This token has a budget or a limit of tokens, and what this endpoint costs cannot be known "
    "(unmetered: allow would let it pass).",
    RetryAdvice::never};
constexpr ApiError unpriced = {
    403,
    invalid_request,
    "permission_denied",
    "This token has a budget, and the proxy knows no price for this model (unmetered: allow would "
    "let it pass).",
    RetryAdvice::never};

constexpr int64_t ms_us = 1'000;

std::span<const http::Field> keep(const std::vector<http::Field>& fields, base::Arena& arena) {
  void* const memory = arena.allocate(fields.size() * sizeof(http::Field), alignof(http::Field));
  auto* const kept = static_cast<http::Field*>(memory);
  std::uninitialized_copy(fields.begin(), fields.end(), kept);
  return {kept, fields.size()};
}

// What SDKs wait for: Retry-After in whole seconds, retry-after-ms exactly.
http::Field retry_after(const LimitMet& met, base::Arena& arena) {
  return {"Retry-After", arena.copy(fmt::format("{}", retry_after_s(met.retry_after_us)))};
}

http::Field retry_after_ms(const LimitMet& met, base::Arena& arena) {
  const int64_t ms = std::max<int64_t>(1, (met.retry_after_us + ms_us - 1) / ms_us);
  return {"retry-after-ms", arena.copy(fmt::format("{}", ms))};
}

void add_standing(std::string_view kind,
                  const Standing& standing,
                  std::vector<http::Field>& fields,
                  base::Arena& arena) {
  if (standing.limit == 0) return;
  const auto add = [&](std::string_view part, const std::string& value) {
    fields.push_back({arena.join({"x-ratelimit-", part, "-", kind}), arena.copy(value)});
  };
  add("limit", fmt::format("{}", standing.limit));
  add("remaining", fmt::format("{}", std::max<int64_t>(0, standing.remaining)));
  add("reset", openai_duration(standing.reset_us));
}

}  // namespace

std::optional<ApiError> check_rules(const Account& account) {
  const Client* const client = account.client();
  if (client == nullptr) return std::nullopt;
  const config::Client& rules = client->rules();
  const Told& told = account.told();
  // Only what has a body, or a model in its path, is for a model.
  const bool is_for_model = account.endpoint().metering != openai::Metering::free;
  if (is_for_model) {
    const bool names_one = told.is_known && !told.model.empty();
    const auto error =
        client->check_model(names_one ? std::optional<std::string_view>(told.model) : std::nullopt);
    if (error) return error;
  }
  const config::RequestLimit& most = rules.max_request;
  if (most.input_tokens > 0 && told.input_tokens > most.input_tokens) return over_input;
  if (most.output_tokens > 0 && told.output_tokens_max > most.output_tokens) return over_output;
  if (rules.unmetered == config::Unmetered::allow) return std::nullopt;
  const bool counts = client->meters().counts_tokens() || client->meters().counts_dollars();
  if (counts && !account.is_metered()) return unmetered;
  if (client->meters().counts_dollars() && !account.is_priced()) return unpriced;
  return std::nullopt;
}

Verdict refuse_for_limit(const Client& client,
                         const LimitMet& met,
                         const Now& now,
                         base::Arena& arena) {
  const std::string when =
      met.resets_s > 0 ? fmt::format("; it resets at {}", utc_time(met.resets_s)) : std::string();
  const ApiError error{
      .status = 429,
      .type = met.is_quota ? "insufficient_quota" : "rate_limit_exceeded",
      .code = met.is_quota ? "insufficient_quota" : "rate_limit_exceeded",
      .message = arena.copy(fmt::format(
          "{} has reached its limit {} at this proxy{}.", client.name(), met.name, when)),
      .retry = met.is_quota ? RetryAdvice::never : RetryAdvice::unsaid};
  std::vector<http::Field> fields = {retry_after(met, arena)};
  if (!met.is_quota) fields.push_back(retry_after_ms(met, arena));
  Meters::Standings standings = client.meters().standings(now);
  if (met.requests.limit > 0) standings.requests = met.requests;
  if (met.tokens.limit > 0) standings.tokens = met.tokens;
  add_standing("requests", standings.requests, fields, arena);
  add_standing("tokens", standings.tokens, fields, arena);
  return Verdict::refuse(error, keep(fields, arena));
}

Verdict refuse_for_keys(const LimitMet& met, base::Arena& arena) {
  static constexpr ApiError error = {
      429,
      "rate_limit_exceeded",
      "rate_limit_exceeded",
      "The keys that this proxy has for the upstream can carry no more at the moment; try again."};
  return Verdict::refuse(error, keep({retry_after(met, arena), retry_after_ms(met, arena)}, arena));
}

void add_standing(const Account& account, http::Head& response, base::Arena& arena) {
  if (account.client() == nullptr) return;
  std::vector<http::Field> fields;
  add_standing("requests", account.taken().requests_standing, fields, arena);
  add_standing("tokens", account.taken().tokens_standing, fields, arena);
  for (const http::Field& field : fields)
    response.set(field.name, field.value);
}

std::string describe(const Client& client, const std::vector<Meters::Line>& lines) {
  std::string json = "{\"client\":";
  base::append_json_string(json, client.name());
  if (client.rules().expires.days != 0) {
    json += ",\"expires\":\"" + config::DateText::print(client.rules().expires) + "\"";
  }
  const auto add_list = [&](std::string_view name, const std::vector<std::string>& values) {
    if (values.empty()) return;
    fmt::format_to(std::back_inserter(json), ",\"{}\":[", name);
    for (size_t i = 0; i < values.size(); ++i) {
      if (i > 0) json += ',';
      base::append_json_string(json, values[i]);
    }
    json += ']';
  };
  add_list("models", client.rules().models);
  add_list("models_denied", client.rules().models_denied);
  add_list("paths", client.rules().paths);
  json += ",\"limits\":[";
  bool is_first = true;
  for (const Meters::Line& line : lines) {
    if (!is_first) json += ',';
    is_first = false;
    const bool is_money = line.unit == Meters::Unit::budget;
    const auto amount = [&](int64_t value) {
      return is_money ? "\"" + base::print_dollars(value) + "\"" : fmt::format("{}", value);
    };
    fmt::format_to(
        std::back_inserter(json),
        "{{\"name\":\"{}\",\"limit\":{},\"used\":{},\"remaining\":{},\"resets_in\":\"{}\"}}",
        line.name,
        amount(line.limit),
        amount(line.used),
        amount(std::max<int64_t>(0, line.limit - line.used)),
        openai_duration(line.resets_in_us));
  }
  json += "],\"costs_are\":\"estimates by list prices, in US dollars\"}\n";
  return json;
}

}  // namespace policy
