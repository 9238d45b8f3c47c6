#pragma once

// What the actors of a world know of each request: what was meant, what was done, what came of it.
// Written by both sides, so that the end of a schedule can be judged.

#include <cstdint>
#include <string>
#include <vector>

namespace sim {

enum class BodyKind : uint8_t { none, length, chunked };

// One request head that an upstream received, and what it answered.
struct Attempt {
  uint16_t status = 0;
  uint64_t body_bytes = 0;  // of the response as meant
  bool is_redirect = false;
  bool is_foreign = false;      // at an origin a redirect led to
  bool response_sent = false;   // all of it was given to the network
  bool request_ended = false;   // all of the request was received
  bool answered_early = false;  // before that
};

// One request of a client.
struct Request {
  uint32_t id = 0;

  // Meant by the client.
  std::string method;
  uint8_t version_minor = 1;
  BodyKind body = BodyKind::none;
  uint64_t body_bytes = 0;
  bool trailers = false;
  bool expects_continue = false;
  bool asks_close = false;
  bool upgrade = false;
  bool malformed = false;  // somewhere in head or body
  bool preflight = false;
  bool idempotency_key = false;
  uint64_t tunnel_up_bytes = 0;
  uint64_t tunnel_down_bytes = 0;
  bool tunnel_wanted = false;  // the upstream will agree
  bool tunnel_early = false;   // the first bytes do not wait for the 101

  // Done by upstreams.
  uint64_t tunnel_up_received = 0;
  bool tunnel_up_ended_first = false;
  std::vector<Attempt> attempts;

  // Seen by the client.
  bool head_received = false;
  uint16_t status = 0;
  uint32_t attempt = 0;  // whose response it is; 0: the proxy's own
  uint64_t body_received = 0;
  bool complete = false;  // a clean-looking end
  bool forgone = false;   // the client left, stalled or broke off before its end
};

}  // namespace sim
