#pragma once

// The HTTP/1 server half: one client's connection, its requests one after the other.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/clients.h"
#include "http/h1_parser.h"
#include "net/address.h"
#include "net/byte_stream.h"
#include "net/deadline.h"
#include "net/loop.h"
#include "policy/pace.h"
#include "stream/h1_output.h"
#include "stream/http_stream.h"

namespace client {

// Resource, see ClientSession. Its requests come one after the other, so it is itself the stream of
// each of them.
class H1Client final : public ClientSession,
                       public stream::ClientStream,
                       private net::ByteStreamListener {
 public:
  // Takes over an accepted stream that is ready for bytes, or will be after its handshake.
  static void start(Clients& clients,
                    std::unique_ptr<net::ByteStream> stream,
                    const net::Address& client,
                    const proxy::Entrance& entrance);
  ~H1Client() override;
  H1Client(const H1Client&) = delete;
  H1Client& operator=(const H1Client&) = delete;
  H1Client(H1Client&&) = delete;
  H1Client& operator=(H1Client&&) = delete;

  void drain() override;
  void cut() override { client_left(observe::Outcome::cut); }
  [[nodiscard]] size_t held_bytes() const override;

  [[nodiscard]] stream::UpstreamStreams* bound_streams() override { return &bound_; }
  void on_exchange_finished() override;
  void send_head(const http::Head& head, stream::Body body) override;
  void send_body(base::Bytes bytes) override;
  void send_end(const std::vector<http::Field>& trailers) override;
  net::Flow flush() override;
  void start_tunnel() override;
  void reset() override;
  void pause(stream::Pause reason) override;
  void resume(stream::Pause reason) override;

 private:
  // Where it stands between requests and within.
  enum class State : uint8_t {
    idle,       // no byte of a request yet
    head,       // receiving a request head
    body,       // its exchange runs, the request is not complete
    response,   // the request is complete, the response is not
    tunnel,     // raw bytes both ways
    finished,   // the exchange is over, the end of the turn cleans up
    lingering,  // our side is shut, the client's bytes are discarded (RFC 9112 9.6)
    breaking,   // the last bytes of a response that broke off are on their way to the client
    closed,
  };

  // What follows the exchange.
  enum class After : uint8_t {
    next_request,
    linger,     // the connection ends in good order
    break_off,  // it ends, and shows that the response is not whole
    cut,        // it has been closed under the response
  };

  static constexpr uint64_t drain_grace_ms = 500;
  static constexpr uint64_t log_tls_interval_ms = 60'000;
  static constexpr uint64_t linger_silence_ms = 2'000;
  static constexpr uint64_t linger_ms_max = 10'000;
  static constexpr uint64_t delivery_look_ms = 20;

  H1Client(Clients& clients,
           std::unique_ptr<net::ByteStream> stream,
           const net::Address& client,
           const proxy::Entrance& entrance);

  void on_connected() override;
  void on_read(base::Bytes bytes) override;
  void on_read_end(net::ReadEnd end) override;
  void on_drained() override;
  void on_write_error(base::Error error) override;
  void on_error(base::Error error) override;

  void parse(base::Bytes input);
  void parse_messages(base::Bytes& input);
  void await_more();
  [[nodiscard]] bool speaks_tls_in_vain(base::Bytes bytes) const;
  void refuse_tls();
  void begin_request();
  void follow(const config::Config& config);
  void on_head(base::Bytes& input);
  void discard_body(base::Bytes& input);
  void keep_leftover(base::Bytes input);
  void next_request();
  void take_early_tunnel_bytes();
  void on_deadline();
  void on_write_deadline();
  void forget_pauses();
  void await_body();
  [[nodiscard]] bool body_too_slow();
  void watch_writing();
  void client_left(observe::Outcome outcome = observe::Outcome::client_left);
  [[nodiscard]] bool knows_http_1_1() const;
  [[nodiscard]] bool must_refuse_head() const;
  void linger();
  void break_off();
  void await_delivery();
  void close();
  [[nodiscard]] bool still_sending() const;
  [[nodiscard]] bool closes_after_response() const;
  [[nodiscard]] const config::Config& config() const;
  [[nodiscard]] const config::Timeouts& timeouts() const;

  Clients& clients_;
  proxy::Environment& environment_;
  std::unique_ptr<net::ByteStream> stream_;
  http::H1Parser parser_;
  stream::H1Output output_;
  ExchangePool::Pointer exchange_;
  stream::UpstreamStreams bound_;
  std::vector<std::byte> leftover_;  // read beyond the current request
  std::string address_;              // the client's, for the log
  net::Deadline deadline_;           // of what it has to send
  net::Deadline write_deadline_;     // of its reading; set while bytes wait for it
  net::Deferred next_request_;
  uint64_t sent_ms_ = 0;  // when the last response had been handed to the stream
  policy::SendingPace body_pace_;
  policy::ReadingPace reading_pace_;
  size_t unconfirmed_ = 0;  // of a response that broke off, when the client last confirmed some
  uint32_t requests_ = 0;   // begun
  State state_ = State::idle;
  stream::Pauses pauses_;
  bool write_blocked_ = false;  // the client does not read as fast as we send
  bool input_ended_ = false;    // the client has shut its side
  bool body_is_here_ = false;   // within on_head(): and so is its whole body
  After after_ = After::next_request;
};

}  // namespace client
