#pragma once

// A page of our own.

#include <cstdint>
#include <string>
#include <string_view>

namespace local {

// A page of the admin endpoint.
struct AdminPage {
  uint16_t status = 200;
  std::string_view content_type = "text/plain; charset=utf-8";
  std::string body;
};

}  // namespace local
