#include "net/connect_race.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "net/address_format.h"
#include "net/own_addresses.h"

namespace net {

std::vector<Address> interleave_families(std::span<const Address> addresses) {
  std::vector<Address> first;
  std::vector<Address> other;
  for (const Address& address : addresses) {
    (address.family() == addresses.front().family() ? first : other).push_back(address);
  }
  std::vector<Address> mixed;
  mixed.reserve(addresses.size());
  for (size_t i = 0; i < std::max(first.size(), other.size()); ++i) {
    if (i < first.size()) mixed.push_back(first[i]);
    if (i < other.size()) mixed.push_back(other[i]);
  }
  return mixed;
}

ConnectRace::ConnectRace(Tcp& tcp, UvLoop& loop, Resolver& resolver, const ConnectTarget& target)
    : tcp_(tcp),
      loop_(loop),
      resolver_(resolver),
      host_(target.host),
      port_(target.port),
      own_(target.own),
      query_(this,
             [](void* self, std::span<const Address> addresses, int error) {
               static_cast<ConnectRace*>(self)->on_addresses(addresses, error);
             }),
      timeout_(
          loop.timers(), this, [](void* self) { static_cast<ConnectRace*>(self)->on_timeout(); }),
      stagger_(
          loop.timers(), this, [](void* self) { static_cast<ConnectRace*>(self)->start_next(); }) {
  timeout_.set(target.timeout_ms);
  resolver_.resolve(host_, query_);
}

void ConnectRace::on_timeout() {
  if (query_.is_linked()) {
    fail(base::Code::dns, UV_EAI_AGAIN);
  } else {
    fail(base::Code::timeout, UV_ETIMEDOUT);
  }
}

void ConnectRace::on_addresses(std::span<const Address> addresses, int error) {
  if (error != 0) {
    fail(base::Code::dns, error);
    return;
  }
  addresses_ = interleave_families(addresses);
  start_next();
}

void ConnectRace::start_next() {
  stagger_.clear();
  while (next_ < addresses_.size()) {
    if (!start(addresses_[next_++])) continue;
    if (next_ < addresses_.size()) stagger_.set(stagger_ms);
    return;
  }
  if (attempts_.empty()) fail(base::Code::connect, last_error_);
}

bool ConnectRace::start(const Address& address) {
  Attempt attempt{TcpCellOwner(new TcpCell(loop_.uv())), address};
  attempt.address.set_port(port_);
  attempt.cell->owner = this;
  attempt.cell->connect = std::make_unique<uv_connect_t>();
  last_error_ =
      uv_tcp_connect(attempt.cell->connect.get(),
                     &attempt.cell->handle,
                     attempt.address.system(),
                     [](uv_connect_t* request, int status) {
                       TcpCell& cell = TcpCell::of(request->handle);
                       if (cell.owner == nullptr) return;
                       static_cast<ConnectRace*>(cell.owner)->on_attempt_done(&cell, status);
                     });
  base::log_debug("connecting to {} for {}", attempt.address, host_);
  if (last_error_ != 0) return false;
  attempts_.push_back(std::move(attempt));
  return true;
}

void ConnectRace::on_attempt_done(TcpCell* cell, int status) {
  const auto mine = std::find_if(attempts_.begin(), attempts_.end(), [cell](const Attempt& a) {
    return a.cell.get() == cell;
  });
  CHECK(mine != attempts_.end());
  Attempt attempt = std::move(*mine);
  attempts_.erase(mine);
  if (status != 0) {
    last_error_ = status;
    base::log_debug("connecting to {} failed: {}", attempt.address, uv_strerror(status));
    attempt.cell.reset();
    start_next();
    return;
  }
  if (leads_back(*attempt.cell, attempt.address)) {
    fail(base::Code::loop, 0);
    return;
  }
  attempts_.clear();
  timeout_.clear();
  stagger_.clear();
  resolver_.prefer(host_, attempt.address);
  attempt.cell->connect.reset();
  tcp_.connected(std::move(attempt.cell), attempt.address);
}

bool ConnectRace::leads_back(const TcpCell& cell, const Address& address) const {
  uv_os_fd_t socket = -1;
  return own_ != nullptr &&
         uv_fileno(reinterpret_cast<const uv_handle_t*>(&cell.handle), &socket) == 0 &&
         own_->contain_peer_of(socket, address);
}

void ConnectRace::fail(base::Code code, int raw) {
  attempts_.clear();
  timeout_.clear();
  stagger_.clear();
  query_.unlink();
  tcp_.connect_failed(base::Error{code, base::Side::upstream, raw});
}

}  // namespace net
