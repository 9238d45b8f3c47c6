#include "bench/load/sse_counter.h"

#include <algorithm>
#include <cstring>

namespace bench::load {
namespace {

// Whether `line` is the field `name`, and its value.
bool is_field(std::string_view line, std::string_view name, std::string_view& value) {
  if (!line.starts_with(name)) return false;
  value = line.substr(name.size());
  if (value.empty()) return true;
  if (value.front() != ':') return false;
  value.remove_prefix(value.starts_with(": ") ? 2 : 1);
  return true;
}

bool ends_responses_stream(std::string_view type) {
  return type == "response.completed" || type == "response.incomplete" || type == "response.failed";
}

}  // namespace

uint32_t SseCounter::feed(base::Bytes body) {
  uint32_t events = 0;
  std::string_view rest = base::as_text(body);
  while (!rest.empty()) {
    const void* found = std::memchr(rest.data(), '\n', rest.size());
    const size_t size = found == nullptr
                            ? rest.size()
                            : static_cast<size_t>(static_cast<const char*>(found) - rest.data());
    if (found != nullptr && line_bytes_ == 0) {
      if (end_line(rest.substr(0, size))) ++events;
    } else {
      if (line_bytes_ < kept_bytes) {
        std::memcpy(
            kept_.data() + line_bytes_, rest.data(), std::min(size, kept_bytes - line_bytes_));
      }
      line_bytes_ += size;
      if (found != nullptr) {
        if (end_line({kept_.data(), std::min(line_bytes_, kept_bytes)})) ++events;
        line_bytes_ = 0;
      }
    }
    rest.remove_prefix(found == nullptr ? size : size + 1);
  }
  return events;
}

bool SseCounter::end_line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) {
    const bool ended = has_data_;
    has_data_ = false;
    return ended;
  }
  std::string_view value;
  if (is_field(line, "data", value)) {
    has_data_ = true;
    if (value == "[DONE]") is_done_ = true;
  } else if (is_field(line, "event", value)) {
    if (ends_responses_stream(value)) is_done_ = true;
  } else if (line.front() != ':' && !is_field(line, "id", value) &&
             !is_field(line, "retry", value)) {
    is_malformed_ = true;
  }
  return false;
}

}  // namespace bench::load
