#pragma once

// What openai::UsageScan is to find, worked out from nlohmann/json's reading of the documents.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "openai/usage_scan.h"

namespace support {

struct UsageFacts {
  openai::Usage usage;
  uint32_t answers = 0;
  std::string model;
  openai::ServiceTier service_tier = openai::ServiceTier::unsaid;
  bool has_error = false;
  bool is_complete = false;
  uint64_t texts = 0;  // strings that are text of the model: 0 or more

  bool operator==(const UsageFacts&) const = default;
};

// Of a body in that form; `messages` are separated by LF. Absent where nlohmann/json does not take
// one of its documents.
std::optional<UsageFacts> expected_usage(openai::UsageScan::Form form, std::string_view body);
// The same of the scanner, `texts` being 1 or 0.
UsageFacts found_usage(const openai::UsageScan& scan);
std::string to_text(const UsageFacts& facts);

}  // namespace support
