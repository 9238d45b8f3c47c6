#include "server/check.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "deploy/deployment.h"
#include "deploy/listener_tls.h"
#include "server/loops.h"

namespace server {
namespace {

void check_upstreams(const config::Config& config, std::vector<std::string>& wrong) {
  for (const auto& [name, upstream] : config.upstreams) {
    auto alone = std::make_shared<config::Config>();
    alone->upstreams.emplace(name, upstream);
    const auto deployment = deploy::deploy(std::move(alone), nullptr);
    if (!deployment) wrong.push_back(deployment.error());
  }
}

void check_webroot(const std::string& folder,
                   const std::string& path,
                   std::vector<std::string>& wrong) {
  struct stat found {};
  if (::stat(folder.c_str(), &found) != 0) {
    const int error = errno;
    wrong.push_back(fmt::format("{}: {}: {}{}",
                                path,
                                folder,
                                std::strerror(error),
                                error == ENOENT ? "; create it: mkdir -p " + folder : ""));
  } else if (!S_ISDIR(found.st_mode)) {
    wrong.push_back(fmt::format("{}: {} is no folder", path, folder));
  } else if (::access(folder.c_str(), R_OK | X_OK) != 0) {
    wrong.push_back(fmt::format("{}: {}: {}", path, folder, std::strerror(errno)));
  }
}

void check_listeners(const config::Config& config, std::vector<std::string>& wrong) {
  for (size_t i = 0; i < config.listen.size(); ++i) {
    const config::Listen& listen = config.listen[i];
    if (!listen.acme_webroot.empty()) {
      check_webroot(listen.acme_webroot, fmt::format("listen[{}].acme_webroot", i), wrong);
    }
    if (!listen.tls) continue;
    // The others without theirs: the error counts them.
    std::vector<config::Listen> alone = config.listen;
    for (size_t other = 0; other < alone.size(); ++other) {
      if (other != i) alone[other].tls.reset();
    }
    const auto loaded = deploy::load_listeners_tls(alone, {});
    if (!loaded) wrong.push_back(loaded.error());
  }
}

// Made by who checks it, root say, a new file would be one that the service may not write to.
void check_log(const std::string& access, std::vector<std::string>& wrong) {
  if (access == "stdout" || access == "off") return;
  std::error_code ignored;
  const bool exists = std::filesystem::exists(access, ignored);
  const std::filesystem::path folder = std::filesystem::path(access).parent_path();
  const std::string tried = exists ? access : folder.empty() ? "." : folder.string();
  if (std::filesystem::is_directory(access, ignored)) {
    wrong.push_back(fmt::format("log.access: {} is a folder: name a file in it", access));
  } else if (::access(tried.c_str(), exists ? W_OK : W_OK | X_OK) != 0) {
    const int error = errno;
    wrong.push_back(fmt::format("log.access: cannot write {}: {}: {}{}",
                                access,
                                tried,
                                std::strerror(error),
                                error == ENOENT ? "; create it: mkdir -p " + tried : ""));
  }
}

}  // namespace

std::vector<std::string> check(const config::Config& config) {
  std::vector<std::string> wrong;
  check_listeners(config, wrong);
  check_upstreams(config, wrong);
  check_log(config.log.access, wrong);
  for (std::string& loop : find_loops(config, addresses_of(config.listen)))
    wrong.push_back(std::move(loop));
  return wrong;
}

}  // namespace server
