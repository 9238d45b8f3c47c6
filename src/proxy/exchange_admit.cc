// The answers an Exchange gives itself: admission, preflights, errors, the admin pages.

#include <fmt/format.h>

#include "base/log.h"
#include "http/target.h"
#include "local/https_redirect.h"
#include "openai/api_error.h"
#include "policy/loop.h"
#include "proxy/exchange.h"
#include "upstream/upstream_pool.h"

namespace proxy {

using observe::Outcome;

namespace {

constexpr openai::ApiError no_route = {
    404,
    "invalid_request_error",
    "no_route",
    "No route of this proxy matches the path; its operator can add one under `routes`."};
constexpr openai::ApiError ambiguous_path = {
    400,
    "invalid_request_error",
    "ambiguous_path",
    "Read by another program, this path could be one of another route of this proxy: write it "
    "without dot segments, double slashes and needless percent-encoding, and in the case of the "
    "proxy's route."};
constexpr openai::ApiError upgrade_refused = {
    426,
    "invalid_request_error",
    "websockets_disabled",
    "WebSockets are turned off on this route of the proxy; use HTTP.",
    openai::RetryAdvice::never};
constexpr openai::ApiError https_only = {
    308,
    "invalid_request_error",
    "https_only",
    "This address speaks https only; follow the Location, and change http:// to https:// in what "
    "you call: over http anybody on the way can read your key."};
constexpr openai::ApiError host_needed = {
    400, "invalid_request_error", "https_only", "This address speaks https only."};
constexpr openai::ApiError no_challenge = {
    404, "invalid_request_error", "no_challenge", "There is no such challenge file."};
constexpr openai::ApiError body_too_large = {
    413,
    "invalid_request_error",
    "request_too_large",
    "The request body is larger than this proxy's body_bytes_max."};

constexpr openai::ApiError memory_full = {503,
                                          "server_error",
                                          "proxy_memory_full",
                                          "The proxy is short of memory. Try again.",
                                          openai::RetryAdvice::soon};

std::string_view path_of(std::string_view target, base::Arena& arena, std::string_view method) {
  const std::string_view path = http::origin_form(method, target, arena);
  return path == "*" ? "/" : path;
}

}  // namespace

// The order of what is asked of a request before it may go up.
bool Exchange::answer_locally() {
  switch (entrance_->purpose) {
    case Purpose::admin:
      answer_admin();
      return true;
    case Purpose::redirect:
      redirect_to_https();
      return true;
    case Purpose::proxy:
      break;
  }
  const std::string_view path = path_of(request_head_.target, arena_, request_head_.method);
  const policy::Route* route = snapshot_->router().find(path);
  if (route != nullptr) route_ = route;
  if (policy::has_come_back(request_head_)) {
    refuse_loop();
    return true;
  }
  if (route_->cors.is_preflight(request_head_)) {
    reply_preflight();
    return true;
  }
  if (snapshot_->router().is_ambiguous(path, route)) {
    reply(ambiguous_path);
    return true;
  }
  if (route == nullptr) {
    reply(no_route);
    return true;
  }
  if (request_traits_.upgrade && !route_->websockets) {
    const base::Bytes body = render_reply(upgrade_refused);
    response_head_.add("Upgrade", "HTTP/1.1");  // what is required instead (RFC 9110 15.5.22)
    send_reply(body, Outcome::local);
    return true;
  }
  if (route_->body_bytes_max != 0 && request_traits_.framing.length > route_->body_bytes_max) {
    reply(body_too_large);
    return true;
  }
  if (environment_.memory.is_tight()) {
    refuse_for_memory();
    return true;
  }
  return false;
}

void Exchange::refuse_loop() {
  if (base::is_due_to_log(environment_.log_loop_again_s, environment_.loop.now_ms())) {
    const std::string& name = route_->upstream;
    base::log_error(
        "a request has come back to this proxy, by way of upstream {}: its url, or what it "
        "redirects or forwards to, leads here; name the server that is meant",
        name.empty() ? "(none)" : name);
  }
  reply(local::error_for_upstream({base::Code::loop, base::Side::upstream}));
}

void Exchange::refuse_for_memory() {
  base::MemoryLimit& memory = environment_.memory;
  environment_.metrics.memory_refused.add();
  if (memory.is_refusal_due_to_log(environment_.loop.now_ms())) {
    base::log_warning(
        "{} bytes of memory are held, near memory_limit ({}): new requests get 503 until some end; "
        "raise it, or lower limits.connections_max",
        memory.used_bytes(),
        memory.limit_bytes());
  }
  reply(memory_full);
}

void Exchange::answer_admin() {
  const local::AdminPage page = environment_.admin_page(summary_.path);
  local::render_page_head(page.status, page.content_type, response_head_, arena_);
  send_reply(base::as_bytes(arena_.copy(page.body)), Outcome::local);
}

void Exchange::redirect_to_https() {
  const Entrance& entrance = *entrance_;
  const std::string_view path = path_of(summary_.path, arena_, request_head_.method);
  if (!entrance.acme_webroot.empty() && local::is_acme_path(path)) {
    const auto challenge = local::read_acme_challenge(entrance.acme_webroot, path);
    if (!challenge) {
      reply(no_challenge);
      return;
    }
    local::render_page_head(200, "application/octet-stream", response_head_, arena_);
    send_reply(base::as_bytes(arena_.copy(*challenge)), Outcome::local);
    return;
  }
  const std::string_view location =
      local::https_location(request_head_, entrance.https_port, arena_);
  if (location.empty()) {
    reply(host_needed);
    return;
  }
  const base::Bytes body = render_reply(https_only);
  response_head_.add("Location", location);
  send_reply(body, Outcome::local);
}

void Exchange::reply_preflight() {
  route_->cors.answer_preflight(request_head_, response_head_, arena_);
  client_->send_head(response_head_, stream::Body{});
  client_->send_end({});
  summary_.status = response_head_.status;
  summary_.first_byte_ms = environment_.loop.now_ms();
  finish(Outcome::local);
}

void Exchange::reply(const openai::ApiError& error, Outcome outcome) {
  drop_upstream();
  send_reply(render_reply(error), outcome);
}

base::Bytes Exchange::render_reply(const openai::ApiError& error) {
  const std::string id =
      fmt::format("proxy_{:08x}{:06x}", environment_.id_prefix, ++environment_.request_ids);
  summary_.request_id = arena_.copy(id);
  summary_.error_code = error.code;
  const base::Bytes body = local::render(error, summary_.request_id, response_head_, arena_);
  route_->cors.apply(request_head_, response_head_, arena_);
  return body;
}

void Exchange::send_reply(base::Bytes body, Outcome outcome) {
  client_->send_head(response_head_, {stream::Body::Kind::length, body.size()});
  if (request_head_.method != "HEAD") {
    client_->send_body(body);
    summary_.bytes_down += body.size();
  }
  client_->send_end({});
  summary_.status = response_head_.status;
  summary_.first_byte_ms = environment_.loop.now_ms();
  finish(outcome);
}

}  // namespace proxy
