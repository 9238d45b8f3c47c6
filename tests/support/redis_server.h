#pragma once

// A real Redis, or Valkey, of a test's own.

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "support/files.h"

namespace test {

// Resource: it listens on a port of its own and keeps nothing on disk.
class RedisServer {
 public:
  // Whether there is one on this machine; says how to get it where there is none.
  [[nodiscard]] static bool is_installed();

  // `options` as on its command line: {"--requirepass", "..."}. Returns once it takes connections.
  explicit RedisServer(std::vector<std::string> options = {});
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;
  RedisServer(RedisServer&&) = delete;
  RedisServer& operator=(RedisServer&&) = delete;

  [[nodiscard]] uint16_t port() const { return port_; }
  // "redis://127.0.0.1:PORT/0"
  [[nodiscard]] std::string url() const;
  [[nodiscard]] const std::string& socket() const { return socket_; }

  // Ends it, and starts it anew on the same port, with nothing in it.
  void stop();
  void start();
  // It does nothing any more, its connections stand; and goes on.
  void freeze() const;
  void thaw() const;

  // What it answers to a command over a connection of its own, as it comes on the wire.
  [[nodiscard]] std::string ask(const std::vector<std::string>& command) const;
  // The same of a command as it stands on the wire.
  [[nodiscard]] std::string ask_raw(std::string_view command) const;
  // The number in such an answer.
  [[nodiscard]] int64_t number(const std::vector<std::string>& command) const;

 private:
  TemporaryFolder folder_;
  std::vector<std::string> options_;
  std::string socket_;
  uint16_t port_;
  pid_t pid_ = 0;
};

}  // namespace test
