#pragma once

// The ledger of a server: opened with it, and told whose counters to keep.

#include <memory>
#include <string>
#include <variant>

#include "base/result.h"
#include "config/config.h"
#include "ledger/ledger.h"
#include "policy/gateway.h"

namespace server {

// Resource, one per server. One thread at a time; loops record in ledger() from any.
class Books {
 public:
  // Opens the file that `config` names, if any, and gives what it has of `gateway`'s counters to
  // that; nullptr: nobody has any. Blocks. The error is a sentence.
  [[nodiscard]] base::Result<std::monostate, std::string> open(
      const config::Config& config, std::shared_ptr<const policy::Gateway> gateway);

  // Keeps the counters of `gateway` from now on.
  void follow(std::shared_ptr<const policy::Gateway> gateway);

  // nullptr where nothing is kept.
  [[nodiscard]] ledger::Ledger* ledger() const { return ledger_.get(); }

  // Writes what there is. No loop records any more.
  void close();

 private:
  std::unique_ptr<ledger::Ledger> ledger_;
};

}  // namespace server
