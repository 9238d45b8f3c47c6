#pragma once

// One name server, asked through c-ares: sockets, TCP for what is too long for UDP, repeats and the
// wire format are that library's. The only door to it.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/address.h"
#include "net/deadline.h"
#include "net/handle.h"
#include "net/uv_loop.h"

struct ares_channeldata;
struct ares_addrinfo;

namespace net {

// What became of a question for a name's addresses of one family.
struct NameReply {
  enum class Kind : uint8_t {
    found,
    none,    // the name does not exist, or has no such address
    failed,  // no useful answer: another server may know
  };
  Kind kind = Kind::failed;
  bool is_silent = false;  // failed for want of any answer
  std::vector<Address> addresses;
  uint64_t ttl_s = 0;
};

// Resource, owned with its like by a NameServers. One thread, its loop's.
class NameServer {
 public:
  NameServer(UvLoop& loop, const Address& address);
  ~NameServer();  // questions still running are not answered
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;
  NameServer(NameServer&&) = delete;
  NameServer& operator=(NameServer&&) = delete;

  [[nodiscard]] const Address& address() const { return address_; }

  // It answered, or kept silent: for a while others are asked before it then.
  void mark_answered() { avoided_until_ms_ = 0; }
  void mark_silent();
  [[nodiscard]] bool is_avoided() const { return loop_.now_ms() < avoided_until_ms_; }

  // Who asked one question, and hears of it. Destroying it cancels.
  class Question {
   public:
    // Called once, from the loop or from within ask().
    using Done = void (*)(void* owner, Question& question, NameReply reply);
    Question(void* owner, Done done, NameServer& server, int family)
        : owner_(owner), done_(done), server_(server), family_(family) {}
    ~Question();
    Question(const Question&) = delete;
    Question& operator=(const Question&) = delete;
    Question(Question&&) = delete;
    Question& operator=(Question&&) = delete;

    // `name` is asked for as it is.
    void ask(const std::string& name);
    [[nodiscard]] NameServer& server() const { return server_; }
    [[nodiscard]] int family() const { return family_; }
    [[nodiscard]] bool is_running() const { return pending_ != nullptr; }

   private:
    friend class NameServer;
    struct Pending {
      Question* question;
    };
    void finish(int status, const ares_addrinfo* found);

    void* owner_;
    Done done_;
    NameServer& server_;
    int family_;
    Pending* pending_ = nullptr;  // freed by the library's callback, which always comes
  };

 private:
  enum class Part : uint8_t { whole, ipv6 };
  NameServer(UvLoop& loop, const Address& address, Part part);
  void on_socket_state(int socket, bool reads, bool writes);
  void process(int readable, int writable);
  void set_timer();

  UvLoop& loop_;
  Address address_;
  ares_channeldata* channel_ = nullptr;
  std::map<int, std::unique_ptr<Handle<uv_poll_t>>> polls_;
  Deadline timer_;
  // Asks for IPv6 addresses, on connections of its own: some servers answer one question over TCP
  // and close, and the other family's would be lost with it.
  std::unique_ptr<NameServer> ipv6_;
  uint64_t avoided_until_ms_ = 0;
};

}  // namespace net
