#pragma once

// How to turn a connection away for the price of two system calls, and so that it hears why.

#include <deque>
#include <string_view>

#include "base/fd.h"
#include "net/deadline.h"
#include "net/loop.h"

namespace net {

// Resource, one per worker. One thread.
class Farewell {
 public:
  // Descriptors it holds at most.
  static constexpr size_t held_max = 16;

  explicit Farewell(Loop& loop);

  // Sends `words` and ends the connection. Closing at once would reset it when its request is
  // under way, and the words might be lost: the socket stays for a moment, unless too many do.
  void say(base::Fd socket, std::string_view words);

  // Closes what is held.
  void end();

 private:
  static constexpr uint64_t held_ms = 500;

  struct Held {
    base::Fd socket;
    uint64_t until_ms;
  };
  void on_deadline();
  void close_first();

  Loop& loop_;
  std::deque<Held> held_;  // the longest held first
  Deadline deadline_;
};

}  // namespace net
