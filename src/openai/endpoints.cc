#include "openai/endpoints.h"

#include <algorithm>
#include <iterator>

namespace openai {
namespace {

// Of POST requests to `path`, behind /v1.
struct Known {
  std::string_view path;
  Endpoint endpoint;
};
constexpr Endpoint usage{.metering = Metering::usage, .model_in_body = true};
constexpr Endpoint usage_on_request{
    .metering = Metering::usage, .asks_for_usage = true, .model_in_body = true};
constexpr Endpoint free_of_charge{.metering = Metering::free, .model_in_body = true};

// Keeping what is uploaded costs nothing; what is then made of it does.
constexpr Endpoint stored{.metering = Metering::free};

constexpr Known known[] = {
    {"chat/completions", usage_on_request},
    {"completions", usage_on_request},
    {"responses", usage},
    {"responses/compact", usage},
    {"embeddings", usage},
    {"images/generations", usage},
    {"images/edits", usage},
    {"audio/transcriptions", usage},
    {"audio/translations", usage},
    {"messages", usage},  // Anthropic
    {"responses/input_tokens", free_of_charge},
    {"messages/count_tokens", free_of_charge},
    {"moderations", free_of_charge},
    {"files", stored},
    {"uploads", stored},
};

// GET here shows what is stored, or how something is doing; what it shows was charged when it was
// made.
constexpr std::string_view readable[] = {"assistants",
                                         "batches",
                                         "chat",
                                         "completions",
                                         "containers",
                                         "conversations",
                                         "evals",
                                         "files",
                                         "models",
                                         "fine_tuning",
                                         "organization",
                                         "responses",
                                         "skills",
                                         "threads",
                                         "uploads",
                                         "videos",
                                         "vector_stores"};

// Of Gemini's model methods: /models/NAME:generateContent.
constexpr std::string_view gemini_methods[] = {
    "generateContent", "streamGenerateContent", "embedContent", "batchEmbedContents"};

template <size_t count>
bool is_one_of(const std::string_view (&names)[count], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

// Whether every segment is as it looks: none is empty (but for the last, /v1/models/), dotted or
// encoded.
bool is_plain(std::string_view path) {
  if (!path.starts_with('/')) return false;
  path.remove_prefix(1);
  while (!path.empty()) {
    const std::string_view segment = path.substr(0, path.find('/'));
    if (segment.empty() || segment == "." || segment == "..") return false;
    if (segment.find_first_of("%\\;") != std::string_view::npos) return false;
    path.remove_prefix(std::min(segment.size() + 1, path.size()));
  }
  return true;
}

// Takes the first segment from `path`.
std::string_view take_segment(std::string_view& path) {
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(std::min(segment.size() + 1, path.size()));
  return segment;
}

// What stands behind the version: /v1, /openai/v1, /api/v1beta …; all, where there is none.
std::string_view behind_version(std::string_view path) {
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::string_view segment = take_segment(rest);
    if (segment == "v1") return rest;
    // Gemini's; what it has of OpenAI's API stands behind another segment.
    if (segment == "v1beta") return rest.starts_with("openai/") ? rest.substr(7) : rest;
  }
  return path;
}

Endpoint post_endpoint(std::string_view path) {
  const auto* found = std::find_if(
      std::begin(known), std::end(known), [&](const Known& k) { return k.path == path; });
  if (found != std::end(known)) return found->endpoint;
  // What ends or changes a stored object makes nothing new.
  const std::string_view first = path.substr(0, path.find('/'));
  const std::string_view last = path.substr(path.rfind('/') + 1);
  if ((first == "responses" || first == "batches" || first == "uploads") && last == "cancel") {
    return {.metering = Metering::free};
  }
  if (first == "uploads" && (last == "parts" || last == "complete")) return stored;
  return {};
}

// /models/NAME:METHOD, where NAME may have slashes ("models/…").
Endpoint gemini_endpoint(std::string_view path) {
  constexpr std::string_view begin = "models/";
  const size_t colon = path.rfind(':');
  if (!path.starts_with(begin) || colon == std::string_view::npos) return {};
  const std::string_view method = path.substr(colon + 1);
  Endpoint endpoint{.model = path.substr(begin.size(), colon - begin.size())};
  if (is_one_of(gemini_methods, method)) endpoint.metering = Metering::usage;
  if (method == "countTokens") endpoint.metering = Metering::free;
  return endpoint;
}

Endpoint azure_endpoint(std::string_view path) {
  Endpoint endpoint = {};
  const std::string_view deployment = take_segment(path);
  endpoint = post_endpoint(path);
  endpoint.model_in_body = false;
  endpoint.model = deployment;
  return endpoint;
}

}  // namespace

Endpoint endpoint_of(std::string_view method, std::string_view path, bool is_upgrade) {
  if (!is_plain(path)) return {};
  path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  constexpr std::string_view azure = "openai/deployments/";
  const bool is_azure = path.starts_with(azure);
  const std::string_view rest = is_azure ? path.substr(azure.size()) : behind_version(path);
  if (is_upgrade) {
    const bool is_session = rest == "realtime" || rest == "responses" || path == "openai/realtime";
    return {.metering = is_session ? Metering::session : Metering::unknown};
  }
  if (method == "OPTIONS" || method == "HEAD" || method == "DELETE") {
    return {.metering = Metering::free};
  }
  if (method == "GET") {
    const bool is_readable = is_one_of(readable, rest.substr(0, rest.find('/')));
    return {.metering = is_readable && !is_azure ? Metering::free : Metering::unknown};
  }
  if (method != "POST") return {};
  if (is_azure) return azure_endpoint(rest);
  if (rest.find(':') != std::string_view::npos) return gemini_endpoint(rest);
  return post_endpoint(rest);
}

std::string_view model_of_session(std::string_view query) {
  std::string_view model;
  while (!query.empty()) {
    const std::string_view member = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(member.size() + 1, query.size()));
    const size_t equals = std::min(member.find('='), member.size());
    const std::string_view name = member.substr(0, equals);
    // It could be any name.
    if (name.find_first_of("%+;") != std::string_view::npos) return {};
    if (name != "model" && name != "deployment") continue;
    const std::string_view value = member.substr(std::min(equals + 1, member.size()));
    if (!model.empty() || value.find_first_of("%+;") != std::string_view::npos) return {};
    model = value;
  }
  return model;
}

}  // namespace openai
