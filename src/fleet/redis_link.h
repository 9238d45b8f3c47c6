#pragma once

// A worker's connection to Redis: connecting, the login, the scripts, commands on their way
// (pipelined: those of one turn leave in one write), and doing it all again when it is lost.

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "config/config.h"
#include "fleet/notices.h"
#include "fleet/redis_command.h"
#include "fleet/redis_reply.h"
#include "fleet/scripts.h"
#include "net/byte_stream.h"
#include "net/deadline.h"
#include "net/resolver.h"
#include "net/uv_loop.h"

namespace fleet {

// Resource. One thread, its loop's.
class RedisLink final : private net::ByteStreamListener {
 public:
  // Hears what becomes of commands; calls come from the loop only.
  class Listener {
   public:
    // Commands may be sent from now on: for the first time, again, or after a silence.
    virtual void on_link_ready() = 0;
    // To the commands sent, in their order.
    virtual void on_link_reply(const RedisReply& reply) = 0;
    // What is not answered yet will not be.
    virtual void on_link_lost() = 0;

   protected:
    ~Listener() = default;
  };

  // Connects. All references outlive it.
  RedisLink(net::UvLoop& loop,
            net::Resolver& resolver,
            const config::Redis& redis,
            Notices& notices,
            Listener& listener);
  virtual ~RedisLink();
  RedisLink(const RedisLink&) = delete;
  RedisLink& operator=(const RedisLink&) = delete;
  RedisLink(RedisLink&&) = delete;
  RedisLink& operator=(RedisLink&&) = delete;

  [[nodiscard]] bool is_ready() const { return state_ == State::ready; }
  // Not ready, but there is no reason yet to think that it will not be at once.
  [[nodiscard]] bool is_hopeful() const { return is_hopeful_ && state_ != State::ready; }
  // Only while it is ready.
  void send(const RedisCommand& command);
  // The digest that Redis knows the script by, once it is ready.
  [[nodiscard]] std::string_view digest(Script script) const {
    return digests_.at(static_cast<size_t>(script));
  }

  // An answer did not come in time: nothing is sent until something is heard.
  void doubt();
  // A script did its work.
  void praise();
  // Says that it does not serve: why it did not last, or now.
  void complain() { notices_.lost(place_, why_lost_, loop_.now_ms()); }
  void complain(std::string why);
  // Gives the connection up, having said why; another is made after a while.
  void give_up(std::string why);
  // For good: what was sent is still delivered.
  void close();

 private:
  enum class State : uint8_t {
    waiting,     // before it is tried again
    connecting,  // or the login and the scripts are on their way
    ready,
    silent,  // answers are overdue
    closing,
    closed,
  };

  void on_connected() override;
  void on_read(base::Bytes bytes) override;
  void on_read_end(net::ReadEnd end) override;
  void on_drained() override {}
  void on_write_error(base::Error error) override;
  void on_error(base::Error error) override;

  void connect();
  void greet();
  void on_greeting(const RedisReply& reply);
  void on_reply(const RedisReply& reply);
  void become_ready();
  void lose(std::string why);
  void on_deadline();
  void flush();

  net::UvLoop& loop_;
  net::Resolver& resolver_;
  const config::RedisUrl url_;
  const std::string place_;
  const uint64_t timeout_ms_;
  Notices& notices_;
  Listener& listener_;
  std::unique_ptr<net::ByteStream> stream_;
  RedisReader reader_;
  std::string output_;
  net::Deferred flush_;
  net::Deadline deadline_;  // of the state
  State state_ = State::closed;
  bool is_hopeful_ = true;
  uint64_t connections_ = 0;  // made so far
  uint64_t ready_since_ms_ = 0;
  bool has_worked_ = false;  // a script did, over this connection
  uint64_t again_ms_;        // how long to wait when it fails next
  size_t greetings_due_ = 0;
  size_t logins_due_ = 0;  // of them
  std::array<std::string, scripts> digests_;
  std::string why_lost_ = "has not answered yet";
};

}  // namespace fleet
