// main() of the end-to-end tests: what src/main.cc does before a Server may run.
#define DOCTEST_CONFIG_IMPLEMENT
#include <csignal>
#include <cstdio>

#include <doctest/doctest.h>

#include "base/log.h"
#include "tls/context.h"

#if OPENAI_PROXY_SANITIZED
// libuv closes its sockets past the sanitizer, which then takes their numbers' next use for a race.
extern "C" const char* __tsan_default_suppressions() {
  return "race:closedir\n";
}
#endif

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  // Many cases provoke what the log warns of.
  base::set_log_level(base::LogLevel::error);
  if (const auto error = tls::init()) {
    std::fprintf(stderr, "%s\n", error->c_str());
    return 1;
  }
  return doctest::Context(argc, argv).run();
}
