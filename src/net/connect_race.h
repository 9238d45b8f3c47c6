#pragma once

// Connecting by name: lookup, then the addresses raced as RFC 8305 tells ("Happy Eyeballs").

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "net/address.h"
#include "net/deadline.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net/tcp.h"
#include "net/tcp_cell.h"

namespace net {

// The order to try: families alternate, the first one's family begins (RFC 8305 4).
[[nodiscard]] std::vector<Address> interleave_families(std::span<const Address> addresses);

// Resource, owned by the connecting Tcp, which it tells of the outcome once and which buries it
// then. Destroying it gives up.
class ConnectRace final : public Buried {
 public:
  // The next address starts when this has passed (RFC 8305 8), or at once when one has failed.
  static constexpr uint64_t stagger_ms = 250;

  ConnectRace(Tcp& tcp, UvLoop& loop, Resolver& resolver, const ConnectTarget& target);
  ~ConnectRace() override = default;
  ConnectRace(const ConnectRace&) = delete;
  ConnectRace& operator=(const ConnectRace&) = delete;
  ConnectRace(ConnectRace&&) = delete;
  ConnectRace& operator=(ConnectRace&&) = delete;

 private:
  struct Attempt {
    TcpCellOwner cell;
    Address address;
  };

  void on_timeout();
  void on_addresses(std::span<const Address> addresses, int error);
  void start_next();
  bool start(const Address& address);
  void on_attempt_done(TcpCell* cell, int status);
  [[nodiscard]] bool leads_back(const TcpCell& cell, const Address& address) const;
  void fail(base::Code code, int raw);

  Tcp& tcp_;
  UvLoop& loop_;
  Resolver& resolver_;
  std::string host_;
  uint16_t port_;
  const OwnAddresses* own_;
  Resolver::Query query_;
  Deadline timeout_;
  Deadline stagger_;
  std::vector<Address> addresses_;
  size_t next_ = 0;  // of addresses_
  std::vector<Attempt> attempts_;
  int last_error_ = 0;
};

}  // namespace net
