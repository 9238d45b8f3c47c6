#include "http/h1_parser.h"

#include <algorithm>
#include <new>
#include <type_traits>

#include "base/check.h"
#include "http/chars.h"
#include "http/h1_engine.h"

namespace http {
namespace {

constexpr size_t empty_line_bytes_max = 8;
constexpr size_t method_bytes_max = 64;
constexpr size_t chunk_line_bytes_max = 1024;  // a size, extensions, and the CRLF before it
constexpr std::string_view protocol = "HTTP/1.";
// What llhttp gets in place of every method and target; of its methods one that RTSP has not.
constexpr std::string_view stand_in = "PUT / ";

}  // namespace

void H1Parser::begin(Head& head, base::Arena& arena, std::string_view request_method) {
  head.clear();
  static_assert(std::is_trivially_destructible_v<Engine>);
  engine_ =
      new (arena.allocate(sizeof(Engine), alignof(Engine))) Engine(role_, limits_, head, arena);
  engine_->answers_head = request_method == "HEAD";
  traits_ = {};
  error_ = {};
  begun_ = false;
  phase_ = Phase::start;
}

H1Event H1Parser::next(base::Bytes& input) {
  CHECK(phase_ != Phase::idle);
  for (;;) {
    const Phase before = phase_;
    const H1Event event = step(input);
    if (event.kind != H1Event::Kind::need_more || phase_ == before) return event;
  }
}

// One event, or a change of phase, or need_more.
H1Event H1Parser::step(base::Bytes& input) {
  switch (phase_) {
    case Phase::start:
      return role_ == Role::request ? read_start_of_request(input) : read_start_of_response(input);
    case Phase::target:
      return read_target(input);
    case Phase::head:
      switch (engine_->run_head(input)) {
        case Engine::Outcome::more:
          return {H1Event::Kind::need_more, {}};
        case Engine::Outcome::complete:
          return finish_head();
        case Engine::Outcome::failed:
          return fail(engine_->error);
      }
      break;
    case Phase::length:
      return read_body(input, Phase::ending);
    case Phase::chunk_line:
      return read_chunk_line(input);
    case Phase::chunk_data: {
      const H1Event event = read_body(input, Phase::chunk_line);
      if (event.kind == H1Event::Kind::body) {
        const std::string_view text = base::as_text(event.body);
        CHECK(llhttp_execute(&engine_->llhttp, text.data(), text.size()) == HPE_OK);
      }
      return event;
    }
    case Phase::trailers:
      switch (engine_->run(input)) {
        case Engine::Outcome::more:
          return {H1Event::Kind::need_more, {}};
        case Engine::Outcome::complete:
          break;
        case Engine::Outcome::failed:
          return fail(engine_->error);
      }
      [[fallthrough]];
    case Phase::ending:
      phase_ = Phase::idle;
      engine_ = nullptr;
      return {H1Event::Kind::end, {}};
    case Phase::until_close:
    case Phase::tunnel:
      body_left_ = UINT64_MAX;
      return read_body(input, phase_);
    case Phase::upgraded:
      return fail({400, "101 that was not asked for"});
    case Phase::failed:
      return {H1Event::Kind::error, {}};
    case Phase::idle:
      break;
  }
  CHECK(false);
}

// Up to the space behind the target. Before the method there may be a few empty lines (RFC
// 9112 2.2), which are nobody's message.
H1Event H1Parser::read_start_of_request(base::Bytes& input) {
  size_t& skipped = engine_->start_bytes;
  while (!begun_ && !input.empty()) {
    const bool is_within_line_end = skipped % 2 == 1;
    const char c = base::as_text(input).front();
    if (!is_within_line_end && c != '\r') {
      begun_ = true;
      break;
    }
    if (c != (is_within_line_end ? '\n' : '\r') || ++skipped > empty_line_bytes_max) {
      return fail({400, "malformed line before the request"});
    }
    drop(input, 1);
  }
  return read_method(input);
}

H1Event H1Parser::read_method(base::Bytes& input) {
  Engine& engine = *engine_;
  const std::string_view text = base::as_text(input);
  size_t size = 0;
  while (size < text.size() && is_token_char(text[size]))
    ++size;
  std::string_view& method = engine.head->method;
  method = engine.arena->append(method, text.substr(0, std::min(size, method_bytes_max + 1)));
  if (method.size() > method_bytes_max) return fail({400, "the method is too long"});
  if (size == text.size()) {
    drop(input, size);
    return {H1Event::Kind::need_more, {}};
  }
  if (text[size] != ' ' || method.empty()) return fail({400, "malformed method"});
  drop(input, size + 1);
  phase_ = Phase::target;
  return {H1Event::Kind::need_more, {}};
}

// Any bytes but white space and controls; its form is judged when the whole head is there.
H1Event H1Parser::read_target(base::Bytes& input) {
  Engine& engine = *engine_;
  const std::string_view text = base::as_text(input);
  size_t size = 0;
  while (size < text.size() && is_target_char(text[size]))
    ++size;
  std::string_view& target = engine.head->target;
  const size_t size_max = std::min(engine.limits.target_bytes_max, engine.limits.head_bytes_max);
  if (size > size_max - target.size()) return fail({414, "the request target is too long"});
  target = engine.arena->append(target, text.substr(0, size));
  if (size == text.size()) {
    drop(input, size);
    return {H1Event::Kind::need_more, {}};
  }
  if (text[size] == '\r' || text[size] == '\n') {
    return fail({400, "HTTP/0.9 is not served here"});
  }
  if (text[size] != ' ' || target.empty()) return fail({400, "malformed request line"});
  drop(input, size + 1);
  const size_t used = engine.head->method.size() + target.size() + 2;
  if (used >= engine.left) return fail({414, "the request target is too long"});
  engine.left -= used;
  engine.prime(stand_in);
  phase_ = Phase::head;
  return {H1Event::Kind::need_more, {}};
}

// llhttp would skip line breaks before a status line, and may know other protocols. Of versions it
// knows 1.0 and 1.1; a later minor one is to be read as the latest we know (RFC 9110 2.5). A
// request of such a version is refused all the same: nobody sends one, and what stands in front of
// us may have read it as 1.0.
H1Event H1Parser::read_start_of_response(base::Bytes& input) {
  size_t& matched = engine_->start_bytes;
  while (!input.empty() && matched < protocol.size()) {
    begun_ = true;
    if (base::as_text(input).front() != protocol[matched]) {
      if (matched < protocol_name.size()) return fail({400, "not HTTP"});
      return enter_status_line(protocol.substr(0, matched));
    }
    ++matched;
    drop(input, 1);
  }
  if (input.empty()) return {H1Event::Kind::need_more, {}};
  const char minor = base::as_text(input).front();
  if (minor < '2' || minor > '9') return enter_status_line(protocol);
  drop(input, 1);
  --engine_->left;
  return enter_status_line("HTTP/1.1");
}

// `text` is what llhttp gets for the bytes taken so far.
H1Event H1Parser::enter_status_line(std::string_view text) {
  engine_->in_version = true;
  engine_->prime(text);
  engine_->left -= std::min(text.size(), protocol.size());
  phase_ = Phase::head;
  return {H1Event::Kind::need_more, {}};
}

H1Event H1Parser::finish_head() {
  Engine& engine = *engine_;
  std::optional<H1Error> error;
  if (role_ == Role::request) {
    error = judge_request(*engine.head, traits_);
  } else {
    engine.head->status = engine.llhttp.status_code;
    error = judge_response(*engine.head, engine.answers_head, traits_);
  }
  if (error) return fail(*error);
  switch (traits_.framing.kind) {
    case Framing::Kind::none:
      phase_ = Phase::ending;
      break;
    case Framing::Kind::length:
      body_left_ = traits_.framing.length;
      phase_ = body_left_ > 0 ? Phase::length : Phase::ending;
      break;
    case Framing::Kind::chunked:
      // Ours and llhttp's idea of the same field must agree, or its chunk parser never starts.
      if ((engine.llhttp.flags & F_CHUNKED) == 0) return fail({400, "malformed Transfer-Encoding"});
      engine.left = chunk_line_bytes_max;
      phase_ = Phase::chunk_line;
      break;
    case Framing::Kind::until_close:
      phase_ = Phase::until_close;
      break;
    case Framing::Kind::tunnel:
      phase_ = Phase::upgraded;
      break;
  }
  return {H1Event::Kind::head, {}};
}

H1Event H1Parser::read_body(base::Bytes& input, Phase after) {
  if (input.empty()) return {H1Event::Kind::need_more, {}};
  const size_t count = static_cast<size_t>(std::min<uint64_t>(input.size(), body_left_));
  const base::Bytes body = input.first(count);
  drop(input, count);
  body_left_ -= count;
  if (body_left_ == 0) phase_ = after;
  return {H1Event::Kind::body, body};
}

H1Event H1Parser::read_chunk_line(base::Bytes& input) {
  Engine& engine = *engine_;
  switch (engine.run(input)) {
    case Engine::Outcome::more:
      break;
    case Engine::Outcome::complete:
      engine.left = chunk_line_bytes_max;
      body_left_ = engine.llhttp.content_length;
      if (body_left_ > INT64_MAX) return fail({400, "the chunk is too large"});
      phase_ = body_left_ > 0 ? Phase::chunk_data : Phase::trailers;
      if (body_left_ == 0) engine.enter_trailers();
      break;
    case Engine::Outcome::failed:
      if (engine.left == 0) return fail({400, "the chunk size line is too long"});
      return fail(engine.error);
  }
  return {H1Event::Kind::need_more, {}};
}

H1Event H1Parser::finish() {
  switch (phase_) {
    case Phase::ending:
    case Phase::until_close:
    case Phase::tunnel:
      phase_ = Phase::idle;
      engine_ = nullptr;
      return {H1Event::Kind::end, {}};
    case Phase::failed:
      return {H1Event::Kind::error, {}};
    case Phase::idle:
      return {H1Event::Kind::need_more, {}};
    case Phase::start:
      if (!begun_) return {H1Event::Kind::need_more, {}};
      break;
    default:
      break;
  }
  return fail({400, "the connection ended inside a message"});
}

void H1Parser::switch_to_tunnel() {
  CHECK(phase_ == Phase::idle || phase_ == Phase::upgraded);
  traits_.framing = {Framing::Kind::tunnel, 0};
  phase_ = Phase::tunnel;
}

H1Event H1Parser::fail(H1Error error) {
  error_ = error;
  phase_ = Phase::failed;
  return {H1Event::Kind::error, {}};
}

}  // namespace http
