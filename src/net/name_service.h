#pragma once

// Names to addresses for the whole process: one thread asks the name servers, for all workers at
// once. One name's silence holds up no other, and what one worker learns serves all.

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "net/fd.h"
#include "net/name_channel.h"
#include "net/name_source.h"

namespace net {

// How long answers serve.
struct NameTimes {
  uint64_t fresh_ms_min = 5'000;   // also where the answer's TTL is shorter
  uint64_t fresh_ms_max = 60'000;  // and where it is longer
  uint64_t failure_ms = 1'000;     // a failure is not asked about again
  // Where one family has answered, the other has so long: its server may be silent about it.
  uint64_t other_family_ms = 250;
};

// Resource, one per process; outlives whoever asks. Its thread begins with the first question.
class NameService final : public NameSource {
 public:
  explicit NameService(const NameTimes& times = {});
  ~NameService();  // whoever still waits hears nothing
  NameService(const NameService&) = delete;
  NameService& operator=(const NameService&) = delete;
  NameService(NameService&&) = delete;
  NameService& operator=(NameService&&) = delete;

  // `done` is called on the service's thread.
  void ask(const std::string& host, Done done) override;

  // The same, waiting for the answer.
  [[nodiscard]] NameAnswer ask_and_wait(const std::string& host);

 private:
  static constexpr size_t names_max = 1'024;

  struct Question {
    std::string host;
    Done done;
  };
  struct Name;
  struct Channel;

  void run();
  void take(Question question);
  void start(const std::string& host, Name& name);
  void on_found(const std::string& host, int family, const NameChannel::Found& found);
  void finish(const std::string& host, Name& name);
  void log_outcome(const std::string& host, Name& name, const NameAnswer& answer);
  void look_at_configuration();
  [[nodiscard]] NameAnswer merge(const std::string& host, const Name& name) const;
  [[nodiscard]] int poll_timeout_ms(std::vector<pollfd>& polled);
  void finish_overdue();
  void forget_one();

  NameTimes times_;
  Fd wake_;
  std::mutex mutex_;  // guards the next two and the start of the thread
  std::vector<Question> questions_;
  bool stopping_ = false;
  std::thread thread_;

  // The thread's.
  std::vector<std::unique_ptr<Channel>> channels_;  // the last is the current one
  std::map<std::string, Name, std::less<>> names_;
};

// Whether `addresses` begin with a family that this machine has a way to; with the other family's
// first otherwise. Asks the kernel; sends nothing.
void put_reachable_family_first(std::vector<Address>& addresses);

}  // namespace net
