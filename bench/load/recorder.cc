#include "bench/load/recorder.h"

#include <algorithm>

namespace bench::load {
namespace {

constexpr uint64_t second_ns = 1'000'000'000;
constexpr size_t statuses = 600;

}  // namespace

void Recorder::start(uint64_t start_ns, const Window& window) {
  start_ns_ = start_ns;
  window_ = window;
  second_end_ns_ = start_ns + second_ns;
}

void Recorder::cut(uint64_t end_ns) {
  window_.end_ns = std::min(window_.end_ns, end_ns);
}

void Recorder::give_seconds(uint64_t now_ns) {
  while (now_ns >= second_end_ns_) {
    part_.open_requests = open_requests_;
    timeline_.add(second_++, part_);
    part_ = SecondPart();
    second_end_ns_ += second_ns;
  }
}

void Recorder::finish(uint64_t now_ns) {
  if (start_ns_ == UINT64_MAX) return;
  roll(now_ns);
  part_.open_requests = open_requests_;
  timeline_.add(second_, part_);
}

void Recorder::on_connect(uint64_t now_ns, uint64_t took_ns) {
  if (!counts(now_ns)) return;
  ++measures_.connections;
  measures_.connect.record(took_ns);
}

void Recorder::on_handshake(uint64_t now_ns, uint64_t took_ns, bool resumed) {
  if (!counts(now_ns)) return;
  measures_.tls_handshake.record(took_ns);
  if (resumed) ++measures_.tls_resumed;
}

void Recorder::on_sent(uint64_t now_ns, uint64_t body_bytes) {
  part_.bytes += body_bytes;
  if (counts(now_ns)) measures_.bytes_out += body_bytes;
}

void Recorder::on_body(uint64_t now_ns, uint64_t bytes) {
  part_.bytes += bytes;
  if (counts(now_ns)) measures_.bytes_in += bytes;
}

void Recorder::on_first_events(uint64_t now_ns,
                               uint64_t first_after_ns,
                               uint32_t events,
                               bool measured) {
  part_.events += events;
  if (measured) measures_.first_token.record(first_after_ns);
  if (!counts(now_ns)) return;
  measures_.events += events;
  // The rest came in the same read.
  measures_.token_gap.record(0, events - 1);
}

void Recorder::on_events(uint64_t now_ns, uint64_t gap_ns, uint32_t events) {
  part_.events += events;
  if (!counts(now_ns)) return;
  measures_.events += events;
  measures_.token_gap.record(gap_ns);
  measures_.token_gap.record(0, events - 1);
  if (gap_ns > stall_ns_) ++measures_.stalls;
}

void Recorder::on_status(int status) {
  if (measures_.statuses.empty()) measures_.statuses.resize(statuses);
  ++measures_.statuses[static_cast<size_t>(status)];
}

void Recorder::on_success(uint64_t now_ns, uint64_t total_ns, bool measured) {
  roll(now_ns);
  ++part_.requests;
  part_.total.record(total_ns);
  if (!measured) return;
  ++measures_.requests;
  measures_.total.record(total_ns);
}

void Recorder::on_failure(uint64_t now_ns, Failure failure, bool measured) {
  roll(now_ns);
  ++part_.failures;
  if (measured) ++measures_.failures[static_cast<size_t>(failure)];
}

}  // namespace bench::load
