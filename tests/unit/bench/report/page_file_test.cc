// Pages drawn from files, of runs and of comparisons.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "bench/report/report.h"
#include "support/files.h"
#include "unit/bench/made_up.h"
#include "unit/bench/made_up_comparison.h"
#include "unit/bench/page_check.h"

using made_up::comparison;
using made_up::value;
using page_check::contains;

namespace {

// A test's folder: adds files, reads them back.
struct Folder : test::TemporaryFolder {
  [[nodiscard]] std::string add(const std::string& name, const std::string& text) const {
    test::write_file(*this / name, text);
    return *this / name;
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    return test::read_file(*this / name);
  }
};

}  // namespace

TEST_CASE("pages are drawn from files") {
  const Folder folder;
  const std::string run = bench::report::json_report(made_up::plan(), made_up::outcome());
  const std::string out = folder / "page.html";
  const std::string first = folder.add("first.json", run);
  const std::string second = folder.add("second.json", run);
  const std::string contest =
      folder.add("contest.json", comparison(value("nginx", 1) + "," + value("openai-proxy", 2)));

  REQUIRE(bench::report::render_page_file({first}, out));
  CHECK(folder.read("page.html") ==
        bench::report::html_report(made_up::plan(), made_up::outcome()));
  REQUIRE(bench::report::render_page_file({first, second}, out));
  CHECK(contains(folder.read("page.html"), "<p>first, second</p>"));
  REQUIRE(bench::report::render_page_file({first, first}, out));
  CHECK(contains(folder.read("page.html"), "<p>" + first + ", " + first + "</p>"));
  REQUIRE(bench::report::render_page_file({contest}, out));
  CHECK(contains(folder.read("page.html"), "Us &lt;and&gt; them"));

  const auto refused = [&](const std::vector<std::string>& paths) {
    const auto drawn = bench::report::render_page_file(paths, out);
    REQUIRE_FALSE(drawn);
    return drawn.error();
  };
  CHECK(contains(refused({}), "no file to draw"));
  CHECK(contains(refused({folder / "none.json"}), "none.json: No such file or directory"));
  CHECK(contains(refused({folder.path()}), "Is a directory"));
  CHECK(
      contains(refused({folder.add("half.json", "{\n\"kind\": ")}), "half.json: no JSON: line 2"));
  CHECK(contains(refused({folder.add("other.json", R"({"kind": "cake"})")}),
                 "neither a result of --json nor a comparison (its `kind` is \"cake\")"));
  CHECK(contains(refused({first, contest}), "a comparison has a page of its own"));
  CHECK(contains(refused({folder.add("bare.json", R"({"kind": "comparison"})")}),
                 "bare.json: `contestants` is missing"));
  const auto drawn = bench::report::render_page_file({first}, folder / "none/page.html");
  REQUIRE_FALSE(drawn);
  CHECK(contains(drawn.error(), "cannot be written"));
}
