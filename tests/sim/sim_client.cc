#include "sim/sim_client.h"

#include <algorithm>
#include <charconv>

#include "sim/pattern.h"
#include "sim/plan.h"
#include "sim/wire.h"
#include "sim/world.h"

namespace sim {

using http::Framing;
using http::H1Event;

namespace {

constexpr uint64_t continue_wait_ms = 1'000;

bool is_bodiless(const Request& request) {
  return request.method == "HEAD" || request.status == 204 || request.status == 304;
}

bool may_be_our_own(uint16_t status) {
  constexpr uint16_t statuses[] = {204, 400, 408, 413, 426, 431, 502, 503, 504};
  return std::find(std::begin(statuses), std::end(statuses), status) != std::end(statuses);
}

constexpr uint64_t queue_look_ms = 100;

}  // namespace

SimClient::SimClient(World& world,
                     std::unique_ptr<test::MemoryStream> stream,
                     std::vector<Request*> requests)
    : world_(world),
      stream_(std::move(stream)),
      sender_(world, *stream_, *this),
      requests_(std::move(requests)),
      parser_(http::H1Parser::Role::response, {}),
      pause_(world.kernel().timers(),
             this,
             [](void* self) { static_cast<SimClient*>(self)->stream_->set_reading(true); }),
      leave_(world.kernel().timers(),
             this,
             [](void* self) {
               auto& client = *static_cast<SimClient*>(self);
               client.leave(client.leave_how_);
             }),
      continue_(world.kernel().timers(),
                this,
                [](void* self) { static_cast<SimClient*>(self)->sender_.release(); }),
      pipelines_(requests_.size() > 5 || world.chance().one_in(3)) {
  stream_->set_listener(*this);
  stream_->set_reading(true);
  send_next();
  draw_leaving();
}

SimClient::~SimClient() = default;

std::string SimClient::state() const {
  const std::string awaited = awaited_.empty() ? "nothing" : std::to_string(front().id);
  return fmt::format("a client waits for {}{}{}{}{}, {} bytes queued",
                     awaited,
                     in_tunnel_ ? ", in its tunnel" : "",
                     read_ended_ ? ", the proxy's half has ended" : "",
                     ending_ ? ", for the proxy to close" : "",
                     gone_ ? ", has left" : "",
                     stream_->queued_bytes());
}

// Sending.

void SimClient::send_next() {
  do {
    Request& request = *requests_[next_++];
    awaited_.push_back({&request, 0});
    sender_.add(request_head(request, world_.chance()));
    const bool waits = request.expects_continue && awaited_.size() == 1;
    if (waits) {
      sender_.hold();
      continue_.set(continue_wait_ms);
    }
    std::string body;
    append_body(body,
                {.kind = request.body,
                 .key = pattern_key(Stream::request, request.id),
                 .bytes = request.body_bytes,
                 .trailers = request.trailers,
                 .broken_chunk = request.malformed},
                world_.chance());
    sender_.add(body);
    awaited_.back().ends_at = sender_.added();
    world_.trace("client sends {} /r/{}, {} bytes{}",
                 request.method,
                 request.id,
                 request.body_bytes,
                 request.upgrade ? ", upgrade" : "");
    if (request.tunnel_early) send_tunnel();
    // What stands behind them may be read as part of them, or never.
    const bool may_be_last = request.asks_close || request.version_minor == 0;
    if (may_be_last || request.upgrade || request.malformed || waits) break;
  } while (pipelines_ && next_ < requests_.size());
}

void SimClient::send_tunnel() {
  Request& request = *awaited_.back().request;
  std::string bytes;
  append_pattern(bytes, pattern_key(Stream::tunnel_up, request.id), 0, request.tunnel_up_bytes);
  sender_.add(bytes);
}

void SimClient::on_all_sent() {
  if (!in_tunnel_) return;
  world_.trace("tunnel {}: up is sent", front().id);
  stream_->shutdown_write();
  if (read_ended_) close_when_sent();
}

// Leaving.

void SimClient::draw_leaving() {
  Chance& chance = world_.chance();
  const Faults& faults = world_.plan().faults;
  if (faults.client_leaves && chance.one_in(2)) {
    leave_how_ = chance.pick({Break::close, Break::cut, Break::half_close});
    if (chance.one_in(2)) {
      leave_.set(chance.below(5'000));
    } else {
      sender_.break_at(chance.below(sender_.added() + 1), leave_how_);
    }
  } else if (faults.client_stalls && chance.one_in(4)) {
    // Asks and asks, and reads nothing.
    forgo();
    stream_->set_reading(false);
    done_ = true;
  } else if (faults.client_stalls && chance.one_in(2)) {
    sender_.break_at(chance.below(sender_.added() + 1), Break::stall);
  }
}

void SimClient::on_break(Break how) {
  leave(how);
}

void SimClient::leave(Break how) {
  if (done_) return;
  world_.trace("client leaves: {}", static_cast<int>(how));
  forgo();
  gone_ = true;
  sender_.stop();
  switch (how) {
    case Break::none:
      break;
    case Break::close:
      close();
      break;
    case Break::cut:
      stream_->cut();
      close();
      break;
    case Break::half_close:
      stream_->shutdown_write();
      if (read_ended_) close_when_sent();
      break;
    case Break::stall:
      // It may read on, or be as good as dead until the proxy gives it up.
      if (world_.chance().one_in(2)) stream_->set_reading(false);
      done_ = true;
      break;
  }
}

void SimClient::forgo() {
  for (Request* request : requests_)
    request->forgone = request->forgone || !request->complete;
}

void SimClient::finish() {
  ending_ = true;
  switch (world_.chance().below(3)) {
    case 0:
      close();
      break;
    case 1:
      stream_->shutdown_write();
      break;
    default:
      break;  // the proxy closes when it has had enough
  }
}

// close() would drop what the other end has not taken yet.
void SimClient::close_when_sent() {
  if (done_) return;
  if (stream_->queued_bytes() == 0) {
    close();
  } else {
    world_.after(queue_look_ms, [this] { close_when_sent(); });
  }
}

void SimClient::close() {
  done_ = true;
  sender_.stop();
  pause_.clear();
  leave_.clear();
  continue_.clear();
  stream_->close();
}

// Waiting.

bool SimClient::awaits_answer() const {
  const bool patient = !done_ && !gone_ && !in_tunnel_ && !rest_is_nonsense_;
  return patient && !awaited_.empty() && !front().forgone &&
         sender_.sent() >= awaited_.front().ends_at;
}

void SimClient::check_patience() {
  if (!awaits_answer()) {
    waiting_since_ms_ = 0;
    return;
  }
  const uint64_t now_ms = world_.kernel().now_ms();
  if (waiting_since_ms_ == 0) waiting_since_ms_ = now_ms;
  if (now_ms - waiting_since_ms_ > patience_ms) {
    world_.fail("request {} was sent whole, but after {} s there is neither an answer nor an end",
                front().id,
                (now_ms - waiting_since_ms_) / 1000);
  }
}

// Receiving.

void SimClient::on_read(base::Bytes bytes) {
  check_patience();
  waiting_since_ms_ = 0;
  if (in_tunnel_) {
    read_tunnel(bytes);
  } else {
    read_message(bytes);
  }
  linger_on_pause();
}

void SimClient::linger_on_pause() {
  if (done_) return;
  const uint64_t nap_ms = world_.draw_nap_ms();
  if (nap_ms == 0) return;
  stream_->set_reading(false);
  pause_.set(nap_ms);
}

void SimClient::read_message(base::Bytes input) {
  while (!done_) {
    if (rest_is_nonsense_) return;
    if (!in_message_) {
      if (input.empty()) return;
      if (awaited_.empty()) world_.fail("{} bytes that answer no request", input.size());
      arena_.reset();
      parser_.begin(head_, arena_, front().method);
      in_message_ = true;
    }
    const H1Event event = parser_.next(input);
    switch (event.kind) {
      case H1Event::Kind::need_more:
        return;
      case H1Event::Kind::head:
        on_head();
        if (in_tunnel_) {
          read_tunnel(input);
          return;
        }
        break;
      case H1Event::Kind::body:
        on_body(event.body);
        break;
      case H1Event::Kind::end:
        on_end();
        break;
      case H1Event::Kind::error:
        world_.fail("request {}: the answer is not HTTP: {}", front().id, parser_.error().why);
    }
  }
}

void SimClient::on_head() {
  Request& request = front();
  const uint16_t status = head_.status;
  if (status >= 200 || status == 101) {
    on_final_head(request);
    return;
  }
  if (request.version_minor == 0) world_.fail("request {}: 1xx to HTTP/1.0", request.id);
  if (status == 100) {
    if (!request.expects_continue) world_.fail("request {}: 100 unasked", request.id);
    continue_.clear();
    sender_.release();
  }
}

void SimClient::on_final_head(Request& request) {
  request.status = head_.status;
  request.head_received = true;
  local_body_.clear();
  if (head_.find("access-control-allow-origin") == nullptr) {
    world_.fail("request {}: no CORS in the answer", request.id);
  }
  const http::Field* marker = head_.find(marker_name);
  if (marker == nullptr) {
    if (!may_be_our_own(request.status)) {
      world_.fail("request {}: {} from nobody", request.id, request.status);
    }
    return;
  }
  const std::string_view text = marker->value;
  const size_t dash = text.find('-');
  uint32_t id = UINT32_MAX;
  uint32_t attempt = 0;
  std::from_chars(text.data(), text.data() + dash, id);
  std::from_chars(text.data() + dash + 1, text.data() + text.size(), attempt);
  if (id != request.id) world_.fail("request {} was answered with {}'s", request.id, id);
  if (attempt != request.attempts.size()) {
    world_.fail("request {}: the answer of attempt {} of {}", id, attempt, request.attempts.size());
  }
  request.attempt = attempt;
  if (request.attempts.back().status != request.status) {
    world_.fail(
        "request {}: status {} became {}", id, request.attempts.back().status, request.status);
  }
  if (request.status != 101) return;
  parser_.switch_to_tunnel();
  in_tunnel_ = true;
  if (!request.tunnel_early) send_tunnel();
  if (sender_.all_sent()) stream_->shutdown_write();
}

void SimClient::on_body(base::Bytes bytes) {
  Request& request = front();
  if (request.attempt == 0) {
    local_body_ += base::as_text(bytes);
    return;
  }
  const uint64_t key = pattern_key(Stream::response, request.id, request.attempt);
  if (!is_pattern(bytes, key, request.body_received)) {
    world_.fail(
        "request {}: wrong bytes in the response behind {}", request.id, request.body_received);
  }
  request.body_received += bytes.size();
}

void SimClient::on_end() {
  if (head_.status < 200) {
    in_message_ = false;
    return;
  }
  Request& request = front();
  world_.trace(
      "client got {} for /r/{}: {} bytes", head_.status, request.id, request.body_received);
  if (request.attempt == 0) {
    const bool whole = local_body_.starts_with("{\"error\":{") && local_body_.ends_with("}}\n");
    if (!is_bodiless(request) && !whole) {
      world_.fail("request {}: our answer is cut: {}", request.id, local_body_);
    }
  } else {
    const Attempt& attempt = request.attempts[request.attempt - 1];
    const uint64_t meant = is_bodiless(request) ? 0 : attempt.body_bytes;
    if (request.body_received != meant) {
      world_.fail(
          "request {}: a clean end after {} of {} bytes", request.id, request.body_received, meant);
    }
  }
  request.complete = true;
  in_message_ = false;
  awaited_.pop_front();
  // A head that never arrived whole was not known to be a HEAD: its refusal has a body.
  const bool refused_head = request.method == "HEAD" && request.attempt == 0;
  rest_is_nonsense_ =
      request.malformed || request.tunnel_early || (refused_head && !parser_.keep_alive());
  if (gone_) return;
  if (!parser_.keep_alive() || rest_is_nonsense_) {
    forgo();
    ending_ = true;
    return;  // the proxy closes
  }
  if (!awaited_.empty()) return;
  if (next_ == requests_.size()) {
    finish();
    return;
  }
  world_.after(world_.draw_nap_ms(), [this] {
    if (!done_ && !gone_ && !ending_) send_next();
  });
}

void SimClient::read_tunnel(base::Bytes bytes) {
  Request& request = front();
  const uint64_t key = pattern_key(Stream::tunnel_down, request.id, request.attempt);
  if (!is_pattern(bytes, key, request.body_received)) {
    world_.fail("tunnel {}: wrong bytes down behind {}", request.id, request.body_received);
  }
  request.body_received += bytes.size();
  world_.trace("tunnel {}: {} bytes down", request.id, bytes.size());
  if (request.body_received > request.tunnel_down_bytes) {
    world_.fail("tunnel {}: more came down than was sent", request.id);
  }
}

void SimClient::on_read_end(net::ReadEnd /*end*/) {
  if (done_) return;
  check_patience();
  world_.trace("the proxy ended its half to the client");
  if (in_tunnel_) {
    Request& request = front();
    request.complete = request.body_received == request.tunnel_down_bytes;
    read_ended_ = true;
    // Half-closed: our own half goes on.
    if (request.complete && !sender_.stopped()) {
      if (sender_.all_sent()) close_when_sent();
      return;
    }
  } else if (in_message_ && !rest_is_nonsense_ && parser_.finish().kind == H1Event::Kind::end) {
    on_end();
  }
  if (!done_) close();
}

void SimClient::on_write_error(base::Error /*error*/) {
  sender_.stop();
  if (read_ended_ && !done_) close();
}

void SimClient::on_error(base::Error /*error*/) {
  if (done_) return;
  check_patience();
  // A reset for the sake of a later answer, or because we still sent when no more was wanted, may
  // overtake an earlier one.
  if (awaited_.size() > 1 && (world_.plan().faults.any() || world_.draining())) forgo();
  close();
}

}  // namespace sim
