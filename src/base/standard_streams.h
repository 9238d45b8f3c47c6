#pragma once

// Standard input, output and error as a program finds them: closed, full, read by nobody. None of
// that may end it or confuse it.

#include <cstdio>
#include <fmt/format.h>
#include <string>
#include <string_view>
#include <utility>

namespace base {

// The first thing in main(): where one of the descriptors 0, 1 and 2 is closed, opens /dev/null
// there. Else a socket would get its number, and be taken for a log, or for the descriptor that
// libuv must not close.
void open_standard_streams();

// Writes `text` as far as it goes: what cannot be written is lost, and end_output() says so.
void print_text(std::FILE* file, std::string_view text);

// The same, formatted. fmt::print() throws where it cannot write.
template <class... Args>
void print(std::FILE* file, fmt::format_string<Args...> format, Args&&... args) {
  print_text(file, fmt::format(format, std::forward<Args>(args)...));
}

// What a program that has printed its answer exits with: `status`, or 1 where some of the answer
// could not be written, which it says on stderr (not where its reader has left: it knows).
[[nodiscard]] int end_output(int status);

// Writes `text` to a descriptor that may be a pipe or a terminal that nobody reads, without ever
// waiting: what does not fit is lost. One thread at a time. Whether all went out.
bool write_without_waiting(int descriptor, std::string_view text);

}  // namespace base
