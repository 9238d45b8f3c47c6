#pragma once

// The door to c-ares: questions to the name servers of resolv.conf, none of which holds up another.

#include <cstdint>
#include <functional>
#include <memory>
#include <poll.h>
#include <string>
#include <vector>

#include "net/address.h"

namespace net {

// Resource. One thread, which polls: what() and process() stand around its poll(2).
class NameChannel {
 public:
  // How long a name server has for its first answer; twice as long for the second.
  static constexpr int server_timeout_ms = 1'000;
  static constexpr int tries = 2;  // of each server

  // What one family's lookup brought. `error`: a uv code; `servers_silent`: how often a server did
  // not answer in time.
  struct Found {
    std::vector<Address> addresses = {};  // port 0, sorted as RFC 6724 has it
    int error = 0;
    uint32_t ttl_s = UINT32_MAX;
    int servers_silent = 0;
  };
  using Done = std::function<void(const Found& found)>;

  // Reads resolv.conf, nsswitch.conf and their like as they are now.
  NameChannel();
  ~NameChannel();  // whoever still waits hears nothing
  NameChannel(const NameChannel&) = delete;
  NameChannel& operator=(const NameChannel&) = delete;
  NameChannel(NameChannel&&) = delete;
  NameChannel& operator=(NameChannel&&) = delete;

  // Asks for `host`'s addresses of `family` (AF_INET or AF_INET6). `done` may be called within this
  // call: the hosts file needs no server.
  void look_up(const std::string& host, int family, Done done);
  // Lookups under way.
  [[nodiscard]] size_t waiting() const { return waiting_; }

  // Adds its sockets to `polled`; returns after how long process() is wanted at the latest, -1 for
  // never.
  [[nodiscard]] int prepare(std::vector<pollfd>& polled);
  // Handles what poll(2) said of `polled`, and what has timed out.
  void process(const std::vector<pollfd>& polled);

  // While nothing waits: the name server asked first becomes the last. For one that is silent.
  void rotate_servers();

 private:
  struct State;
  struct Lookup;
  std::unique_ptr<State> state_;
  size_t waiting_ = 0;
};

}  // namespace net
