#pragma once

// What openai::UsageChunkFilter is to leave of a stream, worked out from its lines and
// nlohmann/json.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace support {

struct Filtered {
  std::string passed;
  size_t hidden = 0;
};

// Absent where nlohmann/json does not take an event's data.
std::optional<Filtered> expected_filtered(std::string_view stream);

}  // namespace support
