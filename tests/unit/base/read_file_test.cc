// base/read_file: small files, and what is none.
#include "base/read_file.h"

#include <cerrno>
#include <string>
#include <sys/stat.h>
#include <thread>

#include <doctest/doctest.h>

#include "support/files.h"

namespace {

constexpr size_t bytes_max = 200'000;

int error_of(const std::string& path) {
  const auto text = base::read_file(path, bytes_max);
  return text ? 0 : text.error();
}

}  // namespace

TEST_CASE("a file is read whole, up to its bound") {
  const test::TemporaryFolder folder;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{65'536}, size_t{65'537}, bytes_max}) {
    CAPTURE(size);
    const std::string content(size, 'x');
    test::write_file(folder / "file", content);
    const auto text = base::read_file(folder / "file", bytes_max);
    REQUIRE(text);
    CHECK(*text == content);
  }
  test::write_file(folder / "file", std::string(bytes_max + 1, 'x'));
  CHECK(error_of(folder / "file") == EFBIG);
  CHECK(error_of(folder / "none") == ENOENT);
  CHECK(error_of(folder.path()) == EISDIR);
}

TEST_CASE("a pipe is read to its end; one that nobody writes to is not waited for") {
  const test::TemporaryFolder folder;
  const std::string pipe = folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(error_of(pipe) == ENODATA);

  const std::string content(150'000, 'x');  // more than a pipe holds
  std::thread writer([&] { test::write_file(pipe, content); });
  const auto text = base::read_file(pipe, bytes_max);
  writer.join();
  REQUIRE(text);
  CHECK(*text == content);
}
