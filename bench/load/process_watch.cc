#include "bench/load/process_watch.h"

#include <algorithm>
#include <climits>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>
#include <set>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parse_number.h"
#include "base/read_file.h"

namespace bench::load {
namespace {

constexpr uint64_t ns_per_s = 1'000'000'000;
constexpr size_t file_bytes_max = 16 * 1024 * 1024;
constexpr std::string_view state_listening = "0A";

// Empty where it cannot be read, as files of a process that has ended.
std::string read_file(const std::string& path) {
  auto text = base::read_file(path, file_bytes_max);
  return text ? *std::move(text) : std::string();
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    const size_t begin = text.find_first_not_of(" \t\n");
    if (begin == std::string_view::npos) return words;
    const size_t end = std::min(text.find_first_of(" \t\n", begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    text.remove_prefix(end);
  }
}

// The names in a folder that are numbers.
std::vector<int> numbers_in(const std::string& folder) {
  struct Close {
    void operator()(DIR* dir) const { closedir(dir); }
  };
  const std::unique_ptr<DIR, Close> dir(opendir(folder.c_str()));
  std::vector<int> numbers;
  if (!dir) return numbers;
  while (const dirent* entry = readdir(dir.get())) {
    const auto value = base::parse_number<uint64_t>(entry->d_name);
    if (value && *value <= INT_MAX) numbers.push_back(static_cast<int>(*value));
  }
  return numbers;
}

// The fields of /proc/PID/stat behind the name, which may hold anything: state, parent, …
std::vector<std::string_view> stat_fields(const std::string& stat) {
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return {};
  return words_of(std::string_view(stat).substr(name_end + 1));
}

std::string proc(int pid, std::string_view file) {
  return fmt::format("/proc/{}/{}", pid, file);
}

// Of /proc/PID/status.
struct Status {
  uint64_t rss_bytes = 0;
  uint64_t rss_peak_bytes = 0;
  uint32_t threads = 0;
};

Status status_of(int pid) {
  Status status;
  const std::string text = read_file(proc(pid, "status"));
  const auto field = [&text](std::string_view name) -> uint64_t {
    const size_t at = text.find(name);
    if (at == std::string::npos) return 0;
    const auto words = words_of(std::string_view(text).substr(at + name.size(), 64));
    return words.empty() ? 0 : base::parse_number<uint64_t>(words.front()).value_or(0);
  };
  status.rss_bytes = field("\nVmRSS:") * 1024;
  status.rss_peak_bytes = field("\nVmHWM:") * 1024;
  status.threads = static_cast<uint32_t>(field("\nThreads:"));
  return status;
}

// The inodes of the sockets that listen on `port`, of one of /proc/net/tcp and tcp6.
void add_listening_inodes(const char* path, uint16_t port, std::set<std::string>& inodes) {
  const std::string table = read_file(path);
  std::string_view rest = table;
  rest.remove_prefix(std::min(rest.find('\n'), rest.size()));  // the heading
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const size_t end = std::min(rest.find('\n'), rest.size());
    // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
    const auto words = words_of(rest.substr(0, end));
    rest.remove_prefix(end);
    if (words.size() < 10 || words[3] != state_listening) continue;
    const size_t colon = words[1].rfind(':');
    if (colon == std::string_view::npos) continue;
    if (base::parse_number<uint64_t>(words[1].substr(colon + 1), 16) == uint64_t{port}) {
      inodes.insert(fmt::format("socket:[{}]", words[9]));
    }
  }
}

bool holds_any(int pid, const std::set<std::string>& links) {
  const std::string folder = proc(pid, "fd");
  for (const int fd : numbers_in(folder)) {
    char link[64];
    const ssize_t size = readlink(fmt::format("{}/{}", folder, fd).c_str(), link, sizeof link);
    if (size > 0 && links.contains(std::string(link, static_cast<size_t>(size)))) return true;
  }
  return false;
}

int parent_of(int pid) {
  const std::string stat = read_file(proc(pid, "stat"));
  const auto fields = stat_fields(stat);
  return fields.size() < 2 ? 0
                           : static_cast<int>(base::parse_number<uint64_t>(fields[1]).value_or(0));
}

// By a look at every process there is.
std::vector<int> family_by_parents(int pid) {
  std::multimap<int, int> children;
  for (const int other : numbers_in("/proc"))
    children.emplace(parent_of(other), other);
  std::vector<int> family{pid};
  for (size_t i = 0; i < family.size(); ++i) {
    const auto [first, last] = children.equal_range(family[i]);
    for (auto child = first; child != last; ++child)
      family.push_back(child->second);
  }
  return family;
}

}  // namespace

std::optional<uint64_t> process_cpu_ns(int pid) {
  clockid_t clock{};
  timespec used{};
  if (clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &used) == 0) {
    return static_cast<uint64_t>(used.tv_sec) * ns_per_s + static_cast<uint64_t>(used.tv_nsec);
  }
  const std::string stat = read_file(proc(pid, "stat"));
  const auto fields = stat_fields(stat);
  if (fields.size() < 13) return {};
  const uint64_t ticks = base::parse_number<uint64_t>(fields[11]).value_or(0) +
                         base::parse_number<uint64_t>(fields[12]).value_or(0);
  return ticks * ns_per_s / static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
}

