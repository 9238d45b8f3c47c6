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
#include "stream/h1_output.h"
#include "stream/http_stream.h"
#include "upstream/dialer.h"

namespace upstream {

// Who owns upstream connections while nobody uses them, and hears of them then.
class UpstreamOwner {
 public:
  virtual void on_dialed(stream::UpstreamStream& stream) = 0;
  virtual void on_dial_failed(stream::UpstreamStream& stream, base::Error error) = 0;
  virtual void on_idle_ended(stream::UpstreamStream& stream) = 0;
  // What is behind the `error` of a stream of its that has `said` all that, or nothing, instead of
  // a first response; for the log too.
  [[nodiscard]] virtual base::Error explain(base::Error error, base::Bytes said) = 0;

 protected:
  ~UpstreamOwner() = default;
};

// Resource, see UpstreamStream. One thread.
class H1Upstream final : public stream::UpstreamStream, private net::ByteStreamListener {
 public:
  // `owner` and `name`, the upstream's for the log, outlive it.
  H1Upstream(net::Loop& loop,
             const http::H1Limits& limits,
             UpstreamOwner& owner,
             std::string_view name);
  ~H1Upstream() override;
  H1Upstream(const H1Upstream&) = delete;
  H1Upstream& operator=(const H1Upstream&) = delete;
  H1Upstream(H1Upstream&&) = delete;
  H1Upstream& operator=(H1Upstream&&) = delete;

  // Starts connecting. The owner hears of the outcome.
  void start(Dialer& dialer);

  void attach(const Service& service) override;
  [[nodiscard]] bool detach() override;
  [[nodiscard]] stream::UpstreamFacts facts() const override;
  [[nodiscard]] bool has_served() const override { return served_ > 0; }
  [[nodiscard]] bool has_refused_request() override {
    return stream_->has_refused_since(sent_before_);
  }
  [[nodiscard]] size_t queued_bytes() const override { return stream_->queued_bytes(); }
  [[nodiscard]] const net::Address& peer() const override { return stream_->peer(); }
  void end_waiting() override { owner_.on_idle_ended(*this); }
  void become_idle(uint64_t timeout_ms) override;
  void close() override;

  void send_head(const http::Head& head, stream::Body body) override;
  void send_body(base::Bytes bytes) override;
  void send_end(const std::vector<http::Field>& trailers) override;
  net::Flow flush() override;
  void start_tunnel() override;
  void reset() override;
  void pause(stream::Pause reason) override;
  void resume(stream::Pause reason) override;

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
  void fail(base::Error error, base::Bytes said = {});
  [[nodiscard]] bool in_tunnel() const;

  UpstreamOwner& owner_;
  std::string_view name_;
  std::unique_ptr<net::ByteStream> stream_;
  http::H1Parser parser_;
  stream::H1Output output_;
  stream::ResponseListener* listener_ = nullptr;
  http::Head* head_ = nullptr;
  base::Arena* arena_ = nullptr;
  std::string_view request_method_;
  net::Deadline idle_deadline_;
  uint64_t sent_before_ = 0;  // the stream's sent_bytes() when the listener came
  uint32_t served_ = 0;
  State state_ = State::dialing;
  stream::Pauses pauses_;
  bool has_spoken_ = false;      // something has been read
  bool response_ended_ = false;  // and nothing came behind it
  bool interim_closes_ = false;  // an interim response said what leaves room for doubt
  bool write_failed_ = false;    // part of the request did not go out
};

}  // namespace upstream
