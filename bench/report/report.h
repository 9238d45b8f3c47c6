#pragma once

// An Outcome as text, as JSON and as a page; JSON files as a page.

#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "bench/load/measures.h"
#include "bench/load/plan.h"

namespace bench::report {

// A table for a terminal, columns aligned, at most 100 wide.
[[nodiscard]] std::string text_report(const load::Plan& plan, const load::Outcome& outcome);

// One JSON object and a newline; times in microseconds, its keys are described in bench/README.md.
// The key, the fields, queries and bodies of the plan are left out.
[[nodiscard]] std::string json_report(const load::Plan& plan, const load::Outcome& outcome);

// One HTML file without any reference outward: figures, latency by percentile, throughput over
// time.
[[nodiscard]] std::string html_report(const load::Plan& plan, const load::Outcome& outcome);

// Reads the JSON files and writes one page to `out_path`, replacing what is there. The files are
// either results of json_report(), several are compared, named by their file names; or one
// comparison as compare.py writes it (bench/README.md, "JSON"). The error names the file, what is
// wrong with it and what to do.
[[nodiscard]] base::Result<std::monostate, std::string> render_page_file(
    const std::vector<std::string>& json_paths, const std::string& out_path);

}  // namespace bench::report
