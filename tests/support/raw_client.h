#pragma once

// The raw client of end-to-end tests: sends the very bytes it is told to.

#include <memory>
#include <string_view>

#include "support/endpoint.h"

namespace test {

// Resource. One thread.
class RawClient : public Endpoint {
 public:
  using Endpoint::Endpoint;

  // Sends a whole request and reads its whole response.
  [[nodiscard]] Message round_trip(std::string_view request) {
    send(request);
    return read_response(request.substr(0, request.find(' ')));
  }
};

}  // namespace test
