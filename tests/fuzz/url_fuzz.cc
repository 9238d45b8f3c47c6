// URLs: the first line is a base, the rest a reference. What parses must survive its own text.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/url.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const base::Url& url) {
  require(url.target.starts_with('/'));
  for (const char c : url.target) {
    require(static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f);
    require(c != '#' && c != '\\');
  }
  require(!url.origin.host.empty() && url.origin.port != 0);
  const auto again = base::parse_url(url.origin.text() + url.target);
  require(again && again->origin == url.origin && again->target == url.target);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t line = input.find('\n');
  const auto url = base::parse_url(input.substr(0, line));
  if (!url) return 0;
  check(*url);
  if (line == std::string_view::npos) return 0;
  if (const auto target = base::resolve_url(*url, input.substr(line + 1))) check(*target);
  return 0;
}
