#include "bench/load/measures.h"

#include <algorithm>
#include <numeric>

namespace bench::load {

std::string_view failure_name(Failure failure) {
  switch (failure) {
    case Failure::connect:
      return "connect";
    case Failure::tls:
      return "tls";
    case Failure::reset:
      return "reset";
    case Failure::truncated:
      return "truncated";
    case Failure::bad_status:
      return "bad_status";
    case Failure::bad_sse:
      return "bad_sse";
    case Failure::bad_http:
      return "bad_http";
    case Failure::timeout:
      return "timeout";
    case Failure::count_:
      break;
  }
  return "?";
}

void Measures::merge(const Measures& other) {
  connect.merge(other.connect);
  tls_handshake.merge(other.tls_handshake);
  first_byte.merge(other.first_byte);
  first_token.merge(other.first_token);
  token_gap.merge(other.token_gap);
  total.merge(other.total);
  requests += other.requests;
  events += other.events;
  stalls += other.stalls;
  connections += other.connections;
  tls_resumed += other.tls_resumed;
  bytes_in += other.bytes_in;
  bytes_out += other.bytes_out;
  late_starts += other.late_starts;
  for (size_t i = 0; i < failures.size(); ++i)
    failures[i] += other.failures[i];
  if (statuses.size() < other.statuses.size()) statuses.resize(other.statuses.size());
  for (size_t i = 0; i < other.statuses.size(); ++i)
    statuses[i] += other.statuses[i];
}

uint64_t Measures::failed() const {
  return std::accumulate(failures.begin(), failures.end(), uint64_t{0});
}

}  // namespace bench::load
