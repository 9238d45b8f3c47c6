// Pages from an Outcome and from files.

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <memory>

#include "bench/base/json.h"
#include "bench/report/comparison_page.h"
#include "bench/report/report.h"
#include "bench/report/run_page.h"

namespace bench::report {
namespace {

// Far more than a day's run writes.
constexpr size_t file_bytes_max = size_t{64} << 20;

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

base::Result<Json, std::string> read_json(const std::string& path) {
  const File file(std::fopen(path.c_str(), "re"));
  if (!file) return fmt::format("{}: {}", path, std::strerror(errno));
  std::string text;
  char piece[16384];
  size_t got = 0;
  while (text.size() <= file_bytes_max &&
         (got = std::fread(piece, 1, sizeof piece, file.get())) > 0) {
    text.append(piece, got);
  }
  if (std::ferror(file.get()) != 0) return fmt::format("{}: {}", path, std::strerror(errno));
  if (text.size() > file_bytes_max) {
    return fmt::format("{}: larger than any result of this tool; give a file of --json", path);
  }
  auto json = parse_json(text);
  if (!json) return fmt::format("{}: no JSON: {}", path, json.error());
  return json;
}

base::Result<std::monostate, std::string> write_file(const std::string& path,
                                                     const std::string& text) {
  File file(std::fopen(path.c_str(), "we"));
  const bool is_written =
      file && std::fwrite(text.data(), 1, text.size(), file.get()) == text.size();
  // What was buffered may fail as late as here.
  if (!is_written || std::fclose(file.release()) != 0) {
    return fmt::format("{}: cannot be written: {}", path, std::strerror(errno));
  }
  return std::monostate{};
}

// File names say what a run was, as far as they differ.
void name_runs(std::vector<NamedRun>& runs, const std::vector<std::string>& paths) {
  std::map<std::string, size_t> times;
  for (size_t i = 0; i < runs.size(); ++i) {
    runs[i].name = std::filesystem::path(paths[i]).stem().string();
    ++times[runs[i].name];
  }
  for (size_t i = 0; i < runs.size(); ++i) {
    if (times[runs[i].name] > 1) runs[i].name = paths[i];
  }
}

}  // namespace

std::string html_report(const load::Plan& plan, const load::Outcome& outcome) {
  // By way of its JSON, so that a page drawn later from a file is the same page.
  auto json = parse_json(json_report(plan, outcome));
  return page::render_page(page_of_run(json ? *json : Json()));
}

base::Result<std::monostate, std::string> render_page_file(
    const std::vector<std::string>& json_paths, const std::string& out_path) {
  if (json_paths.empty()) return std::string("no file to draw: name one that --json wrote");
  std::vector<NamedRun> runs;
  for (const std::string& path : json_paths) {
    auto json = read_json(path);
    if (!json) return json.error();
    const std::string kind = (*json)["kind"].text();
    if (kind == "comparison" && json_paths.size() == 1) {
      const auto page = page_of_comparison(*json);
      if (!page) return fmt::format("{}: {}", path, page.error());
      return write_file(out_path, page::render_page(*page));
    }
    if (kind == "comparison") {
      return fmt::format("{}: a comparison has a page of its own; draw it without other files",
                         path);
    }
    if (kind != "run") {
      return fmt::format(
          "{}: neither a result of --json nor a comparison (its `kind` is \"{}\")", path, kind);
    }
    runs.push_back({"", std::move(*json)});
  }
  name_runs(runs, json_paths);
  const page::Page page = runs.size() == 1 ? page_of_run(runs.front().json) : page_of_runs(runs);
  return write_file(out_path, page::render_page(page));
}

}  // namespace bench::report
