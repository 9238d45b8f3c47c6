#pragma once

// A client: its requests over one connection, the answers checked byte for byte.

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/arena.h"
#include "http/h1_parser.h"
#include "http/head.h"
#include "net/byte_stream.h"
#include "net/deadline.h"
#include "sim/ledger.h"
#include "sim/sender.h"

namespace sim {

class World;

// Resource, owned by its world to the end of the schedule.
class SimClient final : private net::ByteStreamListener, private SenderListener {
 public:
  SimClient(World& world,
            std::unique_ptr<test::MemoryStream> stream,
            std::vector<Request*> requests);
  ~SimClient();

  [[nodiscard]] bool done() const { return done_; }
  // For a failure's text.
  [[nodiscard]] std::string state() const;

  // Fails the schedule where somebody who has sent a whole request, and reads, has waited for
  // longer than all of the proxy's deadlines together for the next byte of its answer or the end.
  void check_patience();

 private:
  void on_connected() override {}
  void on_read(base::Bytes bytes) override;
  void on_read_end(net::ReadEnd end) override;
  void on_drained() override { sender_.on_drained(); }
  void on_write_error(base::Error error) override;
  void on_error(base::Error error) override;
  void on_all_sent() override;
  void on_break(Break how) override;

  void send_next();
  void send_tunnel();
  void read_message(base::Bytes input);
  void read_tunnel(base::Bytes bytes);
  void on_head();
  void on_final_head(Request& request);
  void on_body(base::Bytes bytes);
  void on_end();
  [[nodiscard]] Request& front() const { return *awaited_.front().request; }
  [[nodiscard]] bool awaits_answer() const;
  void linger_on_pause();
  void draw_leaving();
  void leave(Break how);
  void forgo();
  void finish();
  void close_when_sent();
  void close();

  World& world_;
  std::unique_ptr<test::MemoryStream> stream_;
  Sender sender_;
  std::vector<Request*> requests_;
  size_t next_ = 0;
  // A request that has no whole answer yet, and where its last byte stands among all that is sent.
  struct Awaited {
    Request* request;
    size_t ends_at;
  };
  std::deque<Awaited> awaited_;
  http::H1Parser parser_;
  http::Head head_;
  base::Arena arena_;
  std::string local_body_;
  net::Deadline pause_;
  net::Deadline leave_;
  net::Deadline continue_;
  Break leave_how_ = Break::none;
  uint64_t waiting_since_ms_ = 0;  // for the next byte of an answer; 0: for none
  bool pipelines_;
  bool in_message_ = false;
  bool in_tunnel_ = false;
  bool read_ended_ = false;
  bool rest_is_nonsense_ = false;  // what the proxy now says answers no request of ours
  bool ending_ = false;            // nothing more is asked on this connection
  bool gone_ = false;
  bool done_ = false;
};

}  // namespace sim
