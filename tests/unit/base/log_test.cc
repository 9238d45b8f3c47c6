// The error log: levels, one line each, nothing forged. And the names of errors.

#include "base/log.h"

#include <array>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <doctest/doctest.h>

#include "base/error.h"
#include "base/result.h"

namespace {

// Everything `write` sends to stderr.
template <class Write>
std::string captured(Write write) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const int saved = ::dup(STDERR_FILENO);
  REQUIRE(::dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
  write();
  REQUIRE(::dup2(saved, STDERR_FILENO) == STDERR_FILENO);
  ::close(saved);
  ::close(ends[1]);
  std::string text(10'000, '\0');
  text.resize(static_cast<size_t>(::read(ends[0], text.data(), text.size())));
  ::close(ends[0]);
  return text;
}

}  // namespace

TEST_CASE("a line has time, level and text; control bytes cannot forge another") {
  const std::string line =
      captured([] { base::log_error("peer {} said {}", 7, "a\nb\x7f\x1b\t"); });
  REQUIRE(line.size() > 34);
  CHECK(line.substr(4, 1) == "-");
  CHECK(line.substr(23, 1) == "Z");
  CHECK(line.substr(24) == " error   peer 7 said a\\x0ab\\x7f\\x1b\\x09\n");
}

TEST_CASE("lines below the level are dropped") {
  base::set_log_level(base::LogLevel::warning);
  const std::string lines = captured([] {
    base::log_debug("no");
    base::log_info("no");
    base::log_warning("yes");
  });
  base::set_log_level(base::LogLevel::info);
  CHECK(lines.find("no") == std::string::npos);
  CHECK(lines.find("yes") != std::string::npos);
  CHECK(base::log_enabled(base::LogLevel::info));
  CHECK(!base::log_enabled(base::LogLevel::debug));
}

TEST_CASE("every error code has a name of its own") {
  std::string all;
  for (int code = 0; code <= static_cast<int>(base::Code::io); ++code) {
    const std::string name{base::code_name(static_cast<base::Code>(code))};
    CAPTURE(name);
    CHECK(name != "unknown");
    CHECK(all.find(' ' + name + ' ') == std::string::npos);
    all += ' ' + name + ' ';
  }
  CHECK(sizeof(base::Error) == 8);
}

TEST_CASE("a result is a value or an error") {
  const base::Result<int> good = 7;
  const base::Result<int> bad = base::Error{base::Code::dns, base::Side::upstream, -3};
  CHECK(good);
  CHECK(*good == 7);
  REQUIRE(!bad);
  CHECK(bad.error().code == base::Code::dns);
  base::Result<std::string, int> text = std::string("moved");
  CHECK(text->size() == 5);
  const std::string moved = *std::move(text);
  CHECK(moved == "moved");
}
