#pragma once

// The built-in prices, as prices.py writes them.

#include <span>
#include <string_view>

#include "openai/prices.h"

namespace openai {

// By name.
extern const std::span<const ModelPrice> prices_table;
// The newest of its dates.
extern const std::string_view prices_table_checked;

}  // namespace openai
