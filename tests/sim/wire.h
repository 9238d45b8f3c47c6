#pragma once

// Messages as the actors of a world put them on the wire.

#include <cstdint>
#include <string>

#include "sim/chance.h"
#include "sim/ledger.h"
#include "sim/plan.h"

namespace sim {

// The request's head, body field included.
[[nodiscard]] std::string request_head(const Request& request, Chance& chance);

// How a body is laid out behind a head.
struct BodyLayout {
  BodyKind kind = BodyKind::none;  // `length` is also what only the connection's end delimits
  uint64_t key = 0;
  uint64_t bytes = 0;
  bool trailers = false;  // chunked only
  bool broken_chunk = false;
};
void append_body(std::string& out, const BodyLayout& layout, Chance& chance);

// The field by which both sides know a message; "7" or, in a response, "7-2".
constexpr const char* marker_name = "X-Marker";

// A size: often tiny, now and then large, or about as large as some buffer.
[[nodiscard]] uint64_t draw_size(Chance& chance, const Plan& plan);

}  // namespace sim
