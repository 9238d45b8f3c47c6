#include "sim/proxy_end.h"

#include <utility>

#include "sim/world.h"

namespace sim {

ProxyEnd::ProxyEnd(World& world, std::unique_ptr<test::MemoryStream> inner)
    : world_(world),
      kind_(Kind::client),
      inner_(std::move(inner)),
      dial_now_(this, [](void*) {}),
      dial_later_(world.kernel().timers(), this, [](void*) {}) {
  world.register_end(*this);
}

ProxyEnd::ProxyEnd(World& world, DialedOrigin origin, net::ByteStreamListener& listener)
    : world_(world),
      kind_(Kind::upstream),
      origin_(std::move(origin)),
      listener_(&listener),
      dial_now_(this, [](void* self) { static_cast<ProxyEnd*>(self)->on_dial_event(); }),
      dial_later_(world.kernel().timers(), this, [](void* self) {
        static_cast<ProxyEnd*>(self)->on_dial_event();
      }) {
  world.register_end(*this);
  draw_dial();
}

ProxyEnd::~ProxyEnd() {
  if (!closed_) world_.fail("a connection of the proxy died without being closed");
}

void ProxyEnd::draw_dial() {
  using base::Code;
  Chance& chance = world_.chance();
  if (world_.plan().faults.dial_fails && chance.one_in(2)) {
    dial_error_ = {chance.pick({Code::connect, Code::dns, Code::timeout, Code::tls, Code::reset}),
                   base::Side::upstream};
  }
  const uint64_t delay_ms = chance.one_in(4) ? chance.below(5'000) : world_.draw_nap_ms();
  if (delay_ms > 0) {
    dial_later_.set(delay_ms);
  } else {
    world_.kernel().defer(dial_now_);
  }
}

void ProxyEnd::on_dial_event() {
  if (closed_) return;
  if (dial_error_.code != base::Code::closed) {
    world_.trace("dial of {} fails: {}", origin_.authority, base::code_name(dial_error_.code));
    listener_->on_error(dial_error_);
    return;
  }
  test::MemoryNetwork::Pair pair =
      world_.network().make_pair(base::Side::upstream, base::Side::none);
  inner_ = std::move(pair.first);
  inner_->set_listener(*listener_);
  world_.accept_upstream(std::move(pair.second), origin_);
  listener_->on_connected();
}

void ProxyEnd::set_listener(net::ByteStreamListener& listener) {
  listener_ = &listener;
  if (inner_) inner_->set_listener(listener);
}

net::Flow ProxyEnd::write(std::span<const base::Bytes> pieces) {
  if (!inner_) world_.fail("write() on a connection that is still being dialled");
  const net::Flow flow = inner_->write(pieces);
  // The mark, one read event and its chunk framing; and upstream, what was gathered while nobody
  // took it: a body before its connection, bytes behind an Upgrade.
  size_t bound = queue_bytes_high + net::Loop::read_scratch_bytes + 16 * 1024;
  if (kind_ == Kind::upstream) bound += world_.replay_bytes_max() + net::Loop::read_scratch_bytes;
  if (inner_->queued_bytes() > bound) {
    world_.fail("{} bytes wait for a {}",
                inner_->queued_bytes(),
                kind_ == Kind::client ? "client" : "upstream");
  }
  return flow;
}

void ProxyEnd::set_reading(bool reading) {
  if (inner_) inner_->set_reading(reading);
}

void ProxyEnd::shutdown_write() {
  if (inner_) inner_->shutdown_write();
}

// Whether it was open.
bool ProxyEnd::end() {
  if (std::exchange(closed_, true)) return false;
  dial_now_.unlink();
  dial_later_.clear();
  return inner_ != nullptr;
}

void ProxyEnd::close() {
  if (end()) inner_->close();
}

void ProxyEnd::abort() {
  if (end()) inner_->abort();
}

}  // namespace sim
