#include "proxy/attempt.h"

#include <utility>

namespace proxy {

upstream::UpstreamPool::Acquired Attempt::begin(Next next, upstream::UpstreamWaiter& waiter) {
  pool_ = next.pool;
  was_retry_ = was_retry_ || next.is_retry;
  if (next.redirect) {
    ++redirects_;
    drops_body_ = drops_body_ || next.redirect->becomes_get;
    drops_credentials_ = drops_credentials_ || next.redirect->cross_origin;
    url_ = std::move(next.redirect->url);
  } else if (!next.is_retry) {
    pool_meant_ = pool_;
  }
  return pool_->acquire(waiter, next.wanted);
}

void Attempt::use(std::unique_ptr<stream::UpstreamStream> stream) {
  stream_ = std::move(stream);
}

void Attempt::drop(upstream::UpstreamWaiter& waiter) {
  if (waiter.is_linked()) pool_->cancel(waiter);
  if (stream_) give_back(false, nullptr);
}

void Attempt::give_back(bool is_whole, stream::UpstreamStreams* bound) {
  const bool is_reusable = stream_->detach() && is_whole;
  if (is_reusable && !stream_->is_bound()) {
    pool_->release(std::move(stream_));
  } else if (is_reusable && bound != nullptr) {
    pool_->release_to(*bound, std::move(stream_));
  } else {
    pool_->discard(std::move(stream_));
  }
}

policy::Destination Attempt::destination() const {
  const upstream::UpstreamIdentity& identity = pool_->identity();
  return {.url = identity.url,
          .host = identity.host,
          .hides_page = identity.hides_page,
          .marks_requests = pool_->doubts_answers(),
          .redirected_to = redirected_to(),
          .drops_body = drops_body_,
          .drops_credentials = drops_credentials_};
}

bool Attempt::count_interim() {
  return ++interim_heads_ <= interim_max;
}

policy::FailedAttempt Attempt::failure() const {
  return {.connection_reused = stream_->has_served(),
          .response_begun = stream_->facts().response_begun || interim_heads_ > 0,
          .was_retry = was_retry_,
          .refused = stream_->has_refused_request()};
}

}  // namespace proxy