std::vector<int> process_family(int pid) {
  // Not every kernel is built with these files.
  if (access("/proc/thread-self/children", R_OK) != 0) return family_by_parents(pid);
  std::vector<int> family{pid};
  for (size_t i = 0; i < family.size(); ++i) {
    const std::string tasks = proc(family[i], "task");
    for (const int thread : numbers_in(tasks)) {
      const std::string children = read_file(fmt::format("{}/{}/children", tasks, thread));
      for (const std::string_view child : words_of(children))
        family.push_back(static_cast<int>(base::parse_number<uint64_t>(child).value_or(0)));
    }
  }
  return family;
}

base::Result<int, std::string> listening_process(uint16_t port) {
  std::set<std::string> inodes;
  add_listening_inodes("/proc/net/tcp", port, inodes);
  add_listening_inodes("/proc/net/tcp6", port, inodes);
  if (inodes.empty()) {
    return fmt::format("nothing listens on port {}: start the target first, or correct the port",
                       port);
  }
  std::set<int> owners;
  for (const int pid : numbers_in("/proc")) {
    if (holds_any(pid, inodes)) owners.insert(pid);
  }
  for (const int pid : owners) {
    if (!owners.contains(parent_of(pid))) return pid;
  }
  return fmt::format(
      "the process that listens on port {} is somebody else's: run as its user, or give --pid",
      port);
}

base::Result<ProcessWatch, std::string> ProcessWatch::open(int pid) {
  if (access(proc(pid, "stat").c_str(), R_OK) != 0) {
    return fmt::format("there is no process {}: look for the right number with pgrep", pid);
  }
  ProcessWatch watch(pid);
  watch.look();
  watch.rss_before_bytes_ = watch.rss_bytes_;
  return watch;
}

void ProcessWatch::begin() {
  processes_.clear();
  rss_peak_bytes_ = 0;
  look();
  for (auto& [pid, seen] : processes_) {
    seen.begin_cpu_ns = seen.cpu_ns;
    seen.begin_peak_bytes = seen.peak_bytes;
  }
}

void ProcessWatch::sample() {
  look();
}

void ProcessWatch::look() {
  rss_bytes_ = 0;
  for (const int pid : process_family(pid_)) {
    const auto cpu_ns = process_cpu_ns(pid);
    if (!cpu_ns) continue;
    const Status status = status_of(pid);
    Seen& seen = processes_[pid];
    seen.cpu_ns = *cpu_ns;
    seen.rss_bytes = status.rss_bytes;
    seen.peak_bytes = status.rss_peak_bytes;
    seen.threads = status.threads;
    rss_bytes_ += status.rss_bytes;
  }
  rss_peak_bytes_ = std::max(rss_peak_bytes_, rss_bytes_);
}

ProcessUse ProcessWatch::end() {
  look();
  ProcessUse use;
  use.rss_before_bytes = rss_before_bytes_;
  use.rss_bytes = rss_bytes_;
  use.rss_peak_bytes = rss_peak_bytes_;
  const bool is_alone = processes_.size() == 1;
  for (const auto& [pid, seen] : processes_) {
    use.cpu_ns += seen.cpu_ns - std::min(seen.cpu_ns, seen.begin_cpu_ns);
    // The kernel saw a peak between two looks.
    if (is_alone && seen.peak_bytes > seen.begin_peak_bytes) use.rss_peak_bytes = seen.peak_bytes;
    if (!process_cpu_ns(pid)) continue;
    use.threads += seen.threads;
    use.open_fds += static_cast<uint32_t>(numbers_in(proc(pid, "fd")).size());
  }
  return use;
}

}  // namespace bench::load
