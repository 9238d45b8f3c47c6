#pragma once

// Reads a ledger beside the process that writes it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ledger/records.h"

namespace ledger {

enum class By : uint8_t { client, model, upstream, key, day };
// From its word; nothing for another.
[[nodiscard]] std::optional<By> parse_by(std::string_view word);
[[nodiscard]] std::string_view by_name(By by);

// The sums of the file's usage, the dearest and then the busiest first; by day, the first day
// first. `since_hour` is "2026-11-28 16" in the zone that the ledger keeps, "" for all. The error
// is a sentence. Reads only; a process may write meanwhile. Blocks.
[[nodiscard]] base::Result<std::vector<UsageRow>, std::string> query_usage(
    const std::string& file, By by, const std::string& since_hour);

// The newest window of each counter. As above.
[[nodiscard]] base::Result<std::vector<Counter>, std::string> query_counters(
    const std::string& file);

// "2026-11-28 16" of a moment, `offset_s` seconds from UTC.
[[nodiscard]] std::string hour_text(int64_t utc_s, int64_t offset_s);

}  // namespace ledger
