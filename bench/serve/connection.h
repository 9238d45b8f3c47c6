#pragma once

// One client of the upstream: requests in, responses out at their pace, and the faults they meet.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/intrusive_list.h"
#include "bench/base/fine_timers.h"
#include "bench/serve/environment.h"
#include "bench/serve/events.h"
#include "bench/serve/faults.h"
#include "bench/serve/reply.h"
#include "bench/serve/request_line.h"
#include "bench/serve/upload.h"
#include "http/h1_parser.h"
#include "net/byte_stream.h"
#include "net/loop.h"
#include "openai/request_scan.h"

namespace bench::serve {

// Resource, on its thread's loop, in its environment's list; buries itself when it has ended.
class Connection final : public net::Buried,
                         public base::ListLink<Connection>,
                         private net::ByteStreamListener {
 public:
  // Over an accepted connection, TLS or not. It lives until the client leaves or close().
  static void start(Environment& environment, std::unique_ptr<net::ByteStream> stream);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  Connection(Connection&&) = delete;
  Connection& operator=(Connection&&) = delete;

  // Cuts whatever goes on. Idempotent.
  void close();

 private:
  enum class State : uint8_t {
    request,    // a request comes, or may
    thinking,   // it has, and its answer's time has not
    block,      // sending what is left of body_
    events,     // sending events_
    stalled,    // by a fault, for ever
    lingering,  // our side is shut, the client's bytes are discarded
    closed,
  };

  // Of a request, from its head to the end of its response.
  struct Current {
    Wanted wanted;
    std::optional<BadWish> refusal;
    std::optional<PlannedFault> fault;
    openai::RequestScan scan;
    std::unique_ptr<Upload> upload;
    uint64_t chance = 0;       // for jitter
    uint64_t body_bytes = 0;   // of the request
    uint64_t received_ms = 0;  // when it was complete
    bool is_head_method = false;
    bool is_http10 = false;
  };

  static constexpr size_t leftover_bytes_max = 64 * 1024;
  static constexpr uint64_t linger_ns = 2'000'000'000;
  // What one connection may send in a turn of the loop before others have theirs.
  static constexpr unsigned events_per_turn = 32;
  static constexpr unsigned blocks_per_turn = 16;
  static constexpr unsigned pieces_max = 4;

  Connection(Environment& environment, std::unique_ptr<net::ByteStream> stream);

  void on_connected() override {}
  void on_read(base::Bytes bytes) override;
  void on_read_end(net::ReadEnd end) override;
  void on_drained() override;
  void on_write_error(base::Error error) override;
  void on_error(base::Error error) override;

  // The request.
  void parse(base::Bytes input);
  void keep_leftover(base::Bytes input);
  void on_head(const http::Head& head);
  void on_body(base::Bytes bytes);
  void on_request_end();
  void refuse_request();
  void release_memory();

  // The response.
  void respond();
  void respond_with_reply();
  void respond_with_bytes();
  void respond_with_fault(FaultKind kind);
  void respond_with_error(uint16_t status, const ErrorText& error, std::string_view fields = {});
  void respond_with_text(uint16_t status, std::string_view fields = {});
  void start_events(const openai::RequestScan& scan);
  void start_block(std::string_view type, const BlockBody& body);
  void send_block(std::span<const base::Bytes> before);
  void continue_block();
  void send_event(std::string_view head);
  void continue_events();
  [[nodiscard]] bool waits_for_gap();
  void make_head(ResponseHead head);
  [[nodiscard]] bool meets_fault_first(uint64_t body_bytes_min);
  void send(std::span<const base::Bytes> pieces);
  void meet_fault();
  void finish();
  void linger();

  void on_timer();
  void go_on();

  Environment& environment_;
  std::unique_ptr<net::ByteStream> stream_;
  http::H1Parser parser_;
  std::unique_ptr<RequestMemory> memory_;
  std::vector<std::byte> leftover_;  // read beyond the current request
  FineTimer timer_;
  Current current_;
  Reply reply_;
  EventStream events_;
  BlockBody body_;
  size_t block_place_ = 0;       // where in the block the next byte is
  uint64_t fault_in_bytes_ = 0;  // of the response, from what was sent of it
  State state_ = State::request;
  bool keep_alive_ = true;
  bool blocked_ = false;  // the client does not read as fast as we send
};

}  // namespace bench::serve
