// conf/openai-proxy.yaml: it is the documentation of the keys, so it must be complete and true.
#include <algorithm>
#include <cstdlib>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "config/load.h"
#include "config/yaml_tree.h"
#include "support/files.h"

namespace {

std::string conf_file() {
  const std::string text = test::read_file(OPENAI_PROXY_SOURCE_DIR "/conf/openai-proxy.yaml");
  REQUIRE_FALSE(text.empty());
  return text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);)
    lines.push_back(line);
  return lines;
}

size_t indent_of(std::string_view line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

// "key:" or "- key: value", where the indent ends.
bool begins_with_key(std::string_view text) {
  text.remove_prefix(indent_of(text));
  if (text.starts_with("- ")) text.remove_prefix(2);
  const size_t colon = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789");
  if (colon == 0 || colon == std::string_view::npos || text[colon] != ':') return false;
  return colon + 1 == text.size() || text[colon + 1] == ' ';
}

// "# key: value" becomes "key: value", also as a list's item; prose begins with a capital.
std::string uncommented(const std::string& text) {
  std::string output;
  for (std::string line : lines_of(text)) {
    const size_t indent = indent_of(line);
    const std::string_view rest = std::string_view(line).substr(indent);
    if (rest.starts_with("# ") && begins_with_key(rest.substr(2))) line.erase(indent, 2);
    output += line + "\n";
  }
  return output;
}

void collect(const config::Node& node, const std::string& path, std::set<std::string>& paths) {
  for (size_t i = 0; i < node.values.size(); ++i) {
    const bool map = node.kind == config::Node::Kind::map;
    const std::string below = map ? path + "." + node.keys[i].text : path;
    if (map) paths.insert(below);
    collect(node.values[i], below, paths);
  }
}

std::set<std::string> paths_of(const std::string& text) {
  const auto tree = config::parse_yaml(text);
  REQUIRE(tree);
  std::set<std::string> paths;
  collect(*tree, "", paths);
  return paths;
}

}  // namespace

TEST_CASE("the shipped file is the default configuration") {
  const auto config = config::load_text(conf_file(), "openai-proxy.yaml");
  if (!config) FAIL(config.error().text());
  CHECK(config::to_yaml(*config) == config::to_yaml(config::default_config()));
}

TEST_CASE("its commented examples load") {
  const std::string text = uncommented(conf_file());
  CHECK(text != conf_file());
  REQUIRE(setenv("OPENAI_API_KEY", "sk-example", 1) == 0);
  REQUIRE(setenv("BOB_TOKEN", "oap-example", 1) == 0);
  const auto config = config::load_text(text, "openai-proxy.yaml");
  if (!config) FAIL(config.error().text());
  CHECK(config->upstreams.at("openai").host == "api.openai.com");
  CHECK(config->upstreams.size() == 2);
  CHECK(config->upstreams.at("openai").keys.size() == 1);
  CHECK(config->routes.size() == 2);
  CHECK(config->clients.size() == 2);
  REQUIRE(config->listen.size() == 2);
  REQUIRE(config->listen[0].tls.has_value());
  CHECK(config->listen[0].tls->certificates.size() == 1);
  CHECK(config->listen[0].tls->min_version == config::ListenTls{}.min_version);
  CHECK(config->listen[1].redirect_to_https);
}

TEST_CASE("every known key stands in it") {
  config::Config full = config::default_config();
  full.upstreams.at("openai").host = "h";  // keys without a default
  full.upstreams.at("openai").keys = {{.name = "n",
                                       .key = config::Secret("k"),
                                       .group = "g",
                                       .organization = "o",
                                       .project = "p",
                                       .rpm_limit = 1,
                                       .tpm_limit = 1,
                                       .max_parallel_requests = 1}};
  full.clients["alice"] = {.token_sha256 = "d",
                           .models = {"m"},
                           .models_denied = {"m"},
                           .paths = {"/p"},
                           .addresses = {base::Network()},
                           .origins = {"*"},
                           .expires = {1},
                           .rpm_limit = 1,
                           .tpm_limit = 1,
                           .max_parallel_requests = 1,
                           .max_budget = 1,
                           .limits = {{.requests = 1}, {.tokens = 1}, {.budget = 1}}};
  full.clients["bob"].token = config::Secret("t");
  full.usage.prices["my_model"] = {.cached = 1, .cache_write = 1};
  full.listen.front().acme_webroot = "/w";
  full.listen.front().tls =
      config::ListenTls{.certificate = "c", .key = "k", .certificates = {{}}, .client_ca = "a"};
  const auto shipped = paths_of(uncommented(conf_file()));
  const auto known = paths_of(config::to_yaml(full));
  CHECK(known.size() > 60);
  for (const auto& path : known) {
    CAPTURE(path);
    // What has a default stands where defaults do.
    const std::string as_default =
        std::regex_replace(path, std::regex("^\\.clients\\.[a-z]+"), ".client_defaults");
    CHECK((shipped.contains(path) || shipped.contains(as_default)));
  }
}

TEST_CASE("every key in it has its comment") {
  const auto lines = lines_of(conf_file());
  for (size_t i = 1; i < lines.size(); ++i) {
    CAPTURE(lines[i]);
    CHECK(lines[i].size() <= 100);
    if (!begins_with_key(lines[i]) || lines[i].ends_with(':')) continue;
    const bool commented_above =
        std::string_view(lines[i - 1]).substr(indent_of(lines[i - 1])).starts_with('#');
    const bool commented_here = lines[i].find(" # ") != std::string::npos;
    CHECK((commented_here || commented_above));
  }
}
