#pragma once

// The page of a comparison of several programs, as compare.py writes it: {"kind": "comparison"}.
// Its keys are described in bench/README.md, "JSON".

#include <string>

#include "base/result.h"
#include "bench/base/json.h"
#include "bench/page/page.h"

namespace bench::report {

// The error says which key is missing or wrong.
[[nodiscard]] base::Result<page::Page, std::string> page_of_comparison(const Json& comparison);

}  // namespace bench::report
