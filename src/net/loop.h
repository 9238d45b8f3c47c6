#pragma once

// What a worker's code needs of its event loop, without libuv: time, deadlines, deferred death,
// scratch memory. UvLoop (uv_loop.h) drives it in production, a manual clock in tests.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/intrusive_list.h"
#include "base/memory_limit.h"
#include "base/out_queue.h"
#include "net/deadline.h"

namespace net {

// Base of what may be buried: see Loop::bury().
class Buried {
 public:
  Buried() = default;
  virtual ~Buried() = default;
  Buried(const Buried&) = delete;
  Buried& operator=(const Buried&) = delete;
  Buried(Buried&&) = delete;
  Buried& operator=(Buried&&) = delete;
};

// Work put off to the end of the turn. Derive, or hold one as a member; unlinks when destroyed.
class Deferred : public base::ListLink<Deferred> {
 public:
  using Run = void (*)(void* owner);
  Deferred(void* owner, Run run) : owner_(owner), run_(run) {}

 private:
  friend class Loop;
  void* owner_;
  Run run_;
};

// Work too long for a turn, such as a handshake's arithmetic: see Loop::offload().
class Offloaded {
 public:
  Offloaded() = default;
  virtual ~Offloaded() = default;
  Offloaded(const Offloaded&) = delete;
  Offloaded& operator=(const Offloaded&) = delete;
  Offloaded(Offloaded&&) = delete;
  Offloaded& operator=(Offloaded&&) = delete;

  // On another thread: touches nothing but what this object alone owns or any thread may use.
  virtual void run() = 0;
  // On the loop's thread, after run(); the object dies behind it.
  virtual void done() = 0;
};

// Resource, one per worker; outlives everything on it. One thread.
class Loop {
 public:
  static constexpr size_t read_scratch_bytes = 64 * 1024;
  static constexpr size_t plain_scratch_bytes = 64 * 1024;
  static constexpr size_t record_scratch_bytes = 80 * 1024;
  // A queue's block, less what TLS or chunks add to what was read.
  static constexpr size_t read_bytes_min = base::BlockPool::block_bytes - 1024;
  static constexpr size_t queues_bytes_max = 2 * 1024 * 1024;
  static constexpr size_t read_burst_bytes_min = 32 * 1024;
  static constexpr size_t read_burst_bytes_max = 1024 * 1024;

  Loop();
  virtual ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  Loop(Loop&&) = delete;
  Loop& operator=(Loop&&) = delete;

  // Monotonic milliseconds, never 0, cached once per turn: no system call.
  [[nodiscard]] virtual uint64_t now_ms() const { return now_ms_; }

  // Runs `work` once at the end of this turn (at the latest before the loop next sleeps). Nothing
  // happens if it is already waiting. Work deferred by deferred work runs in the same turn.
  void defer(Deferred& work);

  // Destroys `object` at the end of the turn. The rule: in a callback close and bury, never delete.
  // So `this` is valid to the end of every function.
  void bury(std::unique_ptr<Buried> object);

  // Has `work` run elsewhere while the loop goes on. UvLoop gives it to a small pool of threads
  // that the whole process shares; here, for drivers with one thread, it runs at the end of the
  // turn.
  virtual void offload(std::unique_ptr<Offloaded> work);

  // Three distinct areas, since one event may use all: bytes from the socket, decrypted bytes, TLS
  // records on their way out. Valid within one callback.
  [[nodiscard]] std::array<std::byte, read_scratch_bytes>& read_scratch() { return *read_; }
  [[nodiscard]] std::array<std::byte, plain_scratch_bytes>& plain_scratch() { return *plain_; }
  [[nodiscard]] std::array<std::byte, record_scratch_bytes>& record_scratch() { return *record_; }

  // From now on reads and queues are kept small while `limit` is tight, and `relief` runs at the
  // end of a turn with a read beyond it. Both outlive what is on the loop.
  void watch_memory(const base::MemoryLimit& limit, Deferred& relief);
  [[nodiscard]] bool is_memory_tight() const { return memory_ != nullptr && memory_->is_tight(); }
  // How much one of the queues on this loop may hold now: a part of what is left of the room that
  // they share, so that the more slow sides there are, the less each of them holds. And to how much
  // a full one must fall: where little is allowed, to nothing, since a block is the least it takes.
  [[nodiscard]] size_t queue_bytes_max() const;
  [[nodiscard]] size_t queue_bytes_drained() const;
  // Whether who takes the bytes of a socket is known to be fast, or may be slow.
  enum class Taker : uint8_t { fast, slow };
  // Where the next bytes of a socket go: the scratch, or a part of it where the queues' room or
  // memory is scarce. All that grows does so after a read.
  [[nodiscard]] std::span<std::byte> read_area(Taker taker);
  // How many bytes a socket hands on before others get their turn: fewer, the more of them have
  // plenty, so that a turn stays short however many stream as fast as they can.
  [[nodiscard]] size_t read_burst_bytes() const { return read_burst_bytes_; }
  // One more in this turn has plenty: it had as much as there was room for.
  void count_plenty();

  [[nodiscard]] base::BlockPool& blocks() { return blocks_; }
  [[nodiscard]] TimerWheel& timers() { return timers_; }

  // For drivers: time passes to `now_ms` (never back), due deadlines fire.
  void advance(uint64_t now_ms);
  // For drivers: runs deferred work and empties the graveyard until both are empty.
  void end_turn();
  // Whether end_turn() has something to do.
  [[nodiscard]] bool turn_pending() const;

 protected:
  friend class TimerWheel;
  // timers().advance() is needed at `due_ms`: a driver makes sure that it does not sleep longer.
  // Called when a deadline is filed before all others.
  virtual void timer_needed_by(uint64_t /*due_ms*/) {}

 private:
  void run_offloaded();
  void empty_graveyard();
  void share_turn();

  uint64_t now_ms_ = 1;
  base::BlockPool blocks_;
  TimerWheel timers_;
  base::IntrusiveList<Deferred> deferred_;
  std::vector<std::unique_ptr<Offloaded>> offloaded_;
  std::vector<std::unique_ptr<Buried>> graveyard_;
  std::vector<std::unique_ptr<Buried>> burying_;
  const base::MemoryLimit* memory_ = nullptr;
  Deferred* relief_ = nullptr;
  size_t read_burst_bytes_ = read_burst_bytes_max;
  size_t plenty_now_ = 0;     // sockets in this turn
  size_t plenty_before_ = 0;  // in those before, as far as they matter
  std::unique_ptr<std::array<std::byte, read_scratch_bytes>> read_;
  std::unique_ptr<std::array<std::byte, plain_scratch_bytes>> plain_;
  std::unique_ptr<std::array<std::byte, record_scratch_bytes>> record_;
};

}  // namespace net
