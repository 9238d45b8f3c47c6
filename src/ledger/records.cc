#include "ledger/records.h"

namespace ledger {

Amounts& Amounts::operator+=(const Amounts& other) {
  requests += other.requests;
  input += other.input;
  cached += other.cached;
  cache_written += other.cache_written;
  output += other.output;
  reasoning += other.reasoning;
  nano_dollars += other.nano_dollars;
  unpriced += other.unpriced;
  return *this;
}

}  // namespace ledger
