#pragma once

// The HTTP/1 client half: one connection to an upstream, one request at a time.

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/arena.h"
#include "http/h1_parser.h"
#include "http/head.h"
#include "net/byte_stream.h"
#include "net/deadline.h"
#include "net/loop.h"
#include "proxy/dialer.h"
#include "proxy/h1_output.h"
#include "proxy/http_stream.h"

namespace proxy {

class Exchange;
class UpstreamPool;

// Resource. Owned by its pool while dialled and idle, by an exchange while active; moved between
// them, so that at every moment there is one owner. Dies in the graveyard. One thread.
class UpstreamConnection final : public net::Buried,
                                 public HttpStream,
                                 private net::ByteStreamListener {
 public:
  UpstreamConnection(net::Loop& loop, const http::H1Limits& limits, UpstreamPool& pool);
  ~UpstreamConnection() override;
  UpstreamConnection(const UpstreamConnection&) = delete;
  UpstreamConnection& operator=(const UpstreamConnection&) = delete;
  UpstreamConnection(UpstreamConnection&&) = delete;
  UpstreamConnection& operator=(UpstreamConnection&&) = delete;

  // Starts connecting. The pool hears of the outcome.
  void start(Dialer& dialer);

  // Serves `exchange` until release: the response head goes into `head` and `arena`.
  // `request_method` must live as long.
  struct Service {
    Exchange& exchange;
    http::Head& response_head;
    base::Arena& arena;
    std::string_view request_method;
  };
  void attach(const Service& service);

  // Leaves its exchange. Whether it may serve another: the response is complete, nothing more came,
  // both sides keep it alive.
  [[nodiscard]] bool detach();

  // Waits to be used again; the pool hears when it ends.
  void become_idle(uint64_t timeout_ms);

  // Ends now, in any state.
  void close();

  // Expects the final response after an interim one.
  void await_next_head();

  [[nodiscard]] bool has_served() const { return served_ > 0; }
  // Whether some byte of the response was seen.
  [[nodiscard]] bool response_begun() const { return parser_.message_begun(); }
  // Once the connection has failed: whether the upstream is known not to have taken a byte of the
  // request.
  [[nodiscard]] bool has_refused_request() { return stream_->has_refused_since(sent_before_); }
  [[nodiscard]] size_t queued_bytes() const { return stream_->queued_bytes(); }
  [[nodiscard]] http::Framing framing() const { return parser_.framing(); }
  [[nodiscard]] std::optional<uint64_t> content_length() const { return parser_.content_length(); }

  void send_head(const http::Head& head, http::Framing framing) override;
  void send_body(base::Bytes bytes) override;
  void send_end(const std::vector<http::Field>& trailers) override;
  net::Flow flush() override;
  void start_tunnel() override;
  void reset() override;
  void pause(Pause reason) override;
  void resume(Pause reason) override;

 private:
  enum class State : uint8_t { dialing, idle, active, closed };

  void on_connected() override;
  void on_read(base::Bytes bytes) override;
  void on_read_end(net::ReadEnd end) override;
  void on_drained() override;
  void on_write_error(base::Error error) override;
  void on_error(base::Error error) override;

  void parse(base::Bytes input);
  void message_ended(bool input_left);
  void fail(base::Error error);

  net::Loop& loop_;
  UpstreamPool& pool_;
  std::unique_ptr<net::ByteStream> stream_;
  http::H1Parser parser_;
  H1Output output_;
  Exchange* exchange_ = nullptr;
  http::Head* head_ = nullptr;
  base::Arena* arena_ = nullptr;
  std::string_view request_method_;
  net::Deadline idle_deadline_;
  uint64_t sent_before_ = 0;  // the stream's sent_bytes() when the exchange came
  uint32_t served_ = 0;
  State state_ = State::dialing;
  uint8_t paused_ = 0;            // Pause reasons
  bool response_ended_ = false;   // and nothing came behind it
  bool write_failed_ = false;     // part of the request did not go out
  bool shutdown_wanted_ = false;  // half-close once what is held has left
};

}  // namespace proxy
