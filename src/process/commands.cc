#include "process/commands.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <fmt/format.h>
#include <string>
#include <vector>

#include "base/money.h"
#include "base/standard_streams.h"
#include "base/time_zone.h"
#include "config/limit_scalars.h"
#include "config/scalars.h"
#include "ledger/query.h"
#include "ledger/report.h"
#include "policy/limit_text.h"
#include "policy/meters.h"
#include "tls/random.h"
#include "tls/sha256.h"

namespace process {
namespace {

int complain(const std::string& text, int status) {
  base::print(stderr, "openai-proxy: {}\n", text);
  return status;
}

// 32 random bytes in base 62, 43 digits: what tokens and shells and URLs take alike.
std::string random_token() {
  constexpr std::string_view digits =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::array<unsigned char, 32> number{};
  if (tls::random_bytes(nullptr, number.data(), number.size()) != 0) return {};
  std::string token;
  for (int i = 0; i < 43; ++i) {
    unsigned rest = 0;
    for (unsigned char& byte : number) {
      rest = rest << 8U | byte;
      byte = static_cast<unsigned char>(rest / digits.size());
      rest %= static_cast<unsigned>(digits.size());
    }
    token += digits[rest];
  }
  return "oap-" + token;
}

// "7d" ago, as the ledger writes hours; nothing where `since` is no such time.
std::optional<std::string> hour_since(const std::string& since, const base::TimeZone& zone) {
  if (since == "all") return std::string();
  const auto period = config::PeriodText::parse(since);
  if (!period || period->kind != config::Period::Kind::rolling) return std::nullopt;
  const int64_t from_s = std::time(nullptr) - int64_t{period->rolling_s};
  return ledger::hour_text(from_s, zone.at(from_s).seconds);
}

std::string amount_text(policy::Meters::Unit unit, int64_t amount) {
  return unit == policy::Meters::Unit::budget ? "$" + base::print_dollars(amount)
                                              : fmt::format("{}", amount);
}

struct Row {
  std::string client;
  std::string limit;
  std::string most;
  std::string used;
};

std::vector<Row> rows_of(const std::string& name,
                         const config::Client& client,
                         const std::vector<ledger::Counter>& counters) {
  std::vector<Row> rows;
  const policy::Meters::Limits limits = policy::Meters::limits_of(client);
  const auto add = [&](std::string_view limit, int64_t most) {
    if (most > 0) rows.push_back({name, std::string(limit), fmt::format("{}", most), "-"});
  };
  add("rpm_limit", limits.rpm);
  add("tpm_limit", limits.tpm);
  add("max_parallel_requests", limits.parallel);
  for (const policy::Meters::Limits::Window& window : limits.windows) {
    const auto counter = std::find_if(counters.begin(), counters.end(), [&](const auto& each) {
      return each.client == name && each.limit == window.name;
    });
    rows.push_back({name,
                    window.name,
                    amount_text(window.unit, window.amount),
                    counter == counters.end() ? "-"
                                              : fmt::format("{} since {}",
                                                            amount_text(window.unit, counter->used),
                                                            policy::utc_time(counter->window))});
  }
  if (rows.empty()) rows.push_back({name, "none", "-", "-"});
  return rows;
}

}  // namespace

int make_token(const std::string& name) {
  if (!config::Name::parse(name)) {
    return complain("token new: expected " + config::Name::expected(), exit_usage);
  }
  const std::string token = random_token();
  if (token.empty()) return complain("the system gives no random bytes", exit_failed);
  tls::Sha256 hash;
  hash.add(base::as_bytes(token));
  base::print(stdout,
              "{}\n\nGive it to {}; it is shown this once. For the configuration:\n\n"
              "clients:\n  {}:\n    token_sha256: {}\n",
              token,
              name,
              name,
              tls::hex_digits(hash.finish()));
  return base::end_output(0);
}

int print_usage(const config::Config& config, const UsageOptions& options) {
  if (config.state.file.empty()) {
    return complain(
        "the configuration names no state.file, so no usage is kept; name one, or the "
        "configuration that does (--config FILE)",
        exit_usage);
  }
  const auto by = ledger::parse_by(options.by);
  if (!by) {
    return complain(
        fmt::format("--by: expected client, model, upstream, key or day, found \"{}\"", options.by),
        exit_usage);
  }
  const auto zone = base::TimeZone::load(config.timezone);
  if (!zone) return complain("timezone: " + zone.error(), exit_usage);
  const auto since = hour_since(options.since, *zone);
  if (!since) {
    return complain(fmt::format("--since: expected 24h, 7d or all, found \"{}\"", options.since),
                    exit_usage);
  }
  const auto rows = ledger::query_usage(config.state.file, *by, *since);
  if (!rows) return complain(rows.error(), exit_failed);
  base::print(stdout,
              "{}",
              options.json  ? ledger::to_json(*by, *rows)
              : options.csv ? ledger::to_csv(*by, *rows)
                            : ledger::to_table(*by, *rows));
  return base::end_output(0);
}

int print_clients(const config::Config& config) {
  std::vector<ledger::Counter> counters;
  if (!config.state.file.empty()) {
    auto found = ledger::query_counters(config.state.file);
    if (!found) return complain(found.error(), exit_failed);
    counters = *std::move(found);
  }
  std::vector<Row> rows{{"CLIENT", "LIMIT", "AT MOST", "USED"}};
  for (const auto& [name, client] : config.clients) {
    for (Row& row : rows_of(name, client, counters))
      rows.push_back(std::move(row));
  }
  std::array<size_t, 3> widths{};
  for (const Row& row : rows) {
    widths[0] = std::max(widths[0], row.client.size());
    widths[1] = std::max(widths[1], row.limit.size());
    widths[2] = std::max(widths[2], row.most.size());
  }
  for (const Row& row : rows) {
    base::print(stdout,
                "{:<{}}  {:<{}}  {:>{}}  {}\n",
                row.client,
                widths[0],
                row.limit,
                widths[1],
                row.most,
                widths[2],
                row.used);
  }
  if (config.clients.empty())
    base::print(stdout, "no clients: whoever reaches the proxy may use it\n");
  return base::end_output(0);
}

}  // namespace process
