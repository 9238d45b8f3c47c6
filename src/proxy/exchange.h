#pragma once

// The middle: one request and its response, joined from a client's stream and an upstream's.

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/arena.h"
#include "base/error.h"
#include "base/out_queue.h"
#include "http/head.h"
#include "http/message_rules.h"
#include "local/service.h"
#include "net/deadline.h"
#include "observe/summary.h"
#include "openai/api_error.h"
#include "policy/pipeline.h"
#include "proxy/attempt.h"
#include "proxy/entrance.h"
#include "proxy/environment.h"
#include "stream/http_stream.h"
#include "upstream/upstream_pool.h"

namespace proxy {

// Resource. Owned by its client's session, taken from and given back to an ExchangePool. It ends in
// finish() or abandon(), exactly one of them and once, on every path. One thread.
class Exchange final : private upstream::UpstreamWaiter,
                       private stream::ResponseListener,
                       private local::Responder {
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
  [[nodiscard]] base::Arena& arena() override { return arena_; }
  // The one it began with, and ends on.
  [[nodiscard]] const config::Config& config() const { return request_.snapshot->config(); }
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
    deciding,       // what becomes of it
    acquiring,      // waits for an upstream connection
    awaiting_head,  // the request is on its way
    responding,     // the response is on its way
    tunnel,
    answering,  // a service of ours does
    finished,
  };

  // All that belongs to one request but its heads and its body, whose memory is kept for the next.
  struct Request {
    stream::ClientStream* client = nullptr;
    const Entrance* entrance = nullptr;
    policy::PolicyState policy = {};  // before the snapshot, of whose clients it holds things
    SnapshotRef snapshot = {};
    http::MessageTraits traits = {};
    Attempt attempt = {};
    std::unique_ptr<local::Answer> answer = {};  // of a service that takes its time
    observe::Summary summary = {};
    Phase phase = Phase::request_head;
    uint64_t body_wanted = 0;  // bytes of it, to decide
    bool is_whole = false;     // all of it is here; of a tunnel: that direction has ended
    bool is_held = true;       // the buffer has all body bytes so far
    bool response_is_whole = false;
    bool streams = false;  // the response is an event stream or a tunnel
  };

  void on_upstream_ready(std::unique_ptr<stream::UpstreamStream> upstream) override;
  void on_upstream_unavailable(base::Error error) override;
  [[nodiscard]] stream::UpstreamStreams* bound_streams() override {
    return request_.client->bound_streams();
  }

  void on_response_head() override;
  void on_response_body(base::Bytes bytes) override;
  void on_response_end() override;
  void on_response_flush() override;
  void on_upstream_drained() override;
  void on_upstream_failed(base::Error error) override;

  // Answers of our own: exchange_answer.cc.
  void reply(const local::Page& page) override;
  void reply(const openai::ApiError& error, std::span<const http::Field> fields) override;
  net::Loop& loop() override { return environment_.loop; }
  void begin(std::string_view content_type) override;
  void send(base::Bytes bytes) override;
  void end() override;
  net::Flow flush() override { return request_.client->flush(); }
  void serve(local::Service& service);
  void answer(const policy::Verdict& verdict);
  void notice(policy::Verdict::Notice notice);
  void refuse(const openai::ApiError& error,
              std::span<const http::Field> fields = {},
              observe::Outcome outcome = observe::Outcome::local);
  void send_reply_head(stream::Body body);
  void finish_reply(observe::Outcome outcome);

  // The way up.
  [[nodiscard]] policy::Asked asked();
  [[nodiscard]] const policy::Pipeline& pipeline() const { return request_.snapshot->pipeline(); }
  [[nodiscard]] policy::Now now() const;
  void decide();
  void on_woken();
  void rewrite_body(const openai::BodyEdit& edit);
  void ask_for_body();
  void start_over(Attempt::Next next);
  void start_attempt(std::unique_ptr<stream::UpstreamStream> upstream);
  void fail_attempt(base::Error error);
  void give_up(base::Error error, const openai::ApiError& answer);
  void refuse_rest(const openai::ApiError& error);
  [[nodiscard]] stream::Body request_body() const;
  void buffer_body(base::Bytes bytes);
  void forget_body();
  void drop_upstream();

  // The way down: exchange_response.cc.
  void forward_interim();
  void begin_tunnel();
  [[nodiscard]] bool follow_redirect();
  [[nodiscard]] policy::Answered answered();
  void forward_head();
  void send_response_head(stream::Body body);
  void send_changed(base::Bytes bytes) const;
  [[nodiscard]] stream::Body response_body() const;

  void end_event();
  void flush_upstream() const;
  [[nodiscard]] uint32_t silence_ms() const;
  void on_deadline();
  void finish(observe::Outcome outcome);
  void settle(observe::Outcome outcome);

  Environment& environment_;
  Request request_;
  net::Deadline deadline_;

  base::Arena arena_;
  http::Head request_head_;
  http::Head upstream_head_;  // what is sent upstream: views of request_head_ and arena_
  http::Head response_head_;
  base::OutQueue request_buffer_;  // body bytes not yet sent, or kept for another attempt
};

}  // namespace proxy
