#include "sim/wire.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

#include "sim/pattern.h"

namespace sim {
namespace {

constexpr uint64_t chunks_max = 200;

void append_chunks(std::string& out, const BodyLayout& layout, Chance& chance) {
  const uint64_t chunk_min = layout.bytes / chunks_max + 1;
  const uint64_t break_at = layout.broken_chunk ? chance.below(layout.bytes + 1) : UINT64_MAX;
  for (uint64_t offset = 0; offset < layout.bytes;) {
    if (offset >= break_at) break;
    const uint64_t left = layout.bytes - offset;
    const uint64_t size = std::min(left, chunk_min + chance.below(left));
    const char* extension = chance.one_in(8) ? ";name=\"value\"" : "";
    fmt::format_to(std::back_inserter(out), "{:x}{}\r\n", size, extension);
    append_pattern(out, layout.key, offset, size);
    out += "\r\n";
    offset += size;
  }
  if (layout.broken_chunk) {
    out += "no size\r\n";
    return;
  }
  out += "0\r\n";
  if (layout.trailers) fmt::format_to(std::back_inserter(out), "X-End: {}\r\n", layout.bytes);
  out += "\r\n";
}

}  // namespace

std::string request_head(const Request& request, Chance& chance) {
  std::string head = fmt::format("{} /r/{}?q=1 HTTP/1.{}\r\nHost: proxy.test\r\n{}: {}\r\n",
                                 request.method,
                                 request.id,
                                 request.version_minor,
                                 marker_name,
                                 request.id);
  const auto out = std::back_inserter(head);
  head += "Authorization: Bearer secret\r\n";
  if (request.preflight) {
    head += "Origin: https://page.test\r\nAccess-Control-Request-Method: POST\r\n";
  }
  if (request.idempotency_key) fmt::format_to(out, "Idempotency-Key: {}\r\n", request.id);
  if (request.upgrade) head += "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  if (request.asks_close) head += "Connection: close\r\n";
  if (request.version_minor == 0 && !request.asks_close) head += "Connection: keep-alive\r\n";
  if (request.expects_continue) head += "Expect: 100-continue\r\n";
  if (chance.one_in(20))
    fmt::format_to(out, "X-Pad: {}\r\n", std::string(chance.below(9'000), 'p'));
  switch (request.body) {
    case BodyKind::none:
      break;
    case BodyKind::length:
      fmt::format_to(out, "Content-Length: {}\r\n", request.body_bytes);
      break;
    case BodyKind::chunked:
      head += "Transfer-Encoding: chunked\r\n";
      break;
  }
  if (request.malformed && request.body != BodyKind::chunked) head += "Content-Length: x\r\n";
  return head + "\r\n";
}

void append_body(std::string& out, const BodyLayout& layout, Chance& chance) {
  switch (layout.kind) {
    case BodyKind::none:
      break;
    case BodyKind::length:
      append_pattern(out, layout.key, 0, layout.bytes);
      break;
    case BodyKind::chunked:
      append_chunks(out, layout, chance);
      break;
  }
}

namespace {

// A few bytes around a bound of some buffer, or around two of them.
uint64_t draw_size_at_a_bound(Chance& chance) {
  const auto bound = chance.pick<uint64_t>({100, 16 * 1024, 16 * 1024, 64 * 1024, 128 * 1024});
  return bound * chance.between(1, 2) - 4 + chance.below(9);
}

}  // namespace

uint64_t draw_size(Chance& chance, const Plan& plan) {
  if (plan.large_bodies && chance.one_in(2)) return chance.between(100'000, 600'000);
  // Byte by byte, more than a few would take for ever.
  switch (chance.below(plan.capacity_bytes < 4'096 ? 4 : 5)) {
    case 0:
      return chance.below(2);
    case 1:
      return chance.below(100);
    case 2:
      return chance.below(4'000);
    case 4:
      return draw_size_at_a_bound(chance);
    default:
      return chance.below(20'000);
  }
}

}  // namespace sim
