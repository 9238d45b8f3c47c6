#pragma once

// How the configuration says where a Redis is.

#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"

namespace config {

// redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], unix:/PATH or none; a kind as scalars.h has
// them. User and password may be percent-encoded.
struct RedisUrlText {
  [[nodiscard]] static std::optional<RedisUrl> parse(std::string_view text,
                                                     std::string_view written);
  // Its source, else with the mask in the password's place.
  [[nodiscard]] static std::string print(const RedisUrl& value);
  [[nodiscard]] static std::string expected();
  // Nothing of what may be a password.
  [[nodiscard]] static std::string shown(std::string_view text);
  // What is wrong with `text`, where that can be told. Static text.
  [[nodiscard]] static std::string_view hint(std::string_view text);
  static constexpr bool prints_variables = true;
};

}  // namespace config
