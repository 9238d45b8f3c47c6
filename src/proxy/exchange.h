#pragma once

// The middle: one request and its response, joined from a client's stream and an upstream's.

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/arena.h"
#include "base/error.h"
#include "base/out_queue.h"
#include "base/url.h"
#include "http/head.h"
#include "http/message_rules.h"
#include "local/local_reply.h"
#include "net/deadline.h"
#include "observe/summary.h"
#include "policy/redirect.h"
#include "policy/retry.h"
#include "policy/route.h"
#include "proxy/entrance.h"
#include "proxy/environment.h"
#include "stream/http_stream.h"
#include "upstream/upstream_pool.h"

namespace proxy {

// Resource. Owned by its client's session, taken from and given back to an ExchangePool. It ends in
// finish() or abandon(), exactly one of them and once, on every path. One thread.
class Exchange final : private upstream::UpstreamWaiter, private stream::ResponseListener {
 public:
  explicit Exchange(Environment& environment);
  virtual ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  Exchange(Exchange&&) = delete;
  Exchange& operator=(Exchange&&) = delete;

  // A request of `client`'s begins, which came in at `entrance` from `client_address`. All three
  // outlive the exchange's use.
  void begin(stream::ClientStream& client,
             const Entrance& entrance,
             std::string_view client_address);
  // Forgets it, to be used again.
  void recycle();

  [[nodiscard]] http::Head& request_head() { return request_head_; }
  [[nodiscard]] base::Arena& arena() { return arena_; }
  // What it keeps because nobody takes it, and heads that are out of the usual.
  [[nodiscard]] size_t held_bytes() const;

  // From the client's session, in this order. on_request_refused() instead of what it refuses.
  void on_request_head(const http::MessageTraits& traits);
  void on_request_body(base::Bytes bytes);
  void on_request_end();
  void on_request_refused(const http::H1Error& error);
  // Memory is tight, and this one has not begun yet.
  void refuse_for_memory();
  // The client's event is over: what came, or was answered, leaves. After each of the above.
  void on_request_flush();
  void on_client_drained();
  // It went away, or was too slow, or was cut: the upstream stops at once, for tokens cost money.
  void on_client_left(observe::Outcome outcome);
  // The client's connection ended before a byte of a request: there was none.
  void abandon();

 private:
  enum class Phase : uint8_t {
    request_head,   // of the client, still arriving
    acquiring,      // waits for an upstream connection
    awaiting_head,  // the request is on its way
    responding,     // the response is on its way
    tunnel,
    finished,
  };

  static constexpr uint8_t interim_max = 32;  // 1xx responses before the final one

  void on_upstream_ready(std::unique_ptr<stream::UpstreamStream> upstream) override;
  void on_upstream_unavailable(base::Error error) override;
  [[nodiscard]] stream::UpstreamStreams* bound_streams() override {
    return client_->bound_streams();
  }

  void on_response_head() override;
  void on_response_body(base::Bytes bytes) override;
  void on_response_end() override;
  void on_response_flush() override;
  void on_upstream_drained() override;
  void on_upstream_failed(base::Error error) override;

  // Answers of our own: exchange_admit.cc.
  [[nodiscard]] bool answer_locally();
  void answer_admin();
  void refuse_loop();
  void redirect_to_https();
  void reply(const openai::ApiError& error, observe::Outcome outcome = observe::Outcome::local);
  [[nodiscard]] base::Bytes render_reply(const openai::ApiError& error);
  void reply_preflight();
  void send_reply(base::Bytes body, observe::Outcome outcome);

  // The way up.
  void acquire(upstream::UpstreamPool::Wanted wanted = upstream::UpstreamPool::Wanted::any);
  void start_attempt(std::unique_ptr<stream::UpstreamStream> upstream);
  void fail_attempt(base::Error error);
  void prepare_head();
  [[nodiscard]] std::string_view upstream_target();
  void give_back_upstream(bool is_whole);
  [[nodiscard]] stream::Body request_body() const;
  void buffer_body(base::Bytes bytes);
  void drop_upstream();

  // The way down: exchange_response.cc.
  void forward_interim();
  void begin_tunnel();
  [[nodiscard]] bool follow_redirect();
  [[nodiscard]] base::Url current_url() const;
  void map_way_back();
  void forward_head();
  [[nodiscard]] stream::Body response_body() const;
  [[nodiscard]] policy::FailedAttempt failed_attempt() const;
  void retry();

  void flush();
  void flush_upstream();
  [[nodiscard]] uint32_t silence_ms() const;
  void on_deadline();
  void finish(observe::Outcome outcome);

  Environment& environment_;
  stream::ClientStream* client_ = nullptr;
  const Entrance* entrance_ = nullptr;
  SnapshotRef snapshot_;
  const policy::Route* route_ = nullptr;
  upstream::UpstreamPool* pool_ = nullptr;
  std::unique_ptr<stream::UpstreamStream> upstream_;
  net::Deadline deadline_;

  base::Arena arena_;
  http::Head request_head_;
  http::MessageTraits request_traits_;
  http::Head upstream_head_;  // what is sent upstream: views of request_head_ and arena_
  http::Head response_head_;

  base::OutQueue request_buffer_;  // body bytes not yet sent, or kept for another attempt
  std::optional<base::Url> redirected_to_;
  observe::Summary summary_;
  uint32_t redirects_ = 0;
  uint8_t interim_heads_ = 0;
  Phase phase_ = Phase::request_head;
  bool request_ended_ = false;
  bool response_ended_ = false;
  bool replayable_ = true;            // request_buffer_ holds all body bytes so far
  bool body_dropped_ = false;         // a redirect turned it into a GET
  bool credentials_dropped_ = false;  // a redirect left the origin
  bool retried_ = false;
  bool streams_ = false;  // the response is an event stream or a tunnel
};

}  // namespace proxy
