#pragma once

// A blocking byte connection of a test, each wait bounded: plain here, TLS in tls_wire.h.

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "support/sync.h"

namespace test {

// Nothing that arrives at `socket` is acknowledged from now on, as if this machine were gone.
void vanish(int socket);

// A connected socket (non-blocking underneath). One thread uses it, but for abort().
class Socket {
 public:
  explicit Socket(int fd);  // owns fd
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  Socket(Socket&&) = delete;
  Socket& operator=(Socket&&) = delete;

  // Never wait: bytes moved, 0 at the end of input, -1 when nothing can be moved now. Throw Reset.
  [[nodiscard]] ssize_t try_read(std::span<char> into);
  [[nodiscard]] ssize_t try_write(std::string_view bytes);
  // Whether it became so in time.
  [[nodiscard]] bool wait_readable(std::chrono::milliseconds timeout) const;
  [[nodiscard]] bool wait_writable(std::chrono::milliseconds timeout) const;

  // Gives the descriptor away; only the destructor may follow.
  [[nodiscard]] int release();
  void shutdown_write();
  void close();
  void close_with_reset();  // RST at once
  void vanish();
  // From any thread: ends both directions, so that whoever waits wakes up.
  void abort();

 private:
  mutable std::mutex mutex_;  // guards the life of fd_ against abort()
  int fd_;
};

// What a scripted connection talks through.
class Wire {
 public:
  Wire() = default;
  virtual ~Wire() = default;
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  Wire(Wire&&) = delete;
  Wire& operator=(Wire&&) = delete;

  // At least one byte, or 0 at the end of input. Throws TimedOut, Reset.
  virtual size_t read_some(std::span<char> into, std::chrono::milliseconds timeout) = 0;
  // At least one byte, or 0 when none was taken in time. Throws Reset.
  virtual size_t write_some(std::string_view bytes, std::chrono::milliseconds timeout) = 0;
  virtual void shutdown_write() = 0;  // TLS: close_notify first
  virtual void close() = 0;           // TLS: close_notify first
  virtual void drop() = 0;            // TLS: FIN without close_notify; else as close()
  virtual void alert() { drop(); }    // TLS server: a fatal alert, then FIN; else as drop()
  virtual void reset() = 0;           // RST
  virtual void vanish() = 0;          // as vanish(socket)
  virtual void abort() = 0;           // as Socket::abort()
};

[[nodiscard]] std::unique_ptr<Wire> plain_wire(std::unique_ptr<Socket> socket);

struct ConnectOptions {
  int receive_buffer = 0;  // bytes, before connecting; 0: the system's own
  std::chrono::milliseconds timeout = patience;
};

// Throws Reset when refused, TimedOut.
[[nodiscard]] std::unique_ptr<Socket> connect_tcp(const std::string& host,
                                                  uint16_t port,
                                                  const ConnectOptions& options = {});
[[nodiscard]] std::unique_ptr<Socket> connect_unix(const std::string& path);

// A listening TCP socket; or a unix one, where the host is "unix:/path".
class ListeningSocket {
 public:
  explicit ListeningSocket(const std::string& host = "127.0.0.1",
                           int backlog = 512,
                           uint16_t port = 0);
  ~ListeningSocket();
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;
  ListeningSocket(ListeningSocket&&) = delete;
  ListeningSocket& operator=(ListeningSocket&&) = delete;

  [[nodiscard]] uint16_t port() const { return port_; }
  // The next connection, or nothing once stop() was called.
  [[nodiscard]] std::unique_ptr<Socket> accept();
  void stop();   // any thread
  void close();  // connections are refused from now on; not while accept() runs

 private:
  int fd_;
  int wake_;
  uint16_t port_ = 0;
};

}  // namespace test
