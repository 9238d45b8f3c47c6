// The configuration: any text is refused or loads, and what loads prints to a fix point.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "config/load.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = config::load_text(text, "fuzz");
  if (!config) {
    require(!config.error().why.empty());
    return 0;
  }
  require(!config->listen.empty() && !config->routes.empty());
  for (const auto& route : config->routes)
    require(config->upstreams.contains(route.upstream));
  const std::string printed = config::to_yaml(*config);
  const auto again = config::load_text(printed, "printed");
  require(bool(again) && config::to_yaml(*again) == printed);
  return 0;
}
