// The answers an Exchange gives itself: admission, preflights, errors, the admin pages.

#include <fmt/format.h>

#include "http/target.h"
#include "proxy/client_connection.h"
#include "proxy/exchange.h"
#include "proxy/upstream_connection.h"
#include "proxy/upstream_pool.h"

namespace proxy {

using http::Framing;
using observe::Outcome;

namespace {

constexpr LocalError no_route = {
    404,
    "invalid_request_error",
    "no_route",
    "No route of this proxy matches the path; its operator can add one under `routes`."};
constexpr LocalError upgrade_refused = {
    426,
    "invalid_request_error",
    "websockets_disabled",
    "WebSockets are turned off on this route of the proxy; use HTTP.",
    RetryAdvice::never};
constexpr LocalError body_too_large = {
    413,
    "invalid_request_error",
    "request_too_large",
    "The request body is larger than this proxy's body_bytes_max."};

std::string_view path_of(std::string_view target, base::Arena& arena, std::string_view method) {
  const std::string_view path = http::origin_form(method, target, arena);
  return path == "*" ? "/" : path;
}

}  // namespace

// The order of what is asked of a request before it may go up.
bool Exchange::answer_locally() {
  if (client_->purpose() == Purpose::admin) {
    answer_admin();
    return true;
  }
  const policy::Route* route =
      snapshot_->router().find(path_of(request_head_.target, arena_, request_head_.method));
  if (route != nullptr) route_ = route;
  if (route_->cors.is_preflight(request_head_)) {
    reply_preflight();
    return true;
  }
  if (route == nullptr) {
    reply(no_route);
    return true;
  }
  if (client_->parser().wants_upgrade() && !route_->websockets) {
    reply(upgrade_refused);
    return true;
  }
  const Framing framing = client_->parser().framing();
  if (route_->body_bytes_max != 0 && framing.length > route_->body_bytes_max) {
    reply(body_too_large);
    return true;
  }
  return false;
}

void Exchange::answer_admin() {
  const AdminPage page = environment_.admin_page(summary_.path);
  render_page_head(page.status, page.content_type, response_head_, arena_);
  send_reply(base::as_bytes(arena_.copy(page.body)), Outcome::local);
}

void Exchange::reply_preflight() {
  route_->cors.answer_preflight(request_head_, response_head_, arena_);
  client_->send_head(response_head_, Framing{});
  client_->send_end({});
  static_cast<void>(client_->flush());
  summary_.status = response_head_.status;
  summary_.first_byte_ms = environment_.loop.now_ms();
  finish(Outcome::local);
}

void Exchange::reply(const LocalError& error, Outcome outcome) {
  drop_upstream();
  const std::string id =
      fmt::format("proxy_{:08x}{:06x}", environment_.id_prefix, ++environment_.request_ids);
  summary_.request_id = arena_.copy(id);
  summary_.error_code = error.code;
  const base::Bytes body = render(error, summary_.request_id, response_head_, arena_);
  route_->cors.apply(request_head_, response_head_, arena_);
  send_reply(body, outcome);
}

void Exchange::send_reply(base::Bytes body, Outcome outcome) {
  client_->send_head(response_head_, {Framing::Kind::length, body.size()});
  if (request_head_.method != "HEAD") {
    client_->send_body(body);
    summary_.bytes_down += body.size();
  }
  client_->send_end({});
  static_cast<void>(client_->flush());
  summary_.status = response_head_.status;
  summary_.first_byte_ms = environment_.loop.now_ms();
  finish(outcome);
}

}  // namespace proxy
