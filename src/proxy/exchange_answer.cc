// The answers an Exchange gives itself: refusals, preflights, and what the services of ours say.

#include <fmt/format.h>
#include <utility>

#include "base/log.h"
#include "local/local_reply.h"
#include "proxy/exchange.h"

namespace proxy {

using observe::Outcome;

void Exchange::serve(local::Service& service) {
  request_.phase = Phase::answering;
  std::unique_ptr<local::Answer> answer = service.serve(request_head_, *this);
  if (answer) request_.answer = std::move(answer);
}

// What the pipeline has to say instead of an upstream.
void Exchange::answer(const policy::Verdict& verdict) {
  notice(verdict.notice);
  if (verdict.error) {
    refuse(*verdict.error, verdict.fields);
  } else if (!verdict.page.empty()) {
    local::render_page_head(200, "application/json", response_head_, arena_);
    request_.policy.route->cors.apply(request_head_, response_head_, arena_);
    send_reply_head({stream::Body::Kind::length, verdict.page.size()});
    send(base::as_bytes(verdict.page));
    finish_reply(Outcome::local);
  } else {
    send_reply_head({});
    finish_reply(Outcome::local);
  }
}

void Exchange::notice(policy::Verdict::Notice notice) {
  const uint64_t now_ms = environment_.loop.now_ms();
  switch (notice) {
    case policy::Verdict::Notice::none:
      return;
    case policy::Verdict::Notice::loop:
      if (base::is_due_to_log(environment_.log_loop_again_s, now_ms)) {
        const std::string& name = request_.policy.route->upstream;
        base::log_error(
            "a request has come back to this proxy, by way of upstream {}: its url, or what it "
            "redirects or forwards to, leads here; name the server that is meant",
            name.empty() ? "(none)" : name);
      }
      return;
    case policy::Verdict::Notice::memory:
      environment_.metrics.memory_refused.add();
      if (environment_.memory.is_refusal_due_to_log(now_ms)) {
        base::log_warning(
            "{} bytes of memory are held, near memory_limit ({}): new requests get 503 until some "
            "end; raise it, or lower limits.connections_max",
            environment_.memory.used_bytes(),
            environment_.memory.limit_bytes());
      }
      return;
  }
}

void Exchange::refuse_for_memory() {
  answer(policy::Pipeline::refuse_for_memory());
}

// In the API's form, also for pages of other sites: they are to know what is wrong.
void Exchange::refuse(const openai::ApiError& error,
                      std::span<const http::Field> fields,
                      Outcome outcome) {
  drop_upstream();
  const std::string id =
      fmt::format("proxy_{:08x}{:06x}", environment_.id_prefix, ++environment_.request_ids);
  request_.summary.request_id = arena_.copy(id);
  request_.summary.error_code = error.code;
  const base::Bytes body =
      local::render(error, request_.summary.request_id, response_head_, arena_);
  request_.policy.route->cors.apply(request_head_, response_head_, arena_);
  for (const http::Field& field : fields)
    response_head_.add(field.name, field.value);
  send_reply_head({stream::Body::Kind::length, body.size()});
  send(body);
  finish_reply(outcome);
}

void Exchange::send_reply_head(stream::Body body) {
  request_.client->send_head(response_head_, body);
  request_.summary.status = response_head_.status;
  request_.summary.first_byte_ms = environment_.loop.now_ms();
}

void Exchange::finish_reply(Outcome outcome) {
  request_.client->send_end({});
  finish(outcome);
}

// For services.

void Exchange::reply(const local::Page& page) {
  local::render_page_head(page.status, page.content_type, response_head_, arena_);
  const base::Bytes body = base::as_bytes(arena_.copy(page.body));
  send_reply_head({stream::Body::Kind::length, body.size()});
  send(body);
  finish_reply(Outcome::local);
}

void Exchange::reply(const openai::ApiError& error, std::span<const http::Field> fields) {
  refuse(error, fields);
}

void Exchange::begin(std::string_view content_type) {
  local::render_page_head(200, content_type, response_head_, arena_);
  send_reply_head({stream::Body::Kind::unknown, 0});
}

void Exchange::send(base::Bytes bytes) {
  if (request_head_.method == "HEAD") return;
  request_.client->send_body(bytes);
  request_.summary.bytes_down += bytes.size();
}

void Exchange::end() {
  finish_reply(Outcome::local);
}

}  // namespace proxy
