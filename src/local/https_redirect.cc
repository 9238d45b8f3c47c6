#include "local/https_redirect.h"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <sys/stat.h>

#include "base/ascii.h"
#include "base/fd.h"
#include "base/url.h"
#include "http/target.h"
#include "openai/api_error.h"

namespace local {
namespace {

constexpr std::string_view acme_folder = "/.well-known/acme-challenge/";
constexpr size_t token_bytes_max = 128;       // of base64url; they have 43
constexpr size_t challenge_bytes_max = 4096;  // they have less than 100

constexpr openai::ApiError https_only = {
    308,
    "invalid_request_error",
    "https_only",
    "This address speaks https only; follow the Location, and change http:// to https:// in what "
    "you call: over http anybody on the way can read your key."};
constexpr openai::ApiError host_needed = {
    400, "invalid_request_error", "https_only", "This address speaks https only."};
constexpr openai::ApiError no_challenge = {
    404, "invalid_request_error", "no_challenge", "There is no such challenge file."};

// RFC 8555 8.3: nothing that could lead out of the folder.
bool is_token(std::string_view text) {
  return !text.empty() && text.size() <= token_bytes_max &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return base::is_letter_or_digit(c) || c == '-' || c == '_';
         });
}

// The content of the challenge file for `path`, which is in that folder. Nothing where there is
// none, or it is no plain small file of that very folder. Reads the file at once: it is at most one
// page, written a moment ago.
std::optional<std::string> read_challenge(const std::string& webroot, std::string_view path) {
  if (!is_token(path.substr(acme_folder.size()))) return std::nullopt;
  const std::string file_path = fmt::format("{}{}", webroot, path);
  // A link would lead elsewhere, and opening a pipe would wait.
  constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  const base::Fd file(::open(file_path.c_str(), flags));
  struct stat what {};
  if (!file || ::fstat(file.get(), &what) != 0 || !S_ISREG(what.st_mode)) return std::nullopt;
  std::array<char, challenge_bytes_max + 1> text;
  const ssize_t size = ::read(file.get(), text.data(), text.size());
  if (size < 0 || static_cast<size_t>(size) > challenge_bytes_max) return std::nullopt;
  return std::string(text.data(), static_cast<size_t>(size));
}

}  // namespace

std::unique_ptr<Answer> HttpsRedirect::serve(const http::Head& request, Responder& responder) {
  const std::string_view path =
      http::origin_form(request.method, request.target, responder.arena());
  if (!acme_webroot_.empty() && path.starts_with(acme_folder)) {
    serve_challenge(path.substr(0, path.find('?')), responder);
    return nullptr;
  }
  const std::string_view there = location(request, responder.arena());
  if (there.empty()) {
    responder.reply(host_needed, {});
  } else {
    const http::Field field{"Location", there};
    responder.reply(https_only, {&field, 1});
  }
  return nullptr;
}

void HttpsRedirect::serve_challenge(std::string_view path, Responder& responder) const {
  std::optional<std::string> challenge = read_challenge(acme_webroot_, path);
  if (challenge) {
    responder.reply({.content_type = "application/octet-stream", .body = *std::move(challenge)});
  } else {
    responder.reply(no_challenge, {});
  }
}

// Empty where the request names no host (HTTP/1.0).
std::string_view HttpsRedirect::location(const http::Head& request, base::Arena& arena) const {
  const http::Field* host = request.find("host");
  if (host == nullptr) return {};
  std::string_view path = http::origin_form(request.method, request.target, arena);
  if (!path.starts_with('/')) path = "/";
  const std::string port = https_port_ == 443 ? "" : fmt::format(":{}", https_port_);
  return arena.join({"https://", base::without_port(host->value), port, path});
}

}  // namespace local
