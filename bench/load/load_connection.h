#pragma once

// One connection of a load thread: it is opened, asks, reads the answer and says how that went.

#include <cstdint>
#include <memory>
#include <string>

#include "base/intrusive_list.h"
#include "bench/base/fine_timers.h"
#include "bench/load/plan.h"
#include "bench/load/recorder.h"
#include "bench/load/request.h"
#include "bench/load/response_reader.h"
#include "bench/load/sse_counter.h"
#include "net/byte_stream.h"
#include "net/deadline.h"
#include "net/resolver.h"
#include "net/uv_loop.h"
#include "tls/context.h"

namespace bench::load {

class Connection;

// Who gives a connection its work.
class ConnectionOwner {
 public:
  // open() came to an end; `error` is empty when it worked.
  virtual void on_opened(Connection& connection, const std::string& error) = 0;
  // Its request has ended, well or not: it may start() the next, from within this call.
  virtual void on_free(Connection& connection, uint64_t now_ns) = 0;

 protected:
  ~ConnectionOwner() = default;
};

// What the connections of one thread share; outlives them.
struct Environment {
  const Plan& plan;
  net::UvLoop& loop;
  net::Resolver& resolver;
  FineTimers& timers;
  tls::ClientContext* tls;  // null: plain
  Recorder& recorder;
  ConnectionOwner& owner;
};

// Value. One request to make.
struct Ask {
  const Request* request = nullptr;  // lives as long as the thread
  uint64_t due_ns = 0;               // what it is timed from; 0: the moment it is sent
  bool measured = false;
};

// Resource, owned by its thread. A closed one opens by itself when there is something to ask.
class Connection final : public base::ListLink<Connection>, private net::ByteStreamListener {
 public:
  explicit Connection(const Environment& environment);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  Connection(Connection&&) = delete;
  Connection& operator=(Connection&&) = delete;

  // Connects (with TLS where there is any), without a request; the owner hears on_opened().
  void open();
  // Sends a request, once connected. Only while free.
  void start(const Ask& ask, uint64_t now_ns);
  // on_free() comes in `delay_ns`. Only while free.
  void pause(uint64_t delay_ns);
  // Ends whatever goes on, uncounted; nothing is heard of it. Idempotent.
  void close();
  // The run has ended without an answer: a time-out where nothing came since `since_ns`, else
  // uncounted. on_free() is not called.
  void give_up(uint64_t now_ns, uint64_t since_ns);

  [[nodiscard]] bool is_busy() const { return ask_.request != nullptr; }
  // open() has not come to an end.
  [[nodiscard]] bool is_opening() const {
    return !is_busy() && (state_ == State::connecting || state_ == State::handshaking);
  }

 private:
  enum class State : uint8_t {
    closed,
    connecting,
    handshaking,
    open,  // with a request under way or without
  };

  void on_connected() override;
  void on_read(base::Bytes bytes) override;
  void on_read_end(net::ReadEnd end) override;
  void on_drained() override;
  void on_write_error(base::Error error) override;
  void on_error(base::Error error) override;

  void connect(uint64_t now_ns);
  void start_tls(uint64_t now_ns);
  void opened(uint64_t now_ns);
  void send(uint64_t now_ns);
  void send_more(uint64_t now_ns);
  bool read_response(base::Bytes& bytes, uint64_t now_ns);
  void on_head();
  void on_events(uint32_t events, uint64_t now_ns);
  void complete(uint64_t now_ns);
  void fail(Failure failure, uint64_t now_ns);
  void fail_open(base::Error error, uint64_t now_ns);
  void on_timeout();
  void set_free(uint64_t now_ns);
  void drop_stream();

  const Environment& environment_;
  std::unique_ptr<net::ByteStream> stream_;
  net::Deadline timeout_;
  FineTimer pause_;
  Ask ask_;
  ResponseReader reader_;
  SseCounter sse_;
  uint64_t step_ns_ = 0;        // when connecting or the handshake began
  uint64_t start_ns_ = 0;       // what the request is timed from
  uint64_t first_byte_ns_ = 0;  // 0: none yet
  uint64_t last_read_ns_ = 0;   // or sending, where nothing was read yet
  uint64_t last_event_ns_ = 0;  // 0: none yet
  uint64_t filler_left_ = 0;    // of the request's body
  State state_ = State::closed;
  bool back_left_ = false;  // the request's end is still to be sent
};

}  // namespace bench::load
