#pragma once

// The sending half of an actor: its bytes go out in pieces of any size, with naps between them, and
// may break off anywhere.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/deadline.h"
#include "net/loop.h"
#include "support/memory_stream.h"

namespace sim {

class World;

// How an actor breaks off.
enum class Break : uint8_t {
  none,
  close,       // both halves: FIN, or RST where something is unread
  cut,         // RST, and what is under way is lost
  half_close,  // FIN
  stall,       // never another byte
};

// Each call is the last thing the sender does in its event.
class SenderListener {
 public:
  virtual void on_all_sent() = 0;
  // The place given to break_at() is reached; nothing more is sent.
  virtual void on_break(Break how) = 0;

 protected:
  ~SenderListener() = default;
};

// Resource, a member of its actor.
class Sender {
 public:
  Sender(World& world, test::MemoryStream& stream, SenderListener& listener);

  void add(std::string_view bytes);
  // What is added from here on waits for release().
  void hold() { held_at_ = wire_.size(); }
  void release();
  // Breaks off when `offset` bytes of all ever added are sent.
  void break_at(size_t offset, Break how);
  void stop() { stopped_ = true; }
  void on_drained();

  [[nodiscard]] size_t added() const { return wire_.size(); }
  [[nodiscard]] size_t sent() const { return sent_; }
  [[nodiscard]] bool stopped() const { return stopped_; }
  [[nodiscard]] bool all_sent() const { return sent_ == wire_.size(); }

 private:
  static constexpr size_t nowhere = SIZE_MAX;

  void step();
  void schedule();

  World& world_;
  test::MemoryStream& stream_;
  SenderListener& listener_;
  net::Deferred step_;
  net::Deadline nap_;
  std::string wire_;
  size_t sent_ = 0;
  size_t piece_max_;
  size_t held_at_ = nowhere;
  size_t break_at_ = nowhere;
  Break break_ = Break::none;
  bool full_ = false;
  bool stopped_ = false;
};

}  // namespace sim
