#pragma once

// What openai::RequestScan is to find in a JSON body, worked out from nlohmann/json's reading of
// it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "openai/request_scan.h"

namespace support {

struct RequestFacts {
  struct Text {
    bool is_there = false;
    std::optional<std::string> text = std::nullopt;
    bool operator==(const Text&) const = default;
  };

  Text model;
  Text prompt_cache_key;
  Text user;
  Text previous_response_id;
  Text conversation;
  Text service_tier;
  bool stream = false;
  bool include_usage = false;
  bool base64 = false;
  std::optional<int64_t> max_tokens;
  std::optional<int64_t> max_completion_tokens;
  std::optional<int64_t> max_output_tokens;
  int64_t answers = 1;

  bool operator==(const RequestFacts&) const = default;
};

// Of a body that nlohmann/json takes and that is an object; else absent.
std::optional<RequestFacts> expected_request(std::string_view body);
RequestFacts found_request(const openai::RequestScan& scan);
std::string to_text(const RequestFacts& facts);

}  // namespace support
