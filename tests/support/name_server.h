#pragma once

// A name server of a test: UDP and TCP on one port of a loopback address, answering what it is
// told.

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace test {

// What it says of a name. Without addresses of the family asked for: that there are none.
struct NameRecord {
  std::vector<std::string> addresses = {};
  uint32_t ttl_s = 60;
  int code = 0;                 // RCODE: 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED
  bool is_truncated = false;    // over UDP: ask again over TCP
  bool is_silent = false;       // to all questions
  bool is_silent_ipv6 = false;  // to AAAA alone
  std::string alias = {};       // a CNAME in front of the addresses
};

// Names it does not know do not exist. Public functions: any thread.
class NameServer {
 public:
  // Port 0: the system's choice.
  explicit NameServer(const std::string& host, uint16_t port = 0);
  ~NameServer();
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;
  NameServer(NameServer&&) = delete;
  NameServer& operator=(NameServer&&) = delete;

  [[nodiscard]] uint16_t port() const { return port_; }
  void set(const std::string& name, NameRecord record);
  // Whether it answers at all; on at first.
  void set_answering(bool answering) { answering_ = answering; }
  // How many questions came for `name`, of both families.
  [[nodiscard]] int questions(const std::string& name) const;

 private:
  void serve();
  [[nodiscard]] std::string answer(const std::string& question, bool is_udp);
  void serve_udp();
  void serve_tcp();

  uint16_t port_ = 0;
  int udp_ = -1;
  int tcp_ = -1;
  std::atomic<bool> answering_{true};
  std::atomic<bool> ending_{false};
  mutable std::mutex mutex_;
  std::map<std::string, NameRecord> records_;  // guarded by mutex_, as is the next
  std::map<std::string, int> questions_;
  std::thread thread_;
};

}  // namespace test
