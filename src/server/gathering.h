#pragma once

// Something that every worker is asked on its own thread, by one of them.

#include <functional>
#include <memory>
#include <vector>

#include "server/worker.h"

namespace server {

// Resource of the asking worker's thread. Once destroyed, it hears no more.
class Gathering {
 public:
  // `ask` runs on each worker's thread, with its index; then `on_heard` on `asker`'s. A worker that
  // has ended is not asked, and not missing either.
  Gathering(const std::vector<std::unique_ptr<Worker>>& workers,
            Worker& asker,
            std::function<void(size_t worker)> ask,
            std::function<void()> on_heard);
  ~Gathering() { round_->gathering = nullptr; }
  Gathering(const Gathering&) = delete;
  Gathering& operator=(const Gathering&) = delete;
  Gathering(Gathering&&) = delete;
  Gathering& operator=(Gathering&&) = delete;

  // Those that were not heard yet, by their indexes.
  [[nodiscard]] std::vector<size_t> missing() const;

 private:
  // What messages under way hold on to.
  struct Round {
    Gathering* gathering;  // the asker's thread
  };
  void heard(size_t worker);

  std::shared_ptr<Round> round_;
  std::function<void()> on_heard_;
  std::vector<bool> heard_;
};

}  // namespace server
