// The response half of Connection.
#include <algorithm>
#include <array>

#include "bench/base/chance.h"
#include "bench/serve/connection.h"
#include "bench/serve/text.h"
#include "http/h1_writer.h"

namespace bench::serve {
namespace {

constexpr std::string_view default_model = "gpt-bench";
constexpr size_t model_bytes_max = 64;
constexpr std::string_view last_chunk = "0\r\n\r\n";
// No event is shorter, so that a fault within so many bytes an event hits.
constexpr uint64_t event_bytes_min = 14;

size_t total_of(std::span<const base::Bytes> pieces) {
  size_t total = 0;
  for (const base::Bytes piece : pieces)
    total += piece.size();
  return total;
}

// The request's model, where it can stand between quotes as it is.
std::string_view model_to_echo(const openai::RequestScan& scan) {
  const std::string_view model = scan.model().text();
  const bool is_plain = std::none_of(model.begin(), model.end(), [](char c) {
    return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
  });
  return is_plain && !model.empty() && model.size() <= model_bytes_max ? model : default_model;
}

}  // namespace

void Connection::respond() {
  environment_.wall.update(environment_.loop.now_ms());
  std::string& body = environment_.body_text;
  body.clear();
  const Wanted& wanted = current_.wanted;
  if (current_.refusal) {
    const BadWish& bad = *current_.refusal;
    respond_with_error(400, {.message = bad.message, .param = bad.param, .code = "invalid_value"});
    return;
  }
  if (current_.fault && current_.fault->kind >= FaultKind::status_429) {
    respond_with_fault(current_.fault->kind);
    return;
  }
  switch (wanted.route) {
    case Route::reply:
      respond_with_reply();
      return;
    case Route::bytes:
      respond_with_bytes();
      return;
    case Route::models:
      append_models(body, environment_.wall.seconds());
      break;
    case Route::counts:
      append_counts(body, environment_.shared.counts());
      break;
    case Route::upload:
      current_.upload->append_result(body);
      break;
    case Route::file:
      current_.upload->append_file(
          body, next_chance(environment_.ids), environment_.wall.seconds());
      break;
    case Route::not_found:
      respond_with_error(404, {.message = "There is nothing at this path.", .code = "not_found"});
      return;
    case Route::wrong_method: {
      std::string fields = "Allow: ";
      fields += wanted.allow;
      fields += "\r\n";
      respond_with_error(
          405,
          {.message = "Not allowed at this path, see Allow.", .code = "method_not_allowed"},
          fields);
      return;
    }
  }
  respond_with_text(200);
}

void Connection::respond_with_fault(FaultKind kind) {
  environment_.tally.faults[static_cast<size_t>(kind)].add();
  current_.fault.reset();
  if (kind == FaultKind::status_429) {
    respond_with_error(429,
                       {.message = "Rate limit reached: this fault was asked for.",
                        .type = "requests",
                        .code = "rate_limit_exceeded"},
                       "Retry-After: 1\r\n");
  } else {
    respond_with_error(
        500, {.message = "The server had an error: it was asked for.", .type = "server_error"});
  }
}

void Connection::respond_with_error(uint16_t status,
                                    const ErrorText& error,
                                    std::string_view fields) {
  environment_.body_text.clear();
  append_error(environment_.body_text, error);
  respond_with_text(status, fields);
}

// With body_text.
void Connection::respond_with_text(uint16_t status, std::string_view fields) {
  const std::string& body = environment_.body_text;
  make_head({.status = status, .fields = fields, .length = body.size()});
  if (meets_fault_first(body.size())) return;
  std::array<base::Bytes, 2> pieces = {base::as_bytes(environment_.head_text),
                                       base::as_bytes(body)};
  send(std::span(pieces).first(current_.is_head_method ? 1 : 2));
  finish();
}

void Connection::respond_with_reply() {
  openai::RequestScan& scan = current_.scan;
  scan.finish(true);
  if (!scan.is_known()) {
    respond_with_error(400, {.message = "The body of the request is not one JSON object."});
    return;
  }
  for (size_t half = 0; half < 2; ++half) {
    const auto digits = hex_of(next_chance(environment_.ids));
    std::copy(digits.begin(), digits.end(), reply_.id.begin() + half * digits.size());
  }
  reply_.api = current_.wanted.api;
  reply_.base64 = scan.base64();
  reply_.model = model_to_echo(scan);
  reply_.created_s = environment_.wall.seconds();
  reply_.prompt_tokens = current_.body_bytes / 4;
  if (scan.stream() && reply_.api != Api::embeddings) {
    start_events(scan);
  } else {
    start_block("application/json",
                append_reply(environment_.body_text, reply_, current_.wanted.reply_bytes));
  }
}

void Connection::respond_with_bytes() {
  start_block("application/octet-stream", {blocks().octets, current_.wanted.bytes, {}});
}

// Blocks, behind body_text.

void Connection::start_block(std::string_view type, const BlockBody& body) {
  const std::string& front = environment_.body_text;
  const uint64_t length = front.size() + body.block_bytes + body.end.size();
  make_head({.type = type, .length = length});
  if (meets_fault_first(length)) return;
  body_ = body;
  block_place_ = 0;
  state_ = State::block;
  std::array<base::Bytes, 2> before = {base::as_bytes(environment_.head_text),
                                       base::as_bytes(front)};
  if (current_.is_head_method) {
    send(std::span(before).first(1));
    finish();
    return;
  }
  send_block(before);
  if (state_ == State::block) continue_block();
}

// The next piece of the block, and the body's end where that is all.
void Connection::send_block(std::span<const base::Bytes> before) {
  std::array<base::Bytes, pieces_max> pieces;
  std::copy(before.begin(), before.end(), pieces.begin());
  size_t count = before.size();
  const size_t size =
      static_cast<size_t>(std::min<uint64_t>(body_.block.size() - block_place_, body_.block_bytes));
  pieces[count++] = base::as_bytes(body_.block.substr(block_place_, size));
  body_.block_bytes -= size;
  block_place_ = (block_place_ + size) % body_.block.size();
  const bool is_over = body_.block_bytes == 0;
  if (is_over) pieces[count++] = base::as_bytes(body_.end);
  send(std::span(pieces).first(count));
  if (is_over && state_ == State::block) finish();
}

void Connection::continue_block() {
  for (unsigned sent = 0; sent < blocks_per_turn && !blocked_; ++sent) {
    send_block({});
    if (state_ != State::block) return;
  }
  if (!blocked_) timer_.set(0);
}

// Events.

void Connection::start_events(const openai::RequestScan& scan) {
  const Wanted& wanted = current_.wanted;
  if (current_.is_http10) keep_alive_ = false;
  make_head(
      {.type = "text/event-stream; charset=utf-8",
       .ending = current_.is_http10 ? ResponseHead::Ending::close : ResponseHead::Ending::chunked});
  if (meets_fault_first((wanted.tokens + 1) * event_bytes_min)) return;
  events_ = EventStream(reply_.api,
                        {.tokens = wanted.tokens,
                         .token_bytes = wanted.token_bytes,
                         .include_usage = scan.include_usage()});
  state_ = State::events;
  // One write: time passes between events, not before the first.
  send_event(environment_.head_text);
  if (state_ == State::events && !waits_for_gap()) continue_events();
}

// The next event as one chunk, made in place: the size is known once it stands.
void Connection::send_event(std::string_view head) {
  std::string& text = environment_.body_text;
  http::ChunkPrefix buffer;
  text.assign(buffer.size(), ' ');
  size_t begin = buffer.size();
  events_.append_next(text, reply_);
  if (!current_.is_http10) {
    const std::string_view prefix =
        base::as_text(http::write_chunk_prefix(buffer, text.size() - begin));
    begin -= prefix.size();
    std::copy(prefix.begin(), prefix.end(), text.begin() + static_cast<ptrdiff_t>(begin));
    text += "\r\n";
    if (events_.is_over()) text += last_chunk;
  }
  environment_.tally.events.add();
  const std::array<base::Bytes, 2> pieces = {base::as_bytes(head),
                                             base::as_bytes(std::string_view(text).substr(begin))};
  send(std::span(pieces).subspan(head.empty() ? 1 : 0));
  if (events_.is_over() && state_ == State::events) finish();
}

void Connection::continue_events() {
  for (unsigned sent = 0; sent < events_per_turn; ++sent) {
    if (blocked_) return;
    send_event({});
    if (state_ != State::events || waits_for_gap()) return;
  }
  timer_.set(0);
}

// Counted from the moment the last event was written, so that no gap is shorter than asked.
bool Connection::waits_for_gap() {
  if (!events_.is_gap_next()) return false;
  uint64_t delay_us = current_.wanted.gap_us;
  const uint64_t jitter_us = current_.wanted.jitter_us;
  if (jitter_us > 0) delay_us += next_chance(current_.chance) % (jitter_us + 1);
  if (delay_us == 0) return false;
  timer_.set(delay_us * 1000);
  return true;
}

// Sending.

void Connection::make_head(ResponseHead head) {
  head.date = environment_.wall.date();
  head.request_id = {next_chance(environment_.ids), next_chance(environment_.ids)};
  head.processing_ms = environment_.loop.now_ms() - current_.received_ms;
  if (!keep_alive_) {
    head.connection = "close";
  } else if (current_.is_http10) {
    head.connection = "keep-alive";
  }
  environment_.head_text.clear();
  append_head(environment_.head_text, head);
}

// Whether a fault comes before the head; else notes where in the response it does.
bool Connection::meets_fault_first(uint64_t body_bytes_min) {
  if (!current_.fault) return false;
  fault_in_bytes_ = current_.fault->place(environment_.head_text.size(), body_bytes_min);
  if (fault_in_bytes_ > 0) return false;
  meet_fault();
  return true;
}

// After it the state may be any: a fault may have ended the response.
void Connection::send(std::span<const base::Bytes> pieces) {
  const size_t size = total_of(pieces);
  std::array<base::Bytes, pieces_max> cut;
  const bool is_cut = current_.fault && size >= fault_in_bytes_;
  if (is_cut) {
    uint64_t left = fault_in_bytes_;
    for (size_t i = 0; i < pieces.size(); ++i) {
      cut[i] = pieces[i].first(static_cast<size_t>(std::min<uint64_t>(pieces[i].size(), left)));
      left -= cut[i].size();
    }
    pieces = std::span(cut).first(pieces.size());
  }
  blocked_ = stream_->write(pieces) == net::Flow::full || blocked_;
  environment_.tally.bytes_out.add(is_cut ? fault_in_bytes_ : size);
  fault_in_bytes_ -= std::min<uint64_t>(size, fault_in_bytes_);
  if (is_cut) meet_fault();
}

void Connection::meet_fault() {
  const FaultKind kind = current_.fault->kind;
  current_.fault.reset();
  environment_.tally.faults[static_cast<size_t>(kind)].add();
  if (kind == FaultKind::reset) {
    stream_->abort();
    close();
  } else if (kind == FaultKind::truncate) {
    linger();
  } else {
    state_ = State::stalled;
  }
}

// The response is complete, unless a fault has ended it.
void Connection::finish() {
  const bool is_ended =
      state_ == State::stalled || state_ == State::lingering || state_ == State::closed;
  if (is_ended) return;
  current_.upload.reset();
  if (keep_alive_) {
    state_ = State::request;
  } else {
    linger();
  }
}

// Closing with unread input would make the kernel send RST, and the client might lose the end.
void Connection::linger() {
  state_ = State::lingering;
  leftover_ = {};
  timer_.set(linger_ns);
  stream_->shutdown_write();
  stream_->set_reading(true);
}

}  // namespace bench::serve
