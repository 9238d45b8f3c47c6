#pragma once

// What a client hears of its account: refusals, where it stands, all of its limits.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "http/head.h"
#include "openai/api_error.h"
#include "policy/account.h"
#include "policy/verdict.h"

namespace policy {

// What the rules of its client have against a request, once its body was looked into.
[[nodiscard]] std::optional<openai::ApiError> check_rules(const Account& account);

// The answer to a request that has met a limit of `client`'s. All of it in `arena`.
[[nodiscard]] Verdict refuse_for_limit(const Client& client,
                                       const LimitMet& met,
                                       const Now& now,
                                       base::Arena& arena);

// The same where it is keys of ours that can carry no more.
[[nodiscard]] Verdict refuse_for_keys(const LimitMet& met, base::Arena& arena);

// Puts x-ratelimit-* of the client's limits into a response, in place of the upstream's.
void add_standing(const Account& account, http::Head& response, base::Arena& arena);

// What it may use, what it has used of that and when that resets, as JSON. The lines are of its
// meters, or of those that it shares.
[[nodiscard]] std::string describe(const Client& client, const std::vector<Meters::Line>& lines);

}  // namespace policy
