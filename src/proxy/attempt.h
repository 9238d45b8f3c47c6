#pragma once

// How a request is served: by which upstream, as what, and what has been tried so far.

#include <cstdint>
#include <memory>
#include <optional>

#include "base/url.h"
#include "http/head.h"
#include "policy/pipeline.h"
#include "policy/redirect.h"
#include "policy/retry.h"
#include "stream/http_stream.h"
#include "upstream/upstream_pool.h"

namespace proxy {

// Value of one owner, a part of its request: `= {}` is a request that nothing was tried for. The
// stream is to be gone by then. One thread.
class Attempt {
 public:
  // What to try.
  struct Next {
    upstream::UpstreamPool* pool = nullptr;
    upstream::UpstreamPool::Wanted wanted = upstream::UpstreamPool::Wanted::any;
    bool is_retry = false;                          // of the same, since a connection died
    std::optional<policy::Redirect> redirect = {};  // that leads there
  };

  // Asks for a stream, see UpstreamPool::acquire(); `waiter` waits for it, and the attempt has it
  // from use() on.
  [[nodiscard]] upstream::UpstreamPool::Acquired begin(Next next, upstream::UpstreamWaiter& waiter);
  void use(std::unique_ptr<stream::UpstreamStream> stream);

  // The stream's end: given up with all that is on it, or, where the exchange `is_whole`, to serve
  // again, and then where it is bound among `bound`, or not at all (nullptr).
  void drop(upstream::UpstreamWaiter& waiter);
  void give_back(bool is_whole, stream::UpstreamStreams* bound);

  // nullptr while there is none.
  [[nodiscard]] stream::UpstreamStream* stream() const { return stream_.get(); }
  [[nodiscard]] upstream::UpstreamPool& pool() const { return *pool_; }
  // The pool that was meant, before a redirect led elsewhere.
  [[nodiscard]] upstream::UpstreamPool& pool_meant() const { return *pool_meant_; }

  // Borrowed from the attempt and its pool until the next one begins.
  [[nodiscard]] policy::Destination destination() const;
  [[nodiscard]] const base::Url* redirected_to() const { return url_ ? &*url_ : nullptr; }
  [[nodiscard]] uint32_t redirects() const { return redirects_; }
  [[nodiscard]] bool drops_body() const { return drops_body_; }
  [[nodiscard]] bool drops_credentials() const { return drops_credentials_; }
  [[nodiscard]] bool was_retry() const { return was_retry_; }

  // An interim response came; false: one too many of them.
  [[nodiscard]] bool count_interim();

  // What of it is known when it has failed; the request's own facts are for the caller to add.
  [[nodiscard]] policy::FailedAttempt failure() const;

 private:
  static constexpr uint8_t interim_max = 32;

  upstream::UpstreamPool* pool_ = nullptr;
  upstream::UpstreamPool* pool_meant_ = nullptr;
  std::unique_ptr<stream::UpstreamStream> stream_;
  std::optional<base::Url> url_;  // of the last redirect
  uint32_t redirects_ = 0;
  uint8_t interim_heads_ = 0;
  bool drops_body_ = false;         // a redirect turned it into a GET
  bool drops_credentials_ = false;  // a redirect left the origin
  bool was_retry_ = false;
};

}  // namespace proxy
