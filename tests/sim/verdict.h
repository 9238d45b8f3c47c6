#pragma once

// The end of a schedule judged: the proxy's access log and metrics against what clients and
// upstreams saw.

#include <string_view>

namespace sim {

class World;

// Fails `world` where they disagree. `access_log` holds its JSON lines.
void judge(const World& world, std::string_view access_log);

}  // namespace sim
