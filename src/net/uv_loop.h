#pragma once

// The Loop of production: libuv polls, deadlines ride on one uv_timer set to the next of them, so
// that an idle worker does not wake.

#include <cstdint>
#include <memory>

#include <uv.h>

#include "net/loop.h"

namespace net {

// Resource, one per worker; outlives everything on it. All calls on the thread that runs it (it may
// be made on another one before).
class UvLoop final : public Loop {
 public:
  UvLoop();
  // Everything on it must be closed by now (CHECK); waits for close callbacks and offloaded work.
  ~UvLoop() override;
  UvLoop(const UvLoop&) = delete;
  UvLoop& operator=(const UvLoop&) = delete;
  UvLoop(UvLoop&&) = delete;
  UvLoop& operator=(UvLoop&&) = delete;

  // Runs until stop(), or until every handle on it is closed.
  void run();
  // One turn: waits for something to happen (or a deadline), handles it.
  void run_once();
  // run() returns at the end of this turn. From the loop's thread.
  void stop();

  [[nodiscard]] uint64_t now_ms() const override;

  // The threads are libuv's.
  void offload(std::unique_ptr<Offloaded> work) override;

  // For net/ and for owners of handles of their own (signals).
  [[nodiscard]] uv_loop_t* uv() { return &uv_; }

 private:
  enum class Running : uint8_t { no, once, on };

  void timer_needed_by(uint64_t due_ms) override;
  void on_prepare();
  void on_timer();
  void handled();
  static UvLoop& from(void* data) { return *static_cast<UvLoop*>(data); }

  mutable uv_loop_t uv_{};
  uv_timer_t timer_{};
  uv_prepare_t prepare_{};
  uv_check_t check_{};
  Running running_ = Running::no;
};

}  // namespace net
