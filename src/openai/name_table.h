#pragma once

// What a member's name means, found with as few comparisons as there are names of its length.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace openai {

template <class Meaning>
struct Name {
  std::string_view name = {};
  Meaning meaning = {};
};

// Value, made at compile time; `count` is that of its names, none of which is there twice or longer
// than size_max.
template <class Meaning, size_t count>
class NameTable {
 public:
  static constexpr size_t size_max = 31;

  // NOLINTNEXTLINE(google-explicit-constructor): a table is written as the list of its names.
  constexpr NameTable(const Name<Meaning> (&names)[count]) {
    std::copy(std::begin(names), std::end(names), names_.begin());
    std::sort(names_.begin(), names_.end(), [](const auto& a, const auto& b) {
      return a.name.size() < b.name.size();
    });
    for (size_t size = 0; size < begin_.size(); ++size) {
      begin_[size] = static_cast<uint8_t>(
          std::count_if(names_.begin(), names_.end(), [size](const Name<Meaning>& name) {
            return name.name.size() < size;
          }));
    }
  }

  // The meaning of `name`; null where it has none.
  [[nodiscard]] constexpr const Meaning* find(std::string_view name) const {
    if (name.size() > size_max) return nullptr;
    for (size_t i = begin_[name.size()]; i < begin_[name.size() + 1]; ++i) {
      if (names_[i].name == name) return &names_[i].meaning;
    }
    return nullptr;
  }

 private:
  std::array<Name<Meaning>, count> names_{};
  std::array<uint8_t, size_max + 2> begin_{};  // of the names of each size
};

}  // namespace openai
