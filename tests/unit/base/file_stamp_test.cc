#include "base/file_stamp.h"

#include <filesystem>
#include <utility>

#include <doctest/doctest.h>

#include "support/files.h"

namespace {

constexpr int64_t second_ns = 1'000'000'000;

TEST_CASE("file stamp: a write shows where its time can be another than the last one's") {
  const base::FileStamp stamp{.device = 1, .inode = 2, .size = 3, .changed_ns = 10 * second_ns};
  CHECK_FALSE(base::is_settled(stamp, 10 * second_ns));
  CHECK_FALSE(base::is_settled(stamp, 12 * second_ns));
  CHECK(base::is_settled(stamp, 12 * second_ns + 1));
  CHECK_FALSE(base::is_settled(stamp, 5 * second_ns));  // the clock was set back
}

TEST_CASE("file versions: a file that rests is one version, whoever asks how often") {
  // Nobody writes to the first; a file that is not there does not change either.
  for (const char* const path : {"/bin/sh", "/nowhere/at/all"}) {
    base::FileVersions versions(path);
    const uint64_t first = versions.current();
    CHECK(first != 0);
    CHECK(versions.current() == first);
    CHECK(versions.current() == first);
  }
}

TEST_CASE("file versions: whatever is done to a file makes another") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "file";
  base::FileVersions versions(path);
  uint64_t last = versions.current();
  const auto is_another = [&] {
    return std::exchange(last, versions.current()) != last;
  };

  test::write_file(path, "one");
  CHECK(is_another());
  test::write_file(path, "two");  // as long, and perhaps at the same time
  CHECK(is_another());
  test::write_file(folder / "new", "six");
  std::filesystem::rename(folder / "new", path);
  CHECK(is_another());
  std::filesystem::remove(path);
  CHECK(is_another());
  CHECK_FALSE(is_another());
}

}  // namespace
