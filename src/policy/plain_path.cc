#include "policy/plain_path.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/ascii.h"

namespace policy {
namespace {

std::string decoded(std::string_view path) {
  std::string text;
  text.reserve(path.size());
  for (size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    if (c == '%' && i + 2 < path.size()) {
      const int high = base::hex_value(path[i + 1]);
      const int low = base::hex_value(path[i + 2]);
      if (high >= 0 && low >= 0) {
        c = static_cast<char>(static_cast<uint8_t>(high * 16 + low));
        i += 2;
      }
    }
    text += c == '\\' ? '/' : c;
  }
  return text;
}

// Calls visit(segment) for each non-empty one; a parameter behind a dot segment is none to some
// servers ("/..;x/").
template <class Visit>
void for_each_segment(std::string_view path, Visit visit) {
  while (!path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    const std::string_view bare = segment.substr(0, segment.find(';'));
    if (!segment.empty()) visit(bare == "." || bare == ".." ? bare : segment);
  }
}

}  // namespace

bool is_odd_path(std::string_view path) {
  return path.find_first_of("%\\") != std::string_view::npos ||
         path.find("//") != std::string_view::npos || path.find("/.") != std::string_view::npos;
}

std::string plain_path(std::string_view path) {
  const std::string text = decoded(path);
  std::vector<std::string_view> kept;
  for_each_segment(text, [&](std::string_view segment) {
    if (segment == ".") return;
    if (segment != "..") {
      kept.push_back(segment);
    } else if (!kept.empty()) {
      kept.pop_back();
    }
  });
  std::string plain;
  for (const std::string_view segment : kept) {
    plain += '/';
    plain += segment;
  }
  return plain.empty() ? "/" : plain;
}

bool climbs_out(std::string_view path) {
  const std::string text = decoded(path);
  int depth = 0;
  bool climbs = false;
  for_each_segment(text, [&](std::string_view segment) {
    if (segment == ".") return;
    depth += segment == ".." ? -1 : 1;
    climbs = climbs || depth < 0;
  });
  return climbs;
}

}  // namespace policy
