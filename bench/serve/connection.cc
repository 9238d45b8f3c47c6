// The request half; serve_response.cc has the rest.
#include "bench/serve/connection.h"

#include <utility>

#include "bench/base/chance.h"

namespace bench::serve {

using http::H1Event;

void Connection::start(Environment& environment, std::unique_ptr<net::ByteStream> stream) {
  auto* connection = new Connection(environment, std::move(stream));
  environment.connections.push_back(*connection);
  environment.tally.connections.add();
  connection->stream_->set_reading(true);
}

Connection::Connection(Environment& environment, std::unique_ptr<net::ByteStream> stream)
    : environment_(environment),
      stream_(std::move(stream)),
      parser_(http::H1Parser::Role::request, {}),
      timer_(environment.timers, this, [](void* self) {
        static_cast<Connection*>(self)->on_timer();
      }) {
  stream_->set_listener(*this);
}

Connection::~Connection() = default;

void Connection::close() {
  if (state_ == State::closed) return;
  state_ = State::closed;
  timer_.clear();
  stream_->close();
  release_memory();
  unlink();
  environment_.loop.bury(std::unique_ptr<net::Buried>(this));
}

void Connection::on_read(base::Bytes bytes) {
  switch (state_) {
    case State::request:
      // What waits behind a response that has not left yet comes first.
      leftover_.empty() ? parse(bytes) : keep_leftover(bytes);
      break;
    case State::thinking:
    case State::block:
    case State::events:
      keep_leftover(bytes);
      break;
    case State::stalled:
    case State::lingering:
    case State::closed:
      break;
  }
}

void Connection::on_read_end(net::ReadEnd /*end*/) {
  close();
}

void Connection::on_write_error(base::Error /*error*/) {
  close();
}

void Connection::on_error(base::Error /*error*/) {
  close();
}

void Connection::on_drained() {
  blocked_ = false;
  if (!timer_.is_set()) go_on();
}

void Connection::on_timer() {
  if (state_ == State::lingering) {
    // A slow reader may take its time with the end.
    stream_->queued_bytes() > 0 ? timer_.set(linger_ns) : close();
  } else if (state_ == State::thinking) {
    respond();
    go_on();
  } else if (!blocked_) {
    go_on();
  }
}

// With a response, or with what came behind a request that has been answered.
void Connection::go_on() {
  if (state_ == State::block && !timer_.is_set()) continue_block();
  if (state_ == State::events && !timer_.is_set()) continue_events();
  if (state_ != State::request || blocked_ || leftover_.empty()) return;
  const std::vector<std::byte> input = std::exchange(leftover_, {});
  parse(input);
  if (leftover_.size() < leftover_bytes_max) stream_->set_reading(true);
}

void Connection::parse(base::Bytes input) {
  while (state_ == State::request && !blocked_) {
    if (!memory_) {
      if (input.empty()) return;
      memory_ = environment_.take_memory();
      parser_.begin(memory_->head, memory_->arena);
    }
    const H1Event event = parser_.next(input);
    switch (event.kind) {
      case H1Event::Kind::need_more:
        return;
      case H1Event::Kind::head:
        on_head(memory_->head);
        break;
      case H1Event::Kind::body:
        on_body(event.body);
        break;
      case H1Event::Kind::end:
        on_request_end();
        break;
      case H1Event::Kind::error:
        refuse_request();
        return;
    }
  }
  const bool is_over = state_ == State::stalled || state_ == State::lingering;
  if (!is_over && state_ != State::closed) keep_leftover(input);
}

void Connection::keep_leftover(base::Bytes input) {
  if (input.empty()) return;
  leftover_.insert(leftover_.end(), input.begin(), input.end());
  if (leftover_.size() >= leftover_bytes_max) stream_->set_reading(false);
}

void Connection::on_head(const http::Head& head) {
  environment_.tally.requests.add();
  Shared& shared = environment_.shared;
  current_ = {};
  current_.is_head_method = head.method == "HEAD";
  current_.is_http10 = head.version_minor == 0;
  keep_alive_ = parser_.keep_alive();
  auto wanted = read_request(head.method, head.target, shared.options);
  if (wanted) {
    current_.wanted = *wanted;
  } else {
    current_.refusal = wanted.error();
  }
  const Wanted& want = current_.wanted;
  if (!shared.faults.is_empty() || want.fault || want.jitter_us > 0) {
    const uint64_t number = shared.chance_number.fetch_add(1, std::memory_order_relaxed);
    current_.chance = chance_of(shared.options.seed, number);
    current_.fault = want.fault ? shared.faults.wanted(*want.fault, want.fault_after, number)
                                : shared.faults.fate_of(number);
  }
  if (want.route == Route::upload || want.route == Route::file) {
    current_.upload = std::make_unique<Upload>(want.hash ? Upload::Hash::yes : Upload::Hash::no);
  }
  if (parser_.expects_continue()) {
    const base::Bytes text = base::as_bytes("HTTP/1.1 100 Continue\r\n\r\n");
    // A connection that is between responses has room for this.
    (void)stream_->write({&text, 1});
  }
}

void Connection::on_body(base::Bytes bytes) {
  environment_.tally.bytes_in.add(bytes.size());
  current_.body_bytes += bytes.size();
  if (current_.upload) {
    current_.upload->add(bytes);
  } else if (current_.wanted.route == Route::reply) {
    current_.scan.feed(bytes);
  }
}

void Connection::on_request_end() {
  release_memory();
  current_.received_ms = environment_.loop.now_ms();
  if (current_.wanted.think_us == 0) {
    respond();
    return;
  }
  state_ = State::thinking;
  timer_.set(current_.wanted.think_us * 1000);
}

// The parser can make nothing of what follows, so this is the connection's last answer.
void Connection::refuse_request() {
  const http::H1Error error = parser_.error();
  release_memory();
  current_ = {};
  current_.received_ms = environment_.loop.now_ms();
  keep_alive_ = false;
  environment_.wall.update(environment_.loop.now_ms());
  respond_with_error(error.status, {.message = error.why});
}

void Connection::release_memory() {
  if (memory_) environment_.give_back(std::move(memory_));
}

}  // namespace bench::serve
