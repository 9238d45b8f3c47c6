#pragma once

// Usage as text: for people, for programs, for spreadsheets. Pure.

#include <span>
#include <string>

#include "ledger/query.h"
#include "ledger/records.h"

namespace ledger {

// A table with a line of sums, for a terminal; says that costs are estimates.
[[nodiscard]] std::string to_table(By by, std::span<const UsageRow> rows);
// {"by":"client","estimate":true,"rows":[{"client":"alice","requests":3,…,"cost_usd":"0.0123"}],
// "total":{…}}:
// money in decimal, as text, since JSON's numbers are inexact.
[[nodiscard]] std::string to_json(By by, std::span<const UsageRow> rows);
// With a head line (RFC 4180). A label that a spreadsheet would take for a formula gets an
// apostrophe.
[[nodiscard]] std::string to_csv(By by, std::span<const UsageRow> rows);

}  // namespace ledger
