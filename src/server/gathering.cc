#include "server/gathering.h"

#include <utility>

namespace server {

Gathering::Gathering(const std::vector<std::unique_ptr<Worker>>& workers,
                     Worker& asker,
                     std::function<void(size_t worker)> ask,
                     std::function<void()> on_heard)
    : round_(std::make_shared<Round>(Round{this})),
      on_heard_(std::move(on_heard)),
      heard_(workers.size()) {
  const auto shared_ask = std::make_shared<std::function<void(size_t)>>(std::move(ask));
  for (size_t i = 0; i < workers.size(); ++i) {
    const bool posted = workers[i]->post([shared_ask, round = round_, &asker, i] {
      (*shared_ask)(i);
      asker.post([round, i] {
        if (round->gathering != nullptr) round->gathering->heard(i);
      });
    });
    heard_[i] = !posted;
  }
}

std::vector<size_t> Gathering::missing() const {
  std::vector<size_t> workers;
  for (size_t i = 0; i < heard_.size(); ++i) {
    if (!heard_[i]) workers.push_back(i);
  }
  return workers;
}

void Gathering::heard(size_t worker) {
  heard_[worker] = true;
  on_heard_();
}

}  // namespace server
