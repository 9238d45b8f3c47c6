#include "bench/load/load_connection.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "net/error_text.h"
#include "net/tcp.h"
#include "tls/session_cache.h"
#include "tls/stream.h"

namespace bench::load {
namespace {

constexpr uint64_t connect_timeout_ms = 5000;
constexpr uint64_t handshake_timeout_ms = 10'000;
// After a connection that could not be had: a target that is down is not hammered.
constexpr uint64_t pause_ns = 100'000'000;
constexpr uint64_t ns_per_ms = 1'000'000;

// Streams must not die inside their own callbacks.
struct BuriedStream final : net::Buried {
  explicit BuriedStream(std::unique_ptr<net::ByteStream> dead) : stream(std::move(dead)) {}
  std::unique_ptr<net::ByteStream> stream;
};

bool is_tls_error(base::Error error) {
  return error.code == base::Code::tls || error.code == base::Code::certificate;
}

Failure failure_of(base::Error error) {
  return is_tls_error(error) ? Failure::tls : Failure::reset;
}

}  // namespace

Connection::Connection(const Environment& environment)
    : environment_(environment),
      timeout_(environment.loop.timers(),
               this,
               [](void* self) { static_cast<Connection*>(self)->on_timeout(); }),
      pause_(environment.timers, this, [](void* self) {
        static_cast<Connection*>(self)->set_free(FineTimers::now_ns());
      }) {}

Connection::~Connection() = default;

// Opening.

void Connection::open() {
  connect(FineTimers::now_ns());
}

void Connection::connect(uint64_t now_ns) {
  const base::Origin& origin = environment_.plan.target.origin;
  state_ = State::connecting;
  step_ns_ = now_ns;
  stream_ = net::Tcp::connect(environment_.loop,
                              environment_.resolver,
                              {origin.host, origin.port, connect_timeout_ms},
                              *this);
  stream_->set_reading(true);
}

void Connection::on_connected() {
  const uint64_t now_ns = FineTimers::now_ns();
  if (state_ == State::connecting) {
    environment_.recorder.on_connect(now_ns, now_ns - step_ns_);
    if (environment_.tls != nullptr) {
      start_tls(now_ns);
    } else {
      opened(now_ns);
    }
    return;
  }
  const bool resumed = static_cast<const tls::TlsStream&>(*stream_).resumed();
  environment_.recorder.on_handshake(now_ns, now_ns - step_ns_, resumed);
  opened(now_ns);
}

void Connection::start_tls(uint64_t now_ns) {
  state_ = State::handshaking;
  step_ns_ = now_ns;
  if (!environment_.plan.tls_resume) environment_.tls->sessions().clear();
  stream_ = std::make_unique<tls::TlsStream>(environment_.loop,
                                             std::move(stream_),
                                             tls::TransportState::connected,
                                             *environment_.tls,
                                             handshake_timeout_ms);
  stream_->set_listener(*this);
  stream_->set_reading(true);
}

void Connection::opened(uint64_t now_ns) {
  state_ = State::open;
  if (is_busy()) {
    send(now_ns);
  } else {
    environment_.owner.on_opened(*this, {});
  }
}

void Connection::fail_open(base::Error error, uint64_t now_ns) {
  const Failure failure =
      is_tls_error(error) || state_ == State::handshaking ? Failure::tls : Failure::connect;
  drop_stream();
  if (!is_busy()) {
    environment_.owner.on_opened(
        *this, failure == Failure::tls ? tls::error_text(error) : net::error_text(error.raw));
    return;
  }
  environment_.recorder.on_failure(now_ns, failure, ask_.measured);
  environment_.recorder.on_over();
  ask_ = {};
  timeout_.clear();
  pause(pause_ns);
}

// Asking.

void Connection::start(const Ask& ask, uint64_t now_ns) {
  ask_ = ask;
  environment_.recorder.on_begun();
  timeout_.set(environment_.plan.request_timeout_ns / ns_per_ms);
  last_read_ns_ = now_ns;
  if (ask.request->wants_own_connection()) {
    // Opening it is what is measured.
    if (ask_.due_ns == 0) ask_.due_ns = now_ns;
    drop_stream();
  }
  if (state_ == State::open) {
    send(now_ns);
  } else {
    connect(now_ns);
  }
}

void Connection::send(uint64_t now_ns) {
  const Request& request = *ask_.request;
  start_ns_ = ask_.due_ns == 0 ? now_ns : ask_.due_ns;
  first_byte_ns_ = last_event_ns_ = 0;
  last_read_ns_ = now_ns;
  reader_.begin();
  filler_left_ = request.filler_bytes;
  back_left_ = !request.back.empty();
  environment_.recorder.on_sent(now_ns, request.front_body_bytes);
  const base::Bytes front = base::as_bytes(request.front);
  const net::Flow flow = stream_->write({&front, 1});
  if ((filler_left_ > 0 || back_left_) && flow == net::Flow::go) send_more(now_ns);
}

void Connection::send_more(uint64_t now_ns) {
  while (filler_left_ > 0) {
    const size_t size = static_cast<size_t>(std::min<uint64_t>(filler_left_, filler().size()));
    const base::Bytes piece = filler().first(size);
    filler_left_ -= size;
    environment_.recorder.on_sent(now_ns, size);
    if (stream_->write({&piece, 1}) == net::Flow::full) return;
  }
  if (!std::exchange(back_left_, false)) return;
  const base::Bytes back = base::as_bytes(ask_.request->back);
  environment_.recorder.on_sent(now_ns, back.size());
  // What the queue takes beyond its mark is a line or two.
  static_cast<void>(stream_->write({&back, 1}));
}

void Connection::on_drained() {
  if (!is_busy()) return;
  timeout_.set(environment_.plan.request_timeout_ns / ns_per_ms);
  send_more(FineTimers::now_ns());
}

// Answers.

void Connection::on_read(base::Bytes bytes) {
  const uint64_t now_ns = FineTimers::now_ns();
  environment_.recorder.roll(now_ns);
  if (!is_busy()) {
    // Nobody asked: whatever this is, the connection is not fit for a request.
    drop_stream();
    return;
  }
  last_read_ns_ = now_ns;
  if (first_byte_ns_ == 0) first_byte_ns_ = now_ns;
  timeout_.set(environment_.plan.request_timeout_ns / ns_per_ms);
  if (!read_response(bytes, now_ns)) return;
  if (!bytes.empty()) {
    fail(Failure::bad_http, now_ns);
  } else {
    complete(now_ns);
  }
}

// Whether the response is complete.
bool Connection::read_response(base::Bytes& bytes, uint64_t now_ns) {
  uint64_t body_bytes = 0;
  uint32_t events = 0;
  ResponseReader::Event event{};
  do {
    event = reader_.next(bytes);
    if (event.kind == ResponseReader::Kind::head) on_head();
    if (event.kind == ResponseReader::Kind::body) {
      body_bytes += event.body.size();
      if (reader_.is_event_stream()) events += sse_.feed(event.body);
    }
  } while (event.kind == ResponseReader::Kind::head || event.kind == ResponseReader::Kind::body);
  if (body_bytes > 0) environment_.recorder.on_body(now_ns, body_bytes);
  if (events > 0) on_events(events, now_ns);
  if (event.kind == ResponseReader::Kind::error) fail(Failure::bad_http, now_ns);
  return event.kind == ResponseReader::Kind::end;
}

void Connection::on_head() {
  if (reader_.is_event_stream()) sse_.reset();
  if (!ask_.measured) return;
  environment_.recorder.on_status(reader_.status());
  if (reader_.status() / 100 == 2) environment_.recorder.on_first_byte(first_byte_ns_ - start_ns_);
}

void Connection::on_events(uint32_t events, uint64_t now_ns) {
  if (last_event_ns_ == 0) {
    environment_.recorder.on_first_events(now_ns, now_ns - start_ns_, events, ask_.measured);
  } else {
    environment_.recorder.on_events(now_ns, now_ns - last_event_ns_, events);
  }
  last_event_ns_ = now_ns;
}

void Connection::complete(uint64_t now_ns) {
  const Request& request = *ask_.request;
  Recorder& recorder = environment_.recorder;
  const bool is_sent = filler_left_ == 0 && !back_left_ && stream_->queued_bytes() == 0;
  if (reader_.status() / 100 != 2) {
    recorder.on_failure(now_ns, Failure::bad_status, ask_.measured);
  } else if (request.wants_events() &&
             (!reader_.is_event_stream() || !sse_.is_done() || sse_.is_malformed())) {
    recorder.on_failure(now_ns, Failure::bad_sse, ask_.measured);
  } else {
    recorder.on_success(now_ns, now_ns - start_ns_, ask_.measured);
  }
  recorder.on_over();
  // An answer to half a request leaves the other half in the way of the next.
  if (!is_sent || !reader_.keep_alive() || request.wants_own_connection()) drop_stream();
  ask_ = {};
  timeout_.clear();
  set_free(now_ns);
}

void Connection::fail(Failure failure, uint64_t now_ns) {
  environment_.recorder.on_failure(now_ns, failure, ask_.measured);
  environment_.recorder.on_over();
  drop_stream();
  ask_ = {};
  timeout_.clear();
  set_free(now_ns);
}

void Connection::set_free(uint64_t now_ns) {
  environment_.owner.on_free(*this, now_ns);
}

// Ends.

void Connection::on_read_end(net::ReadEnd end) {
  const uint64_t now_ns = FineTimers::now_ns();
  if (!is_busy()) {
    drop_stream();
  } else if (first_byte_ns_ != 0 && end == net::ReadEnd::clean && reader_.ends_with_input()) {
    complete(now_ns);
  } else {
    fail(Failure::truncated, now_ns);
  }
}

void Connection::on_write_error(base::Error /*error*/) {
  // An answer may be on its way: reading, or the time-out, tells how it ends.
}

void Connection::on_error(base::Error error) {
  const uint64_t now_ns = FineTimers::now_ns();
  if (state_ != State::open) {
    fail_open(error, now_ns);
  } else if (is_busy()) {
    fail(failure_of(error), now_ns);
  } else {
    drop_stream();
  }
}

void Connection::on_timeout() {
  if (is_busy()) fail(Failure::timeout, FineTimers::now_ns());
}

void Connection::pause(uint64_t delay_ns) {
  pause_.set(delay_ns);
}

void Connection::give_up(uint64_t now_ns, uint64_t since_ns) {
  if (last_read_ns_ <= since_ns) {
    environment_.recorder.on_failure(now_ns, Failure::timeout, ask_.measured);
  }
  close();
}

void Connection::close() {
  if (is_busy()) environment_.recorder.on_over();
  ask_ = {};
  timeout_.clear();
  pause_.clear();
  drop_stream();
}

void Connection::drop_stream() {
  state_ = State::closed;
  if (!stream_) return;
  stream_->close();
  environment_.loop.bury(std::make_unique<BuriedStream>(std::move(stream_)));
}

}  // namespace bench::load
