#pragma once

// The pages of one run and of several, made of what json_report() wrote.

#include <string>
#include <vector>

#include "bench/base/json.h"
#include "bench/page/page.h"

namespace bench::report {

struct NamedRun {
  std::string name;
  Json json;  // {"kind": "run", …}
};

// What a run has no figure for is left out.
[[nodiscard]] page::Page page_of_run(const Json& run);
// Two and more, in their order; each has its colour and its name throughout.
[[nodiscard]] page::Page page_of_runs(const std::vector<NamedRun>& runs);

}  // namespace bench::report
