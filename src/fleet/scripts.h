#pragma once

// What runs in Redis: each script is one step that nothing comes between, in Redis' own time. Their
// keys and arguments: share_commands.cc.

#include <array>
#include <cstdint>
#include <string_view>

namespace fleet {

enum class Script : uint8_t { take, settle, renew, look };
constexpr size_t scripts = 4;

// Lua. Static text.
[[nodiscard]] std::string_view text_of(Script script);

}  // namespace fleet
