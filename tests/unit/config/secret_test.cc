// Secrets in a configuration: where they may come from, and that nothing shows them.
#include "config/secret.h"

#include <cstdlib>
#include <string>

#include <doctest/doctest.h>

#include "config/load.h"

using config::Secret;

namespace {

constexpr const char* hidden = "sk-proj-never-shown-0123456789";

std::string refused(const std::string& text) {
  const auto config = config::load_text(text, "t");
  REQUIRE(!config);
  return config.error().text();
}

config::Config loaded(const std::string& text) {
  auto config = config::load_text(text, "t");
  if (!config) FAIL(config.error().text());
  return *std::move(config);
}

std::string with_keys(const std::string& keys) {
  return "allow_anonymous: true\nupstreams: { openai: { keys: " + keys + " } }\n";
}

}  // namespace

TEST_CASE("secrets compare, move and copy as values") {
  const Secret a(hidden);
  Secret b = a;
  CHECK(a == b);
  CHECK(a != Secret(std::string(hidden) + "x"));
  CHECK(a != Secret());
  const Secret c = std::move(b);
  CHECK(c == a);
  CHECK(b.empty());  // NOLINT(bugprone-use-after-move): that is what is promised
}

TEST_CASE("one key stands alone, several in a list, or with all they have") {
  CHECK(loaded(with_keys(hidden)).upstreams.at("openai").keys.size() == 1);
  CHECK(loaded(with_keys("[sk-a, sk-b]")).upstreams.at("openai").keys[1].name == "2");
  const auto config = loaded(
      with_keys("[{ key: sk-a, name: one, weight: 3, group: g, organization: o, project: p }]"));
  const config::UpstreamKey& key = config.upstreams.at("openai").keys[0];
  CHECK(key.key.reveal() == "sk-a");
  CHECK(key.name == "one");
  CHECK(key.weight == 3);
  CHECK(key.organization == "o");
}

TEST_CASE("what is printed names where a secret comes from, or nothing") {
  REQUIRE(setenv("OPENAI_PROXY_TEST_KEY", hidden, 1) == 0);
  for (const char* keys : {"\"${OPENAI_PROXY_TEST_KEY}\"",
                           hidden,
                           "\"${OPENAI_PROXY_TEST_UNSET:-sk-proj-never-shown-0123456789}\"",
                           "\"sk-proj-never-shown-${OPENAI_PROXY_TEST_KEY}\""}) {
    CAPTURE(keys);
    const std::string text = config::to_yaml(loaded(with_keys(keys)));
    CHECK(text.find("never-shown") == std::string::npos);
  }
  const std::string text = config::to_yaml(loaded(with_keys("\"${OPENAI_PROXY_TEST_KEY}\"")));
  CHECK(text.find("key: \"${OPENAI_PROXY_TEST_KEY}\"") != std::string::npos);
  CHECK(config::to_yaml(loaded(text)) == text);
}

TEST_CASE("the mask is not taken for a key") {
  const std::string error = refused(config::to_yaml(loaded(with_keys(hidden))));
  CHECK(error.find("the mask that --print-config writes") != std::string::npos);
}

TEST_CASE("errors do not show what stands where a secret belongs") {
  const std::string bad = std::string("\"") + hidden + " x\"";
  for (const std::string& text : {with_keys(bad),
                                  with_keys("[{ key: " + bad + " }]"),
                                  with_keys("[{ key: [" + bad + "] }]"),
                                  "clients: { a: { token: " + bad + " } }\n",
                                  "clients: { a: { token_sha256: " + std::string(hidden) + " } }\n",
                                  "clients: { a: " + std::string(hidden) + " }\n",
                                  "client_defaults: { token: " + std::string(hidden) + " }\n",
                                  std::string("clients: { a: { token: t }, b: { token: t } }\n")}) {
    const std::string error = refused(text);
    CAPTURE(error);
    CHECK(error.find("never-shown") == std::string::npos);
  }
}

TEST_CASE("keys that anybody could use are refused, unless that is meant") {
  CHECK(refused("upstreams: { openai: { keys: [sk-a] } }\n").find("allow_anonymous: true") !=
        std::string::npos);
  loaded("upstreams: { openai: { keys: [sk-a] } }\nclients: { a: { token: t } }\n");
}

TEST_CASE("clients begin as client_defaults say") {
  const auto config = loaded(
      "client_defaults: { models: [gpt-5], expires: 2027-01-31 }\n"
      "clients: { a: { token: t1 }, b: { token: t2, models: [o3] } }\n");
  CHECK(config.clients.at("a").models == std::vector<std::string>{"gpt-5"});
  CHECK(config.clients.at("b").models == std::vector<std::string>{"o3"});
  CHECK(config.clients.at("b").expires.days == 20'849);
}

TEST_CASE("a client has one token, and no other has it") {
  CHECK(refused("clients: { a: {} }\n").find("openai-proxy token new a") != std::string::npos);
  CHECK(refused("clients: { a: { token: t }, b: { token: t } }\n").find("is that of a") !=
        std::string::npos);
}

TEST_CASE("days of the calendar") {
  for (const char* day :
       {"2027-02-29", "2027-13-01", "2027-1-1", "today", "2027-01-31T00:00:00Z"}) {
    CAPTURE(day);
    CHECK(refused("client_defaults: { expires: \"" + std::string(day) + "\" }\n")
              .find("2027-01-31") != std::string::npos);
  }
}
