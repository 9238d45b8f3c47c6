#include "sim/sim_upstream.h"

#include <charconv>
#include <fmt/format.h>
#include <iterator>

#include "sim/pattern.h"
#include "sim/wire.h"
#include "sim/world.h"

namespace sim {

using http::H1Event;

namespace {

constexpr uint64_t idle_ms_max = 3'000;

bool is_bodiless(std::string_view method, uint16_t status) {
  return method == "HEAD" || status == 204 || status == 304;
}

constexpr uint64_t queue_look_ms = 100;

}  // namespace

SimUpstream::SimUpstream(World& world,
                         std::unique_ptr<test::MemoryStream> stream,
                         DialedOrigin origin)
    : world_(world),
      stream_(std::move(stream)),
      sender_(world, *stream_, *this),
      origin_(std::move(origin)),
      parser_(http::H1Parser::Role::request, {}),
      pause_(world.kernel().timers(),
             this,
             [](void* self) { static_cast<SimUpstream*>(self)->stream_->set_reading(true); }),
      answer_later_(world.kernel().timers(),
                    this,
                    [](void* self) { static_cast<SimUpstream*>(self)->answer(); }),
      idle_(world.kernel().timers(), this, [](void* self) {
        static_cast<SimUpstream*>(self)->close();
      }) {
  stream_->set_listener(*this);
  stream_->set_reading(true);
}

SimUpstream::~SimUpstream() = default;

// Receiving.

void SimUpstream::on_read(base::Bytes bytes) {
  if (in_tunnel_) {
    read_tunnel(bytes);
  } else {
    read_message(bytes);
  }
  if (done_ || (script_.stops_reading && request_ != nullptr)) return;
  if (const uint64_t nap_ms = world_.draw_nap_ms(); nap_ms > 0) {
    stream_->set_reading(false);
    pause_.set(nap_ms);
  }
}

void SimUpstream::read_message(base::Bytes input) {
  while (!done_) {
    if (!in_message_) {
      if (input.empty()) return;
      if (request_ != nullptr && script_.nonsense == Nonsense::junk_behind) {
        close();  // used again before its junk could arrive
        return;
      }
      if (request_ != nullptr) {
        world_.fail("{} bytes behind request {}, before its answer", input.size(), request_->id);
      }
      if (final_) world_.fail("a request on a connection that was to close");
      idle_.clear();
      arena_.reset();
      parser_.begin(head_, arena_);
      in_message_ = true;
    }
    const H1Event event = parser_.next(input);
    switch (event.kind) {
      case H1Event::Kind::need_more:
        return;
      case H1Event::Kind::head:
        on_head();
        break;
      case H1Event::Kind::body:
        on_body(event.body);
        break;
      case H1Event::Kind::end:
        on_end();
        break;
      case H1Event::Kind::error:
        world_.fail("the proxy's request is not HTTP: {}", parser_.error().why);
    }
  }
}

void SimUpstream::on_head() {
  check_head();
  draw_script();
  if (script_.drops != Break::none && script_.when == When::head) {
    on_break(script_.drops);
    return;
  }
  if (script_.interims > 0 && script_.when == When::end) {
    std::string wire;
    append_interims(wire);
    sender_.add(wire);
  }
  if (script_.when == When::head) answer();
}

void SimUpstream::check_head() {
  const http::Field* marker = head_.find(marker_name);
  if (marker == nullptr) world_.fail("a request from nobody: {}", head_.target);
  uint64_t id = UINT64_MAX;
  std::from_chars(marker->value.data(), marker->value.data() + marker->value.size(), id);
  request_ = &world_.request(id);
  const http::Field* host = head_.find("host");
  if (host == nullptr || host->value != origin_.authority)
    world_.fail("request {}: wrong Host", id);
  const bool has_credentials = head_.find("authorization") != nullptr;
  if (origin_.is_foreign && has_credentials) {
    world_.fail("request {}: Authorization went to another origin", id);
  }
  const bool is_first = request_->attempts.empty();
  if (is_first && !has_credentials) world_.fail("request {}: Authorization is lost", id);
  if (is_first && (head_.method != request_->method || !head_.target.starts_with("/r/"))) {
    world_.fail("request {} became {} {}", id, head_.method, head_.target);
  }
  uint32_t unredirected = 0;
  for (const Attempt& former : request_->attempts)
    unredirected += former.is_redirect ? 0 : 1;
  if (unredirected > 1) world_.fail("request {} is tried a third time", id);
  const bool may_run_twice = (head_.method != "POST" && head_.method != "PATCH") ||
                             request_->idempotency_key || world_.posts_may_run_twice();
  if (unredirected > 0 && !may_run_twice) world_.fail("request {} may run twice", id);
  request_->attempts.push_back({.is_foreign = origin_.is_foreign});
  attempt_ = static_cast<uint32_t>(request_->attempts.size());
  body_received_ = 0;
  world_.trace("upstream {} got {} {} ({}), attempt {}",
               origin_.authority,
               head_.method,
               head_.target,
               id,
               attempt_);
}

void SimUpstream::on_body(base::Bytes bytes) {
  if (request_ == nullptr) return;  // answered early
  if (!is_pattern(bytes, pattern_key(Stream::request, request_->id), body_received_)) {
    world_.fail("request {}: wrong bytes in its body behind {}", request_->id, body_received_);
  }
  body_received_ += bytes.size();
  if (script_.when != When::body) return;
  if (script_.drops != Break::none) {
    on_break(script_.drops);
  } else if (!answering_) {
    answer();
  }
}

void SimUpstream::on_end() {
  in_message_ = false;
  if (request_ == nullptr) return;
  const bool body_due = head_.method == request_->method;
  const uint64_t due = body_due ? request_->body_bytes : 0;
  if (body_received_ != due) {
    world_.fail("request {}: a clean end after {} of {} bytes", request_->id, body_received_, due);
  }
  const bool trailers_due = body_due && request_->trailers;
  if (trailers_due != !head_.trailers.empty()) {
    world_.fail("request {}: its trailers are lost", request_->id);
  }
  attempt().request_ended = true;
  if (answering_) {
    if (attempt().response_sent) response_done();
    return;
  }
  const uint64_t nap_ms = world_.draw_nap_ms();
  if (nap_ms > 0) {
    answer_later_.set(nap_ms);
  } else {
    answer();
  }
}

void SimUpstream::read_tunnel(base::Bytes bytes) {
  const uint64_t key = pattern_key(Stream::tunnel_up, request_->id);
  if (!is_pattern(bytes, key, request_->tunnel_up_received)) {
    world_.fail("tunnel {}: wrong bytes up behind {}", request_->id, request_->tunnel_up_received);
  }
  request_->tunnel_up_received += bytes.size();
  world_.trace("tunnel {}: {} bytes up", request_->id, bytes.size());
}

void SimUpstream::on_read_end(net::ReadEnd /*end*/) {
  read_ended_ = true;
  world_.trace("the proxy ended its half to the upstream");
  if (!in_tunnel_ || sender_.stopped()) {
    close();
  } else if (attempt().response_sent) {
    close_when_sent();
  } else {
    request_->tunnel_up_ended_first = true;
  }
}

void SimUpstream::on_write_error(base::Error /*error*/) {
  sender_.stop();
  if (read_ended_) close();
}

void SimUpstream::on_error(base::Error /*error*/) {
  close();
}

// Answering.

void SimUpstream::draw_script() {
  Chance& chance = world_.chance();
  script_ = {};
  answering_ = false;
  const bool has_body =
      head_.find("transfer-encoding") != nullptr || head_.find("content-length") != nullptr;
  if (world_.plan().faults.early_answers && has_body && chance.one_in(3)) {
    script_.when = chance.pick({When::head, When::body});
    script_.stops_reading = world_.plan().faults.upstream_stalls && chance.one_in(2);
  }
  script_.interims = chance.one_in(4) ? static_cast<uint32_t>(chance.between(1, 3)) : 0;
  script_.status = chance.pick<uint16_t>({200, 200, 200, 200, 204, 304, 404, 429, 500});
  script_.body = chance.one_in(2) ? BodyKind::length : BodyKind::chunked;
  script_.until_close = script_.body == BodyKind::length && chance.one_in(5);
  script_.close = script_.until_close || chance.one_in(8);
  script_.trailers = chance.one_in(4);
  if (chance.one_in(5)) draw_redirect();
  const bool wants_tunnel = parser_.wants_upgrade() && request_->tunnel_wanted;
  if (wants_tunnel) {
    script_.status = 101;
    script_.interims = 0;
    script_.location.clear();
  }
  draw_faults();
  Attempt& mine = attempt();
  mine.status = script_.status;
  mine.is_redirect = !script_.location.empty();
  mine.body_bytes =
      is_bodiless(head_.method, script_.status) ? 0 : draw_size(chance, world_.plan());
  if (wants_tunnel) mine.body_bytes = request_->tunnel_down_bytes;
}

void SimUpstream::draw_faults() {
  Chance& chance = world_.chance();
  const Faults& faults = world_.plan().faults;
  if (faults.upstream_breaks && chance.one_in(6)) {
    script_.drops = chance.pick({Break::close, Break::cut});
    script_.when = chance.pick({When::head, When::body});
  } else if (faults.upstream_breaks && chance.one_in(3)) {
    script_.breaks = chance.pick({Break::close, Break::cut});
    // A FIN would be the body's honest end.
    if (script_.until_close || script_.status == 101) script_.breaks = Break::cut;
  } else if (faults.upstream_stalls && chance.one_in(3)) {
    script_.breaks = Break::stall;
  } else if (faults.upstream_nonsense && chance.one_in(3) && script_.status != 101) {
    script_.nonsense = chance.pick({Nonsense::no_http,
                                    Nonsense::junk_behind,
                                    Nonsense::many_interims,
                                    Nonsense::broken_chunk});
    // Junk would be part of a body that ends with the connection.
    if (script_.nonsense != Nonsense::no_http) script_.until_close = false;
    if (script_.nonsense == Nonsense::broken_chunk) {
      script_.body = BodyKind::chunked;
      if (is_bodiless(head_.method, script_.status)) script_.nonsense = Nonsense::none;
    }
    if (script_.nonsense == Nonsense::many_interims) script_.interims = 1;
  }
}

void SimUpstream::draw_redirect() {
  Chance& chance = world_.chance();
  script_.status = chance.pick<uint16_t>({301, 302, 303, 307, 308});
  const size_t hop = request_->attempts.size();
  switch (chance.below(3)) {
    case 0:
      script_.location = fmt::format("/r/{}/hop{}", request_->id, hop);
      break;
    case 1:
      script_.location = fmt::format("http://other{}.test/r/{}/hop{}", hop % 2, request_->id, hop);
      break;
    default:
      script_.location = fmt::format("http://api.test/r/{}/hop{}", request_->id, hop);
      break;
  }
}

void SimUpstream::append_interims(std::string& wire) {
  const bool continues = head_.find("expect") != nullptr;
  for (uint32_t i = 0; i < script_.interims; ++i) {
    wire += continues && i == 0 ? "HTTP/1.1 100 Continue\r\n\r\n"
                                : "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n";
  }
  if (script_.nonsense == Nonsense::many_interims) {
    for (int i = 0; i < 40; ++i)
      wire += "HTTP/1.1 102 Processing\r\n\r\n";
  }
}

void SimUpstream::answer() {
  if (done_ || answering_ || request_ == nullptr) return;
  answering_ = true;
  attempt().answered_early = !attempt().request_ended;
  std::string wire;
  if (script_.when != When::end) append_interims(wire);
  append_answer(wire);
  world_.trace("upstream answers {}: {}, {} bytes, breaks {}, nonsense {}",
               request_->id,
               script_.status,
               wire.size(),
               static_cast<int>(script_.breaks),
               static_cast<int>(script_.nonsense));
  if (script_.breaks != Break::none) {
    const size_t begun = sender_.added();
    sender_.break_at(begun + world_.chance().below(wire.size()), script_.breaks);
  }
  if (script_.stops_reading) stream_->set_reading(false);
  if (script_.status == 101) in_tunnel_ = true;
  sender_.add(wire);
}

void SimUpstream::append_answer(std::string& wire) {
  const Attempt& mine = attempt();
  const auto out = std::back_inserter(wire);
  if (script_.nonsense == Nonsense::no_http) {
    wire += "SSH-2.0-OpenSSH\r\n";
    return;
  }
  fmt::format_to(out,
                 "HTTP/1.1 {} Whatever\r\n{}: {}-{}\r\n",
                 mine.status,
                 marker_name,
                 request_->id,
                 attempt_);
  if (!script_.location.empty()) fmt::format_to(out, "Location: {}\r\n", script_.location);
  if (script_.status == 101) {
    wire += "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    const uint64_t key = pattern_key(Stream::tunnel_down, request_->id, attempt_);
    append_pattern(wire, key, 0, mine.body_bytes);
    return;
  }
  if (script_.close) wire += "Connection: close\r\n";
  if (world_.chance().one_in(4)) wire += "Content-Type: text/event-stream\r\n";
  const bool bodiless = is_bodiless(head_.method, mine.status);
  if (bodiless) {
    if (mine.status != 204 && world_.chance().one_in(2)) wire += "Content-Length: 77\r\n";
    wire += "\r\n";
  } else {
    if (script_.body == BodyKind::chunked) {
      wire += "Transfer-Encoding: chunked\r\n";
    } else if (!script_.until_close) {
      fmt::format_to(out, "Content-Length: {}\r\n", mine.body_bytes);
    }
    wire += "\r\n";
    append_body(wire,
                {.kind = script_.body,
                 .key = pattern_key(Stream::response, request_->id, attempt_),
                 .bytes = mine.body_bytes,
                 .trailers = script_.trailers,
                 .broken_chunk = script_.nonsense == Nonsense::broken_chunk},
                world_.chance());
  }
  if (script_.nonsense == Nonsense::junk_behind) wire += "junk";
}

void SimUpstream::on_all_sent() {
  if (!answering_ || request_ == nullptr) return;  // interim heads
  attempt().response_sent = true;
  if (in_tunnel_) {
    stream_->shutdown_write();
    if (read_ended_) close_when_sent();
    return;
  }
  const bool cannot_go_on =
      script_.nonsense == Nonsense::no_http || script_.nonsense == Nonsense::broken_chunk;
  if (cannot_go_on) return;  // waits to be closed
  if (attempt().request_ended) {
    response_done();
  } else if (script_.until_close) {
    stream_->shutdown_write();
  }
}

void SimUpstream::response_done() {
  request_ = nullptr;
  if (script_.stops_reading) stream_->set_reading(true);
  if (script_.close) {
    final_ = true;
    if (script_.until_close || world_.chance().one_in(2)) stream_->shutdown_write();
    return;
  }
  Chance& chance = world_.chance();
  if (world_.plan().faults.upstream_closes_idle && chance.one_in(2)) {
    idle_.set(chance.below(idle_ms_max));
  }
}

void SimUpstream::on_break(Break how) {
  world_.trace("upstream breaks off {}: {}", request_->id, static_cast<int>(how));
  switch (how) {
    case Break::cut:
      stream_->cut();
      [[fallthrough]];
    case Break::close:
      close();
      break;
    case Break::none:
    case Break::half_close:
    case Break::stall:
      break;
  }
}

// close() would drop what the other end has not taken yet.
void SimUpstream::close_when_sent() {
  if (done_) return;
  if (stream_->queued_bytes() == 0) {
    close();
  } else {
    world_.after(queue_look_ms, [this] { close_when_sent(); });
  }
}

void SimUpstream::close() {
  if (done_) return;
  done_ = true;
  sender_.stop();
  pause_.clear();
  answer_later_.clear();
  idle_.clear();
  stream_->close();
}

}  // namespace sim
