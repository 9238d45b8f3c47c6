#pragma once

// One lookup of one name: which full names to ask for, of which servers, and when it is decided.

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "net/deadline.h"
#include "net/loop.h"
#include "net/name_server.h"
#include "net/name_source.h"
#include "net/uv_loop.h"

namespace net {

// The servers of one resolv.conf(5), in its order.
using NameServers = std::vector<std::unique_ptr<NameServer>>;

// Resource, owned by who waits for it and buries it, at any time. One thread. IPv4 and IPv6
// addresses are asked for at once; a server that is silent or has no useful answer is followed by
// the next, and the first answer counts.
class NameLookup final : public Buried {
 public:
  // A silent server is not waited for longer before the next is asked, too.
  static constexpr uint64_t next_server_after_ms = 400;
  // Addresses of one family are not held back longer for those of the other (RFC 8305 3).
  static constexpr uint64_t other_family_after_ms = 100;
  static constexpr uint64_t lookup_ms_max = 10'000;

  class Listener {
   public:
    virtual ~Listener() = default;
    // Some addresses are there, others may follow: not whole, and more will be called.
    virtual void on_some(NameLookup& lookup, NameAnswer answer) = 0;
    // The end, once. `fresh_ms` is what the answer said, 0 for an error. UV_EAI_NONAME was
    // answered so, UV_EAI_AGAIN is for want of an answer.
    virtual void on_found(NameLookup& lookup, NameAnswer answer) = 0;
  };

  // `servers`, not empty, outlive it. `names` are tried in this order.
  NameLookup(UvLoop& loop,
             const NameServers& servers,
             std::vector<std::string> names,
             Listener& listener);
  ~NameLookup() override = default;
  NameLookup(const NameLookup&) = delete;
  NameLookup& operator=(const NameLookup&) = delete;
  NameLookup(NameLookup&&) = delete;
  NameLookup& operator=(NameLookup&&) = delete;

  // Nobody hears of it any more.
  void cancel();

 private:
  struct Family {
    int family = 0;
    bool is_decided = false;
    NameReply reply;
    size_t next_server = 0;  // of order_
    std::vector<std::unique_ptr<NameServer::Question>> questions;
  };

  void begin_name();
  void ask_next(Family& family);
  void on_reply(NameServer::Question& question, NameReply reply);
  void advance();
  void conclude();
  void ask_further_servers();
  void give_up();
  [[nodiscard]] static bool is_running(const Family& family);
  [[nodiscard]] NameAnswer answer() const;

  UvLoop& loop_;
  std::vector<NameServer*> order_;
  std::vector<std::string> names_;
  Listener& listener_;
  size_t name_ = 0;  // of names_
  std::array<Family, 2> families_;
  Deadline next_server_;
  Deadline other_family_;
  Deadline end_;
  Deferred advance_;
  bool has_asked_all_ = false;
  bool has_answer_ = false;
  bool has_failed_ = false;  // some name was not answered usefully
};

}  // namespace net
