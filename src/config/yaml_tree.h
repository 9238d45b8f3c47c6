#pragma once

// YAML text as a plain tree with places, bounded in depth and size. Knows nothing of our keys; its
// .cc is the only includer of yaml-cpp.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace config {

struct Place {
  int line = 0;    // from 1; 0: nowhere
  int column = 0;  // from 1
};

// Why a text was refused. Thrown between the files of this room, never out of it.
struct Refusal {
  Place place;
  std::string path;  // dotted, empty where no key is to blame
  std::string why;
};

// Value. Aliases are already replaced by what they stand for.
struct Node {
  enum class Kind : unsigned char { null, scalar, list, map };
  struct Key {
    std::string text;
    Place place;
  };

  Kind kind = Kind::null;
  Place place;
  std::string text;          // of a scalar
  std::vector<Key> keys;     // of a map, `values[i]` belongs to `keys[i]`; may hold duplicates
  std::vector<Node> values;  // of a map or a list
  size_t weight = 0;         // bytes it is worth, with all below it
  int height = 0;            // levels below it
};

inline constexpr size_t yaml_bytes_max = size_t{1} << 20U;
inline constexpr int yaml_depth_max = 32;

// Whether all of `text` is UTF-8 (RFC 3629).
[[nodiscard]] bool is_utf8(std::string_view text);

// Parses one document; an empty text is a null node. Refuses what is not UTF-8, larger than
// yaml_bytes_max, deeper than yaml_depth_max, or grows out of bounds by its aliases.
[[nodiscard]] base::Result<Node, Refusal> parse_yaml(std::string_view text);

}  // namespace config
