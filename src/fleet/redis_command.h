#pragma once

// A command as Redis takes it (RESP): a list of byte strings.

#include <cstdint>
#include <fmt/format.h>
#include <string>
#include <string_view>

namespace fleet {

// Value.
class RedisCommand {
 public:
  RedisCommand& add(std::string_view argument) {
    ++count_;
    fmt::format_to(std::back_inserter(arguments_), "${}\r\n", argument.size());
    arguments_ += argument;
    arguments_ += "\r\n";
    return *this;
  }
  RedisCommand& add(int64_t number) {
    const fmt::format_int text(number);
    return add(std::string_view(text.data(), text.size()));
  }

  // Behind what `output` has.
  void append_to(std::string& output) const {
    fmt::format_to(std::back_inserter(output), "*{}\r\n", count_);
    output += arguments_;
  }

 private:
  size_t count_ = 0;
  std::string arguments_;
};

}  // namespace fleet
