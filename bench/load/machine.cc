#include "bench/load/machine.h"

#include <ctime>
#include <fmt/format.h>
#include <fstream>
#include <sched.h>
#include <string_view>
#include <sys/utsname.h>

namespace bench::load {
namespace {

// "model name : …" of x86; others have no such line, or "Model" for the board.
std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (!line.starts_with("model name")) continue;
    const size_t begin = line.find_first_not_of(" \t", line.find(':') + 1);
    return begin == std::string::npos ? std::string() : line.substr(begin);
  }
  return {};
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
                     parts.tm_year + 1900,
                     parts.tm_mon + 1,
                     parts.tm_mday,
                     parts.tm_hour,
                     parts.tm_min,
                     parts.tm_sec);
}

}  // namespace

Machine this_machine() {
  Machine machine;
  machine.date = utc_now();
  machine.cpu = cpu_name();
  utsname names{};
  if (uname(&names) == 0) {
    machine.host = static_cast<const char*>(names.nodename);
    machine.kernel = fmt::format("{} {} {}",
                                 static_cast<const char*>(names.sysname),
                                 static_cast<const char*>(names.release),
                                 static_cast<const char*>(names.machine));
    if (machine.cpu.empty()) machine.cpu = static_cast<const char*>(names.machine);
  }
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof cores, &cores) == 0) {
    machine.cores = static_cast<uint32_t>(CPU_COUNT(&cores));
  }
  return machine;
}

}  // namespace bench::load
