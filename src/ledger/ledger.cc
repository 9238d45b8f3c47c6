#include "ledger/ledger.h"

#include <utility>

#include "base/log.h"
#include "ledger/keeper.h"

namespace ledger {

base::Result<std::unique_ptr<Ledger>, std::string> Ledger::open(Options options) {
  auto store = Store::open(options.file);
  Store opened;
  if (store) {
    opened = std::move(*store);
  } else if (!store.error().is_for_now) {
    return store.error().text;
  } else {
    base::log_error("{}; it goes on in memory, and tries again", store.error().text);
  }
  auto keeper = std::make_unique<Keeper>(std::move(options), std::move(opened));
  keeper->start();
  return std::unique_ptr<Ledger>(new Ledger(std::move(keeper)));
}

Ledger::Ledger(std::unique_ptr<Keeper> keeper) : keeper_(std::move(keeper)) {}

Ledger::~Ledger() = default;

std::vector<Counter> Ledger::restore() const {
  return keeper_->restored();
}

void Ledger::watch(CounterSource source) {
  keeper_->watch(std::move(source));
}

void Ledger::record(const UsageRecord& record) {
  keeper_->record(record);
}

void Ledger::flush() {
  keeper_->flush();
}

void Ledger::close() {
  keeper_->close();
}

Ledger::Figures Ledger::figures() const {
  return keeper_->figures();
}

}  // namespace ledger
