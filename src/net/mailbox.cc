#include "net/mailbox.h"

#include <utility>

#include "base/check.h"

namespace net {

Mailbox::Mailbox(UvLoop& loop) : async_(this) {
  CHECK(uv_async_init(loop.uv(), async_.get(), [](uv_async_t* async) {
          if (auto* box = Handle<uv_async_t>::owner_of<Mailbox>(async)) box->drain();
        }) == 0);
}

Mailbox::~Mailbox() {
  close();
}

bool Mailbox::post(Message message) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  messages_.push_back(std::move(message));
  // Under the lock: the handle may not be closed in between.
  if (messages_.size() == 1) uv_async_send(async_.get());
  return true;
}

void Mailbox::set_keeps_running(bool keeps) {
  if (!async_.is_open()) return;
  auto* handle = reinterpret_cast<uv_handle_t*>(async_.get());
  keeps ? uv_ref(handle) : uv_unref(handle);
}

void Mailbox::close() {
  std::vector<Message> dropped;
  const std::lock_guard lock(mutex_);
  closed_ = true;
  dropped.swap(messages_);
  async_.close();
}

void Mailbox::drain() {
  // Several posts make one wake-up, so the whole box is emptied. Swapped out first:
  // messages may post.
  std::vector<Message> messages;
  {
    const std::lock_guard lock(mutex_);
    messages.swap(messages_);
  }
  for (const Message& message : messages) {
    if (!async_.is_open()) return;
    message();
  }
}

}  // namespace net
