#include "net/farewell.h"

#include <array>
#include <sys/socket.h>
#include <utility>

namespace net {
namespace {

// Of what it said: enough for a request's head and a small body.
constexpr int reads_max = 8;

void discard_input(const base::Fd& socket) {
  std::array<char, 16 * 1024> bytes;
  for (int i = 0; i < reads_max; ++i) {
    if (::recv(socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT) <= 0) return;
  }
}

}  // namespace

Farewell::Farewell(Loop& loop)
    : loop_(loop), deadline_(loop.timers(), this, [](void* self) {
        static_cast<Farewell*>(self)->on_deadline();
      }) {}

void Farewell::say(base::Fd socket, std::string_view words) {
  // A new socket's buffer is empty: the words fit.
  if (!words.empty() && ::send(socket.get(), words.data(), words.size(), MSG_NOSIGNAL) < 0) return;
  ::shutdown(socket.get(), SHUT_WR);
  if (held_.size() == held_max) close_first();
  held_.push_back({std::move(socket), loop_.now_ms() + held_ms});
  if (!deadline_.is_set()) deadline_.set(held_ms);
}

void Farewell::end() {
  deadline_.clear();
  while (!held_.empty())
    close_first();
}

void Farewell::on_deadline() {
  while (!held_.empty() && held_.front().until_ms <= loop_.now_ms())
    close_first();
  if (!held_.empty()) deadline_.set(held_.front().until_ms - loop_.now_ms());
}

void Farewell::close_first() {
  discard_input(held_.front().socket);
  held_.pop_front();
}

}  // namespace net
