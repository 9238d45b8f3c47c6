#pragma once

// Messages from any thread to a loop's thread.

#include <functional>
#include <mutex>
#include <vector>

#include "net/handle.h"
#include "net/uv_loop.h"

namespace net {

// Resource, one per worker. Made, closed and destroyed on the loop's thread (or before the loop
// runs); must outlive everybody who posts. Keeps the loop running until closed, but
// where it is told not to. Once closed it may be destroyed on any thread.
class Mailbox {
 public:
  using Message = std::function<void()>;

  explicit Mailbox(UvLoop& loop);
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;
  Mailbox(Mailbox&&) = delete;
  Mailbox& operator=(Mailbox&&) = delete;

  // Any thread. `message` is called on the loop's thread, in the order of posting. False, and the
  // message is dropped, once the box is closed.
  bool post(Message message);

  // Whether the loop goes on for this box alone; true at first. The loop's thread.
  void set_keeps_running(bool keeps);

  // The loop's thread. Messages not yet called are dropped. Idempotent.
  void close();

 private:
  void drain();

  Handle<uv_async_t> async_;
  std::mutex mutex_;
  std::vector<Message> messages_;  // guarded by mutex_
  bool closed_ = false;            // guarded by mutex_
};

}  // namespace net
