#include "process/handover.h"

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "base/parse_number.h"
#include "net/inherited.h"

namespace process {

namespace {

constexpr const char* ready_variable = "OPENAI_PROXY_READY_FD";
constexpr const char* guardian_variable = "OPENAI_PROXY_GUARDIAN_FD";
// Reading a configuration and binding take milliseconds; who needs longer hangs.
constexpr int ready_ms_max = 30'000;
// Exit statuses of a child that did not become the new process.
constexpr int exec_failed = 127;
constexpr int no_descriptors = 126;
constexpr size_t digits_max = 20;

bool begins_with_variable(std::string_view entry, std::string_view name) {
  return entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=';
}

// Everything the new process begins with, made before fork(): after it, between threads that no
// longer run, nothing may be allocated.
struct Beginning {
  std::vector<std::string> command;
  std::vector<std::string> environment;
  std::vector<char*> argv;
  std::vector<char*> envp;
  char* pid_digits = nullptr;
  std::vector<int> descriptors;  // become those from net::inherited_first on
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (std::string& text : texts)
    result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// The sockets come first, then where to tell that it serves, then the guardian.
void set_environment(Beginning& beginning, size_t sockets) {
  for (char** entry = environ; *entry != nullptr; ++entry) {
    bool is_ours = false;
    for (const char* name : {net::inherited_pid,
                             net::inherited_count,
                             net::inherited_names,
                             ready_variable,
                             guardian_variable}) {
      is_ours = is_ours || begins_with_variable(*entry, name);
    }
    if (!is_ours) beginning.environment.emplace_back(*entry);
  }
  const size_t first = net::inherited_first + sockets;
  beginning.environment.push_back(net::inherited_count + ('=' + std::to_string(sockets)));
  beginning.environment.push_back(ready_variable + ('=' + std::to_string(first)));
  if (beginning.descriptors.size() > sockets + 1) {
    beginning.environment.push_back(guardian_variable + ('=' + std::to_string(first + 1)));
  }
  std::string pid = net::inherited_pid + std::string("=");
  const size_t digits = pid.size();
  pid.resize(digits + digits_max);
  beginning.environment.push_back(std::move(pid));
  beginning.envp = pointers(beginning.environment);
  beginning.pid_digits = beginning.environment.back().data() + digits;
}

// In the new process, which shares its memory with threads stopped anywhere: system calls only.
[[noreturn]] void become(Beginning& beginning) {
  std::array<char, digits_max> reversed{};
  size_t digits = 0;
  for (pid_t rest = ::getpid(); rest != 0; rest /= 10)
    reversed.at(digits++) = static_cast<char>('0' + rest % 10);
  for (size_t i = 0; i < digits; ++i)
    beginning.pid_digits[i] = reversed.at(digits - 1 - i);
  // First out of the way of what they are to become.
  const int above = net::inherited_first + static_cast<int>(beginning.descriptors.size());
  for (int& descriptor : beginning.descriptors) {
    descriptor = ::fcntl(descriptor, F_DUPFD_CLOEXEC, above);
    if (descriptor < 0) ::_exit(no_descriptors);
  }
  int wanted = net::inherited_first;
  for (const int descriptor : beginning.descriptors) {
    if (::dup2(descriptor, wanted++) < 0) ::_exit(no_descriptors);
  }
  ::execve(beginning.argv[0], beginning.argv.data(), beginning.envp.data());
  ::_exit(exec_failed);
}

constexpr const char* too_few_descriptors = "no descriptors to hand over: raise `ulimit -n`";

std::string why(const std::string& what) {
  if (errno == EMFILE || errno == ENFILE) return too_few_descriptors;
  return what + ": " + std::strerror(errno);
}

// The descriptor that the environment names, which no longer does then; -1 where there is none.
int take_descriptor(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return -1;
  const auto number = base::parse_number<uint32_t>(text);
  ::unsetenv(variable);
  if (!number || *number > INT_MAX) return -1;
  const int fd = static_cast<int>(*number);
  return ::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? fd : -1;
}

}  // namespace

Predecessor Predecessor::from_environment() {
  Predecessor predecessor;
  predecessor.ready_ = take_descriptor(ready_variable);
  predecessor.guardian_ = take_descriptor(guardian_variable);
  return predecessor;
}

void Predecessor::tell_ready() {
  // Where one of them has gone meanwhile there is nobody to tell. The guardian first: when the
  // predecessor ends it must know.
  const pid_t pid = ::getpid();
  if (guardian_ >= 0) static_cast<void>(!::write(guardian_, &pid, sizeof pid));
  static_cast<void>(!::write(ready_, "1", 1));
  ::close(ready_);
  ready_ = -1;
}

base::Result<Successor, std::string> Successor::start(const std::vector<std::string>& command,
                                                      const std::vector<int>& sockets,
                                                      int guardian) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return why("no pipe");
  base::Fd ready(ends[0]);
  const base::Fd told(ends[1]);

  Beginning beginning;
  beginning.command = command;
  beginning.argv = pointers(beginning.command);
  beginning.descriptors = sockets;
  beginning.descriptors.push_back(told.get());
  if (guardian >= 0) beginning.descriptors.push_back(guardian);
  set_environment(beginning, sockets.size());
  if (::access(beginning.argv[0], X_OK) != 0) return why(command[0]);
  const pid_t pid = ::fork();
  if (pid == 0) become(beginning);
  if (pid < 0) return why("no new process");
  return Successor(pid, std::move(ready));
}

base::Result<std::monostate, std::string> Successor::wait_until_ready() {
  pollfd wait{.fd = ready_.get(), .events = POLLIN, .revents = 0};
  int ready = 0;
  do {
    ready = ::poll(&wait, 1, ready_ms_max);
  } while (ready < 0 && errno == EINTR);
  char word = 0;
  if (ready > 0 && ::read(ready_.get(), &word, 1) == 1) return std::monostate{};
  const std::string became = end();
  if (ready > 0) return became;
  return "it did not serve within " + std::to_string(ready_ms_max / 1000) + " s";
}

std::string Successor::end() const {
  // Nothing happens to one that has ended by itself.
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR)
    continue;
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status)) + " ended it";
  if (WEXITSTATUS(status) == exec_failed) return "it could not be executed";
  if (WEXITSTATUS(status) == no_descriptors) return too_few_descriptors;
  return "it ended with status " + std::to_string(WEXITSTATUS(status)) +
         " (what it says is in the log above)";
}

std::vector<std::string> command_of(int argc, char** argv) {
  std::vector<std::string> command(argv, argv + argc);
  if (command.empty()) command.emplace_back();
  // Found in PATH: the file it was found at.
  if (command[0].find('/') == std::string::npos) {
    std::array<char, PATH_MAX> path{};
    const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
    if (size > 0) command[0].assign(path.data(), static_cast<size_t>(size));
  }
  return command;
}

}  // namespace process
