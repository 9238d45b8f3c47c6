#pragma once

// A request of our own, that no client sent: to check an upstream's health, say, or to talk to a
// certification authority.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "net/loop.h"
#include "upstream/upstream_pool.h"

namespace upstream {

using FetchFields = std::vector<std::pair<std::string, std::string>>;

// Value. What is asked.
struct FetchRequest {
  std::string method = "GET";
  std::string target = "/";  // as it goes out: the base path of the upstream's url is not added
  FetchFields fields = {};   // beside Host, which is the upstream's, and those that frame the body
  std::optional<std::string> body = {};
  size_t response_bytes_max = 64 * 1024;  // of its body; its head has the upstream's limits
  uint64_t timeout_ms = 10'000;           // for all of it, waiting for a connection included
};

// Value. The final response, whatever its status: redirects are not followed.
struct FetchResponse {
  uint16_t status = 0;
  FetchFields fields = {};
  std::string body = {};
};

// Resource: one request and its response. The loop's thread. Destroying it cancels it, at any time,
// from within its callback too.
class Fetch {
 public:
  // Errors are the upstream's (Side::upstream): `timeout`, `too_large`, `parse`, `closed`,
  // `refused` where the pool takes no more, and those of dialling. A kept connection that turns out
  // dead is replaced once, where the request cannot have run or may run twice (RFC 9110 9.2.2).
  using Result = base::Result<FetchResponse>;
  // Called exactly once unless it is cancelled before, at the end of a turn, never from within a
  // call into this or into a pool.
  using OnDone = std::function<void(Result result)>;

  // Starts at once. `loop` is the pool's, and outlives it.
  Fetch(net::Loop& loop, std::shared_ptr<UpstreamPool> pool, FetchRequest request, OnDone on_done);
  ~Fetch();
  Fetch(const Fetch&) = delete;
  Fetch& operator=(const Fetch&) = delete;
  Fetch(Fetch&&) = delete;
  Fetch& operator=(Fetch&&) = delete;

 private:
  class Run;
  net::Loop& loop_;
  std::unique_ptr<Run> run_;  // dies in the graveyard: a stream may be calling it
};

}  // namespace upstream
