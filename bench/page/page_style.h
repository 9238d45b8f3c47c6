#pragma once

// The style sheet of every page, and with it of the charts: svg.cc names its classes.

#include <string_view>

namespace bench::page {

// Static text; holds no "</".
[[nodiscard]] std::string_view page_style();

}  // namespace bench::page
