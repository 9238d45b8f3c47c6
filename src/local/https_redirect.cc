#include "local/https_redirect.h"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "http/target.h"
#include "net/fd.h"

namespace local {
namespace {

constexpr std::string_view acme_folder = "/.well-known/acme-challenge/";
constexpr size_t token_bytes_max = 128;       // of base64url; they have 43
constexpr size_t challenge_bytes_max = 4096;  // they have less than 100

// RFC 8555 8.3: nothing that could lead out of the folder.
bool is_token(std::string_view text) {
  return !text.empty() && text.size() <= token_bytes_max &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

std::string_view without_port(std::string_view authority) {
  const size_t colon = authority.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
  return has_port ? authority.substr(0, colon) : authority;
}

}  // namespace

std::string_view https_location(const http::Head& request, uint16_t port, base::Arena& arena) {
  const http::Field* host = request.find("host");
  if (host == nullptr) return {};
  std::string_view path = http::origin_form(request.method, request.target, arena);
  if (!path.starts_with('/')) path = "/";
  const std::string port_text = port == 443 ? "" : fmt::format(":{}", port);
  return arena.join({"https://", without_port(host->value), port_text, path});
}

bool is_acme_path(std::string_view path) {
  return path.starts_with(acme_folder);
}

std::optional<std::string> read_acme_challenge(const std::string& webroot, std::string_view path) {
  if (!is_acme_path(path) || !is_token(path.substr(acme_folder.size()))) return std::nullopt;
  const std::string file_path = fmt::format("{}{}", webroot, path);
  // A link would lead elsewhere, and opening a pipe would wait.
  constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  const net::Fd file(::open(file_path.c_str(), flags));
  struct stat what {};
  if (!file || ::fstat(file.get(), &what) != 0 || !S_ISREG(what.st_mode)) return std::nullopt;
  std::array<char, challenge_bytes_max + 1> text;
  const ssize_t size = ::read(file.get(), text.data(), text.size());
  if (size < 0 || static_cast<size_t>(size) > challenge_bytes_max) return std::nullopt;
  return std::string(text.data(), static_cast<size_t>(size));
}

}  // namespace local
