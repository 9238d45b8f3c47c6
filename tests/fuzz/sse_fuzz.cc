// Event streams: however they are cut, the same events.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "http/sse.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

// What the splitter made of the bytes, in pieces of at most `longest`.
std::string events_of(std::string_view bytes, size_t longest) {
  std::minstd_rand random(static_cast<uint32_t>(bytes.size()));
  http::SseSplitter splitter;
  std::string seen;
  uint64_t count = 0;
  while (!bytes.empty()) {
    const size_t size = std::min<size_t>(bytes.size(), 1 + random() % longest);
    const std::vector<char> piece(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
    bytes.remove_prefix(size);
    base::Bytes input = base::as_bytes({piece.data(), piece.size()});
    http::SseEvent event;
    while (splitter.next(input, event)) {
      require(event.data.size() <= http::SseSplitter::kept_bytes_max);
      require(event.data.find('\r') == std::string_view::npos);
      require(splitter.is_at_boundary());
      seen.append(event.type).append("\n").append(event.data).append("\n\n");
      ++count;
    }
    require(input.empty());
  }
  require(splitter.events() == count);
  return seen + (splitter.is_at_boundary() ? "whole" : "cut");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = events_of(bytes, size_t{1} << 30);
  for (const size_t longest : {size_t{1}, size_t{2}, size_t{30}}) {
    require(events_of(bytes, longest) == whole);
  }
  return 0;
}
