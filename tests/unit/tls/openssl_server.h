#pragma once

// A TLS server that is not ours: `openssl s_server` on a free loopback port, driven by its stdin.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <signal.h>
#include <spawn.h>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "base/check.h"
#include "support/certificates.h"
#include "support/files.h"

extern char** environ;

namespace tls_test {

using test::Credentials;
using test::TemporaryFile;

// Resource: the process; it ends with the object.
class OpensslServer {
 public:
  // `flags` as in s_server(1), e.g. {"-tls1_3", "-rev"}. -HTTP serves the folder of TemporaryFiles.
  OpensslServer(const Credentials& credentials, const std::vector<std::string>& flags)
      : certificate_(credentials.certificate_pem), key_(credentials.key_pem) {
    std::vector<std::string> words = {"openssl",
                                      "s_server",
                                      "-accept",
                                      "127.0.0.1:0",
                                      "-cert",
                                      certificate_.path(),
                                      "-key",
                                      key_.path()};
    words.insert(words.end(), flags.begin(), flags.end());
    std::vector<char*> arguments;
    for (std::string& word : words)
      arguments.push_back(word.data());
    arguments.push_back(nullptr);
    int input[2];
    int output[2];
    CHECK(pipe2(input, O_CLOEXEC) == 0);
    CHECK(pipe2(output, O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    const std::string folder = certificate_.path().substr(0, certificate_.path().rfind('/'));
    posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
    const int failed =
        posix_spawnp(&process_, "openssl", &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(input[0]);
    ::close(output[1]);
    if (failed != 0) std::fprintf(stderr, "this test needs the program openssl\n");
    CHECK(failed == 0);
    input_ = input[1];
    output_.reset(fdopen(output[0], "r"));
    const std::string address = wait_for_line("ACCEPT");
    port_ = static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  }
  ~OpensslServer() {
    ::close(input_);
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  OpensslServer(const OpensslServer&) = delete;
  OpensslServer& operator=(const OpensslServer&) = delete;
  OpensslServer(OpensslServer&&) = delete;
  OpensslServer& operator=(OpensslServer&&) = delete;

  [[nodiscard]] uint16_t port() const { return port_; }
  // The rest of the next line of its output that starts with `start`.
  [[nodiscard]] std::string wait_for_line(std::string_view start) const {
    char line[512];
    while (std::fgets(line, sizeof line, output_.get()) != nullptr) {
      std::string_view text(line);
      if (!text.starts_with(start)) continue;
      text.remove_prefix(start.size());
      return std::string(text.substr(0, text.find('\n')));
    }
    std::fprintf(stderr, "openssl s_server ended\n");
    std::abort();
  }
  // A line to the connected client, or one of s_server's commands: "R" renegotiates (TLS 1.2), "k"
  // updates keys (1.3), "Q" ends.
  void type(std::string_view line) const {
    CHECK(::write(input_, line.data(), line.size()) == static_cast<ssize_t>(line.size()));
  }

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  TemporaryFile certificate_;
  TemporaryFile key_;
  pid_t process_ = 0;
  int input_ = -1;
  std::unique_ptr<std::FILE, CloseFile> output_;
  uint16_t port_ = 0;
};

}  // namespace tls_test
