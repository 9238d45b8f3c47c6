#pragma once

// Names to addresses for the whole process: one thread that asks, and the answers all workers
// share.

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "net/name_files.h"
#include "net/name_source.h"

namespace net {

// How long answers serve.
struct NameTimes {
  // Of a good one, whatever its TTL says: not asked more often, nor found out much later.
  uint64_t fresh_ms_min = 1'000;
  uint64_t fresh_ms_max = 60'000;
  uint64_t fresh_ms_of_files = 2'000;
  // After a failure; and after one that the last good answer serves through.
  uint64_t failure_ms = 1'000;
  uint64_t retry_ms = 5'000;
  // The last good answer goes on serving for so long while no new one is to be had.
  uint64_t stale_ms_max = 3'600'000;
  // Who waits is answered after this: with the last good answer where there is one, else with an
  // error. The lookup goes on for those who come later.
  uint64_t patience_ms = 500;
  uint64_t patience_without_ms = 4'000;
};

// Resource, one per process; outlives whoever asks. Public functions: any thread. Its thread starts
// with the first lookup; it blocks on nothing but the machine's own small files.
class NameService final : public NameSource {
 public:
  static constexpr size_t names_max = 256;

  explicit NameService(NameFiles files = {}, const NameTimes& times = {});
  ~NameService() override;  // lookups still running are forgotten
  NameService(const NameService&) = delete;
  NameService& operator=(const NameService&) = delete;
  NameService(NameService&&) = delete;
  NameService& operator=(NameService&&) = delete;

  // `done` is called on the service's thread, or never where the service ends before.
  void ask(const std::string& host, Done done) override;

  // The same, waiting for the answer.
  [[nodiscard]] NameAnswer ask_and_wait(const std::string& host);

 private:
  struct Inside;

  NameFiles files_;
  NameTimes times_;
  std::mutex mutex_;
  std::unique_ptr<Inside> inside_;  // set once, guarded by mutex_
  std::thread thread_;
};

}  // namespace net
