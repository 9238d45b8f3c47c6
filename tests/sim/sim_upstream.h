#pragma once

// An upstream's end of one connection: checks each request and answers it as chance will have it.

#include <cstdint>
#include <memory>
#include <string>

#include "base/arena.h"
#include "http/h1_parser.h"
#include "http/head.h"
#include "net/byte_stream.h"
#include "net/deadline.h"
#include "sim/ledger.h"
#include "sim/proxy_end.h"
#include "sim/sender.h"

namespace sim {

class World;

// Resource, owned by its world to the end of the schedule.
class SimUpstream final : private net::ByteStreamListener, private SenderListener {
 public:
  SimUpstream(World& world, std::unique_ptr<test::MemoryStream> stream, DialedOrigin origin);
  ~SimUpstream();

 private:
  // When the answer begins.
  enum class When : uint8_t { head, body, end };
  enum class Nonsense : uint8_t { none, no_http, junk_behind, many_interims, broken_chunk };

  // What it does with one request.
  struct Script {
    When when = When::end;
    uint16_t status = 200;
    BodyKind body = BodyKind::length;
    bool until_close = false;
    bool close = false;
    bool stops_reading = false;
    bool trailers = false;
    uint32_t interims = 0;
    Break breaks = Break::none;  // within the answer
    Break drops = Break::none;   // without one: at `when`, head or body
    Nonsense nonsense = Nonsense::none;
    std::string location;
  };

  void on_connected() override {}
  void on_read(base::Bytes bytes) override;
  void on_read_end(net::ReadEnd end) override;
  void on_drained() override { sender_.on_drained(); }
  void on_write_error(base::Error error) override;
  void on_error(base::Error error) override;
  void on_all_sent() override;
  void on_break(Break how) override;

  [[nodiscard]] Attempt& attempt() { return request_->attempts[attempt_ - 1]; }
  void read_message(base::Bytes input);
  void on_head();
  void check_head();
  void on_body(base::Bytes bytes);
  void on_end();
  void read_tunnel(base::Bytes bytes);
  void draw_script();
  void draw_faults();
  void draw_redirect();
  void answer();
  void append_answer(std::string& wire);
  void append_interims(std::string& wire);
  void response_done();
  void close_when_sent();
  void close();

  World& world_;
  std::unique_ptr<test::MemoryStream> stream_;
  Sender sender_;
  DialedOrigin origin_;
  http::H1Parser parser_;
  http::Head head_;
  base::Arena arena_;
  net::Deadline pause_;
  net::Deadline answer_later_;
  net::Deadline idle_;
  Script script_;
  Request* request_ = nullptr;  // the one being served
  uint32_t attempt_ = 0;
  uint64_t body_received_ = 0;
  bool in_message_ = false;
  bool answering_ = false;  // its answer has begun
  bool in_tunnel_ = false;
  bool read_ended_ = false;
  bool final_ = false;  // said that it would take no further request
  bool done_ = false;
};

}  // namespace sim
