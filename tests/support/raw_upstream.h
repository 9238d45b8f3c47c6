#pragma once

// A scripted upstream on a loopback port, plain or TLS: each accepted connection runs the script in
// a thread of its own.

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/endpoint.h"
#include "support/tls_wire.h"

namespace test {

class RawUpstream;

// Resource: one accepted connection, used by its script's thread.
class UpstreamConnection : public Endpoint {
 public:
  UpstreamConnection(std::unique_ptr<Wire> wire, RawUpstream& upstream, unsigned index)
      : Endpoint(std::move(wire)), upstream_(upstream), index_(index) {}

  // 0 for the first connection.
  [[nodiscard]] unsigned index() const { return index_; }

  // As Endpoint's, counted, and kept for RawUpstream::next_request(). The first gives a head whose
  // body is not yet read.
  [[nodiscard]] std::optional<Message> read_request_head();
  [[nodiscard]] std::optional<Message> read_request();

 private:
  RawUpstream& upstream_;
  unsigned index_;
};

// Resource. A script's failure fails the test when the upstream is destroyed, unless the script was
// cut off by that destruction.
class RawUpstream {
 public:
  using Script = std::function<void(UpstreamConnection&)>;

  struct Options {
    Options() {}  // spelled out, or it could not be a default inside this class
    std::optional<TlsServerOptions> tls;  // none: plain
    std::string host = "127.0.0.1";
    uint16_t port = 0;  // 0: the system chooses
  };

  RawUpstream(const Options& options, Script script);
  explicit RawUpstream(Script script) : RawUpstream(Options{}, std::move(script)) {}  // plain
  ~RawUpstream();
  RawUpstream(const RawUpstream&) = delete;
  RawUpstream& operator=(const RawUpstream&) = delete;
  RawUpstream(RawUpstream&&) = delete;
  RawUpstream& operator=(RawUpstream&&) = delete;

  [[nodiscard]] uint16_t port() const { return listener_->port(); }
  [[nodiscard]] std::string authority() const;  // "127.0.0.1:port"
  [[nodiscard]] std::string url() const;        // "https://127.0.0.1:port"

  // Any thread.
  [[nodiscard]] unsigned connections() const { return connections_; }  // accepted, TLS or not
  [[nodiscard]] unsigned requests() const { return requests_; }        // heads read
  [[nodiscard]] unsigned open_connections() const { return open_; }    // scripts still running
  [[nodiscard]] unsigned failed_handshakes() const { return failed_handshakes_; }
  [[nodiscard]] unsigned resumed_handshakes() const { return tls_ ? tls_->resumed() : 0; }
  [[nodiscard]] std::string last_server_name() const { return tls_->last_server_name(); }

  // Requests read by scripts, in the order they were complete.
  [[nodiscard]] Message next_request() { return seen_.pop(); }

  // Further connections are refused; those there are stay.
  void stop_listening();

 private:
  friend class UpstreamConnection;

  void accept_all();
  void run(std::unique_ptr<Socket> socket, unsigned index);
  void note_failure(const std::string& what);
  void join_all();

  Script script_;
  std::unique_ptr<TlsServer> tls_;
  std::string host_;
  std::unique_ptr<ListeningSocket> listener_;
  std::atomic<unsigned> connections_ = 0;
  std::atomic<unsigned> requests_ = 0;
  std::atomic<unsigned> open_ = 0;
  std::atomic<unsigned> failed_handshakes_ = 0;
  std::atomic<bool> stopping_ = false;
  Queue<Message> seen_;

  std::mutex mutex_;
  std::vector<std::thread> threads_;
  std::list<Endpoint*> live_;
  std::vector<std::string> failures_;
  std::thread acceptor_;
};

// A script that answers every request by `answer` until the proxy closes the connection.
[[nodiscard]] RawUpstream::Script serve(std::function<std::string(const Message&)> answer);
// The same answer always.
[[nodiscard]] RawUpstream::Script serve(std::string answer);

}  // namespace test
