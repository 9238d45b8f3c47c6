#include "policy/pipeline.h"

#include <algorithm>
#include <array>
#include <vector>

#include "http/target.h"
#include "policy/base_path.h"
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

// What is required instead (RFC 9110 15.5.22).
constexpr std::array<http::Field, 1> only_http = {{{"Upgrade", "HTTP/1.1", FieldId::upgrade}}};

std::string_view path_of(const Asked& asked) {
  const std::string_view path =
      http::origin_form(asked.head.method, asked.head.target, asked.arena);
  return path == "*" ? "/" : path;
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

}  // namespace

// Whether it goes up.

Verdict Pipeline::decide(const Asked& asked,
                         bool memory_is_tight,
                         http::Head& response,
                         PolicyState& state) const {
  if (const auto verdict = admit(asked, response, state)) return *verdict;
  if (const auto verdict = choose(asked, state)) return *verdict;
  if (memory_is_tight) return refuse_for_memory();
  return {};
}

std::optional<Verdict> Pipeline::admit(const Asked& asked,
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
  return std::nullopt;
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
  if (to.drops_credentials) drop_credentials(head.fields);
  if (to.hides_page && route.cors.answers(asked.head)) hide_page(head);
  if (to.marks_requests) head.add(loop_field, marked(asked.head, asked.arena));
  route.fields.announce(head, asked.client_address, asked.is_https);
}

void Pipeline::prepare_interim(const PolicyState& state, http::Head& head) {
  state.route->fields.response(head);
}

void Pipeline::prepare_tunnel(const Asked& asked, const PolicyState& state, http::Head& head) {
  const http::Field* upgrade = head.find(FieldId::upgrade);
  const std::string_view protocol = upgrade != nullptr ? upgrade->value : "websocket";
  state.route->fields.response(head);
  head.add("Upgrade", protocol);
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
  route.cors.apply(asked.head, head, asked.arena);
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
