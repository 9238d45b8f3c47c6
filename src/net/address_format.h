#pragma once

// Lets {fmt} write an Address, as its text(): made only where the line really is written.

#include <algorithm>
#include <fmt/format.h>
#include <string>

#include "net/address.h"

template <>
struct fmt::formatter<net::Address> {
  // Nothing but "{}".
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  template <class Context>
  auto format(const net::Address& address, Context& context) const {
    const std::string text = address.text();
    return std::copy(text.begin(), text.end(), context.out());
  }
};
