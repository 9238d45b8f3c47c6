#include "policy/pipeline.h"

#include <algorithm>
#include <array>
#include <vector>

#include "http/target.h"
#include "openai/endpoints.h"
#include "policy/account_words.h"
#include "policy/base_path.h"
#include "policy/credential.h"
#include "policy/failure.h"
#include "policy/loop.h"
#include "policy/page_origin.h"
#include "policy/way_back.h"

namespace policy {

using http::FieldId;
using openai::ApiError;

namespace {

constexpr std::string_view invalid_request = "invalid_request_error";

constexpr ApiError memory_full = {503,
                                  "server_error",
                                  "proxy_memory_full",
                                  "The proxy is short of memory. Try again.",
                                  openai::RetryAdvice::soon};
constexpr ApiError no_route = {
    404,
    invalid_request,
    "no_route",
    "No route of this proxy matches the path; its operator can add one under `routes`."};
constexpr ApiError ambiguous_path = {
    400,
    invalid_request,
    "ambiguous_path",
    "Read by another program, this path could be one of another route of this proxy: write it "
    "without dot segments, double slashes and needless percent-encoding, and in the case of the "
    "proxy's route."};
constexpr ApiError upgrade_refused = {
    426,
    invalid_request,
    "websockets_disabled",
    "WebSockets are turned off on this route of the proxy; use HTTP.",
    openai::RetryAdvice::never};
constexpr ApiError body_too_large = {
    413,
    invalid_request,
    "request_too_large",
    "The request body is larger than this proxy's body_bytes_max."};

constexpr ApiError token_missing = {
    401,
    invalid_request,
    "invalid_api_key",
    "This proxy asks for a token: put the one that its operator gave you where your API key would "
    "be.",
    openai::RetryAdvice::never};
constexpr ApiError token_unknown = {401,
                                    invalid_request,
                                    "invalid_api_key",
                                    "This proxy does not know the token, or API key, that you "
                                    "sent; use the token that its operator "
                                    "gave you.",
                                    openai::RetryAdvice::never};

// RFC 9110 11.6.1: a 401 says how.
constexpr std::array<http::Field, 1> asks_for_token = {
    {{"WWW-Authenticate", "Bearer", FieldId::www_authenticate}}};

constexpr int64_t ms_us = 1'000;
// How often whoever waits looks whether it may go on: a slot frees itself without a word.
constexpr int64_t look_again_us_min = 5 * ms_us;
constexpr int64_t look_again_us_max = 50 * ms_us;

// Whoever is woken in any case looks after this, all the same.
constexpr uint64_t woken_ms_max = 1'000;

// What is required instead (RFC 9110 15.5.22).
constexpr std::array<http::Field, 1> only_http = {{{"Upgrade", "HTTP/1.1", FieldId::upgrade}}};

std::string_view path_of(const Asked& asked) {
  const std::string_view path =
      http::origin_form(asked.head.method, asked.head.target, asked.arena);
  return path == "*" ? "/" : path;
}

openai::Endpoint endpoint_of(const Asked& asked) {
  const std::string_view target = path_of(asked);
  const std::string_view path = target.substr(0, target.find('?'));
  openai::Endpoint endpoint = openai::endpoint_of(asked.head.method, path, asked.traits.upgrade);
  if (endpoint.metering == openai::Metering::session && path.size() < target.size()) {
    endpoint.model = openai::model_of_session(target.substr(path.size() + 1));
  }
  return endpoint;
}

std::string_view target_for(const Asked& asked, const Destination& to, const Route& route) {
  if (to.redirected_to != nullptr) return to.redirected_to->target;
  std::string_view path = http::origin_form(asked.head.method, asked.head.target, asked.arena);
  if (path == "*") return path;
  path = route.forwarded(path);
  if (!path.starts_with('/')) path = asked.arena.join({"/", path});
  const std::string_view base_path = base_in_front(to.url.target, path);
  return base_path.empty() ? path : asked.arena.join({base_path, path});
}

void drop_body_fields(std::vector<http::Field>& fields) {
  std::erase_if(fields, [](const http::Field& field) {
    return describes_body(field.name) || field.id == FieldId::expect;
  });
}

// The client's token stays here, and a key of ours goes up where there is one: but not to where a
// redirect leads.
void replace_token(const Account& account,
                   const Destination& to,
                   const Asked& asked,
                   http::Head& head) {
  const Key* const key = account.key();
  if (account.client() == nullptr && key == nullptr) return;
  drop_tokens(head, account.token(), asked.arena);
  if (key == nullptr || to.drops_credentials) return;
  add_key(head, key->place(), key->value(), asked.arena);
  head.remove("openai-organization");
  head.remove("openai-project");
  if (!key->organization().empty()) head.add("OpenAI-Organization", key->organization());
  if (!key->project().empty()) head.add("OpenAI-Project", key->project());
}

// Others of its client came first, or it has to wait for a limit: as many as there is room for do,
// for a time.
Verdict wait_or_refuse(const Client& client,
                       const LimitMet& met,
                       const Now& now,
                       PolicyState& state,
                       base::Arena& arena) {
  const config::Queue& queue = client.rules().queue;
  if (queue.max == 0 || met.is_quota) return refuse_for_limit(client, met, now, arena);
  if (state.place.is_none()) {
    state.place = client.line().take(queue.max);
    if (state.place.is_none()) return refuse_for_limit(client, met, now, arena);
    state.waits_until_us = now.us + int64_t{queue.timeout_ms} * ms_us;
  }
  if (now.us >= state.waits_until_us) return refuse_for_limit(client, met, now, arena);
  const int64_t look_us = std::clamp(met.retry_after_us, look_again_us_min, look_again_us_max);
  const int64_t left_us = state.waits_until_us - now.us;
  return {.kind = Verdict::Kind::wait,
          .wait_ms = static_cast<uint64_t>((std::min(look_us, left_us) + ms_us - 1) / ms_us)};
}

// Takes it of its client's limits.
std::optional<Verdict> take_of_client(const Asked& asked,
                                      SharedLimits* shared,
                                      const Now& now,
                                      PolicyState& state) {
  Account& account = *state.account;
  const Client* const client = account.client();
  if (client == nullptr) return std::nullopt;
  if (client->rules().queue.max > 0 && !client->line().is_turn_of(state.place)) {
    return wait_or_refuse(*client, {.name = "queue"}, now, state, asked.arena);
  }
  const Account::OfClient taken = account.take_of_client(shared, asked.waker, now);
  if (taken.is_pending) return Verdict{.kind = Verdict::Kind::wait, .wait_ms = woken_ms_max};
  if (taken.met) return wait_or_refuse(*client, *taken.met, now, state, asked.arena);
  state.place = {};
  return std::nullopt;
}

}  // namespace

// Whether it goes up.

Verdict Pipeline::decide(const Asked& asked,
                         bool memory_is_tight,
                         const Now& now,
                         http::Head& response,
                         PolicyState& state) const {
  if (const auto verdict = admit(asked, now, response, state)) return *verdict;
  if (const auto verdict = choose(asked, state)) return *verdict;
  if (gateway_ != nullptr) {
    if (const auto verdict = charge(asked, now, state)) return *verdict;
  }
  if (memory_is_tight) return refuse_for_memory();
  return {};
}

std::optional<Verdict> Pipeline::admit(const Asked& asked,
                                       const Now& now,
                                       http::Head& response,
                                       PolicyState& state) const {
  if (has_come_back(asked.head)) {
    if (const Route* route = router_.find(path_of(asked))) state.route = route;
    return Verdict{
        .kind = Verdict::Kind::answer, .notice = Verdict::Notice::loop, .error = loop_detected};
  }
  const Cors& cors = router_.fallback().cors;
  if (cors.is_preflight(asked.head)) {
    cors.answer_preflight(asked.head, response, asked.arena);
    return Verdict{.kind = Verdict::Kind::answer};
  }
  if (gateway_ == nullptr || !gateway_->has_clients()) return std::nullopt;
  if (state.view != nullptr) return about(asked, now, state);
  if (state.account != nullptr) return std::nullopt;
  return identify(asked, now, state);
}

std::optional<Verdict> Pipeline::identify(const Asked& asked,
                                          const Now& now,
                                          PolicyState& state) const {
  const std::optional<std::string_view> token = find_token(asked.head);
  const Client* client = token ? gateway_->find(*token) : gateway_->anonymous();
  if (client == nullptr) {
    return Verdict::refuse(token ? token_unknown : token_missing, asks_for_token);
  }
  state.account = std::make_unique<Account>(*gateway_, client, token.value_or(std::string_view()));
  const std::string_view target = path_of(asked);
  const std::string_view path = target.substr(0, target.find('?'));
  if (path == me_path_) return about(asked, now, state);
  const http::Field* origin = asked.head.find(FieldId::origin);
  const auto error =
      client->check({.address = asked.client_address,
                     .origin = origin == nullptr ? std::string_view() : origin->value,
                     .path = path,
                     .now_s = now.s});
  if (error) return Verdict::refuse(*error);
  return std::nullopt;
}

// What `client` may and has used, for itself.
Verdict Pipeline::about(const Asked& asked, const Now& now, PolicyState& state) const {
  const Client& client = *state.account->client();
  if (shared_ != nullptr && state.view == nullptr && client.meters().limit_anything()) {
    state.view = shared_->ask({.client = client.name(),
                               .meters = client.shared_meters(),
                               .purpose = SharedLimits::Purpose::look},
                              asked.waker);
  }
  const auto known = state.view == nullptr ? SharedClaim::State::lost : state.view->state();
  if (known == SharedClaim::State::asked) {
    return {.kind = Verdict::Kind::wait, .wait_ms = woken_ms_max};
  }
  const std::string page = describe(
      client,
      known == SharedClaim::State::granted ? state.view->lines() : client.meters().lines(now));
  return {.kind = Verdict::Kind::answer, .page = asked.arena.copy(page)};
}

std::optional<Verdict> Pipeline::choose(const Asked& asked, PolicyState& state) const {
  const std::string_view path = path_of(asked);
  const Route* route = router_.find(path);
  if (route != nullptr) state.route = route;
  if (router_.is_ambiguous(path, route)) return Verdict::refuse(ambiguous_path);
  if (route == nullptr) return Verdict::refuse(no_route);
  if (asked.traits.upgrade && !route->websockets) {
    return Verdict::refuse(upgrade_refused, only_http);
  }
  if (const auto error = check_body(asked.traits.framing.length, state)) {
    return Verdict::refuse(*error);
  }
  return std::nullopt;
}

// Whoever asks a second time, after its body has come or its turn, has not taken anything before.
std::optional<Verdict> Pipeline::charge(const Asked& asked,
                                        const Now& now,
                                        PolicyState& state) const {
  KeyRing* const keys = gateway_->keys_of(state.route->upstream);
  if (state.account == nullptr) {
    if (keys == nullptr && !gateway_->accounts_for_all()) return std::nullopt;
    const std::optional<std::string_view> token = find_token(asked.head);
    state.account =
        std::make_unique<Account>(*gateway_, nullptr, token.value_or(std::string_view()));
  }
  Account& account = *state.account;
  account.set_endpoint(endpoint_of(asked));
  if (account.needs_body(keys)) {
    if (!asked.body_is_whole && asked.body.size() < inspect_bytes_max_) {
      return Verdict{.kind = Verdict::Kind::needs_body, .body_bytes = inspect_bytes_max_};
    }
    account.look_into(asked.body, asked.body_is_whole, asked.head, asked.arena);
  }
  if (const auto error = check_rules(account)) return Verdict::refuse(*error);
  if (const auto verdict = take_of_client(asked, shared_.get(), now, state)) return verdict;
  if (keys == nullptr) return std::nullopt;
  if (const auto met = account.take_of_keys(*keys, now)) {
    return refuse_for_keys(*met, asked.arena);
  }
  return std::nullopt;
}

Verdict Pipeline::refuse_for_memory() {
  return {.kind = Verdict::Kind::answer, .notice = Verdict::Notice::memory, .error = memory_full};
}

std::optional<ApiError> Pipeline::check_body(uint64_t bytes, const PolicyState& state) {
  const uint64_t bytes_max = state.route->body_bytes_max;
  if (bytes_max == 0 || bytes <= bytes_max) return std::nullopt;
  return body_too_large;
}

// What goes up, and down.

void Pipeline::prepare_request(const Asked& asked,
                               const Destination& to,
                               const PolicyState& state,
                               http::Head& head) {
  const Route& route = *state.route;
  head.clear();
  head.method = to.drops_body ? "GET" : asked.head.method;
  head.target = target_for(asked, to, route);
  route.fields.request(asked.head, head, to.host);
  if (asked.traits.upgrade) head.add("Upgrade", asked.head.find(FieldId::upgrade)->value);
  if (to.drops_body) drop_body_fields(head.fields);
  if (state.account != nullptr) {
    replace_token(*state.account, to, asked, head);
    // Messages that are compressed could not be read for what they used.
    if (asked.traits.upgrade) head.remove("sec-websocket-extensions");
    // Or the chunk could not be found.
    if (state.account->edit().is_needed()) head.set("Accept-Encoding", "identity");
  }
  if (to.drops_credentials) drop_credentials(head.fields);
  if (to.hides_page && route.cors.answers(asked.head)) hide_page(head);
  if (to.marks_requests) head.add(loop_field, marked(asked.head, asked.arena));
  route.fields.announce(head, asked.client_address, asked.is_https);
}

void Pipeline::prepare_interim(const Asked& asked, const PolicyState& state, http::Head& head) {
  state.route->fields.response(head);
  if (state.account != nullptr) state.account->mask_head(head, asked.arena);
}

void Pipeline::prepare_tunnel(const Asked& asked, const PolicyState& state, http::Head& head) {
  const http::Field* upgrade = head.find(FieldId::upgrade);
  const std::string_view protocol = upgrade != nullptr ? upgrade->value : "websocket";
  state.route->fields.response(head);
  head.add("Upgrade", protocol);
  if (state.account != nullptr) state.account->mask_head(head, asked.arena);
  state.route->cors.apply(asked.head, head, asked.arena);
}

void Pipeline::prepare_response(const Asked& asked,
                                const PolicyState& state,
                                const Answered& answered,
                                bool is_event_stream) const {
  const Route& route = *state.route;
  http::Head& head = answered.head;
  route.fields.response(head);
  if (names_a_place(head)) {
    policy::map_way_back(head,
                         {.router = router_,
                          .route = route,
                          .upstream = answered.upstream,
                          .host = answered.host,
                          .current = answered.url(),
                          .redirected = answered.redirected_to != nullptr},
                         asked.arena);
  }
  // Or a front nginx would gather the events.
  if (is_event_stream) head.set("X-Accel-Buffering", "no");
  route.fields.announce(head);
  if (state.account != nullptr) {
    state.account->mask_head(head, asked.arena);
    add_standing(*state.account, head, asked.arena);
  }
  route.cors.apply(asked.head, head, asked.arena);
}

void Pipeline::begin_response(const http::Head& head, bool is_tunnel, PolicyState& state) {
  if (state.account == nullptr) return;
  if (is_tunnel) {
    state.account->begin_tunnel();
  } else {
    state.account->begin_response(head);
  }
  state.tap = state.account.get();
}

std::optional<Bill> Pipeline::observe(bool was_served, const Now& now, PolicyState& state) {
  if (state.account == nullptr) return std::nullopt;
  state.tap = nullptr;
  return state.account->settle(was_served, now);
}

// What follows.

std::optional<Redirect> Pipeline::review(const Asked& asked,
                                         const PolicyState& state,
                                         const Answered& answered,
                                         uint32_t redirects) {
  const config::Redirects& allowed = state.route->redirects;
  if (!allowed.follow || redirects >= allowed.max || asked.traits.upgrade ||
      !is_redirect_status(answered.head.status)) {
    return std::nullopt;
  }
  const http::Field* location = answered.head.find(FieldId::location);
  if (location == nullptr) return std::nullopt;
  std::optional<Redirect> redirect = plan_redirect(
      answered.head.status, answered.method, answered.url(), answered.asked_host, location->value);
  if (redirect && !redirect->becomes_get && !answered.body_is_held) return std::nullopt;
  return redirect;
}

}  // namespace policy
