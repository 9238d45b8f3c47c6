// conf/examples: each file as a user would run it, but for its address and upstream.
#include <cstdlib>
#include <map>
#include <string>

#include <doctest/doctest.h>

#include "config/load.h"
#include "support/files.h"
#include "support/proxy_fixture.h"

using test::get;
using test::Message;
using test::Proxy;
using test::RawUpstream;

namespace {

config::Config example(const std::string& name, const RawUpstream& upstream) {
  const std::map<std::string, std::string> secrets = {{"OPENAI_API_KEY", "sk-key"},
                                                      {"PROXY_TOKEN", "oap-me"},
                                                      {"OPENAI_KEY_A", "sk-a"},
                                                      {"OPENAI_KEY_B", "sk-b"},
                                                      {"ALICE_TOKEN", "oap-alice"},
                                                      {"BOB_TOKEN", "oap-bob"},
                                                      {"CI_TOKEN", "oap-ci"}};
  for (const auto& [variable, value] : secrets)
    REQUIRE(::setenv(variable.c_str(), value.c_str(), 1) == 0);
  auto loaded = config::load_file(OPENAI_PROXY_SOURCE_DIR "/conf/examples/" + name);
  if (!loaded) FAIL(loaded.error().text());
  config::Config config = *std::move(loaded);
  const config::Config basis = test::test_config(upstream.url(), "");
  config.listen = basis.listen;
  config.admin = basis.admin;
  config.log = basis.log;
  config.workers = basis.workers;
  config.upstreams.at("openai").url = basis.upstreams.at("openai").url;
  return config;
}

std::string ask(const std::string& token, const std::string& model) {
  return test::post("/v1/chat/completions",
                    "{\"model\":\"" + model + "\",\"messages\":[]}",
                    {{"Authorization", "Bearer " + token}, {"Content-Type", "application/json"}});
}

const std::string ok = test::message("200 OK", {{"Content-Type", "application/json"}}, "{}");

}  // namespace

TEST_CASE("one person: the key stays on the server") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(example("one-person.yaml", upstream));
  CHECK(proxy.round_trip(ask("oap-me", "gpt-5-mini")).status() == 200);
  CHECK(upstream.next_request().value("authorization") == "Bearer sk-key");
  CHECK(proxy.round_trip(ask("sk-key", "gpt-5-mini")).status() == 401);
}

TEST_CASE("a team: keys in turn, members with what they may") {
  const test::TemporaryFolder folder;
  RawUpstream upstream(test::serve(ok));
  config::Config config = example("team.yaml", upstream);
  config.state.file = folder / config.state.file;
  const Proxy proxy(config);
  int a = 0;
  for (int i = 0; i < 6; ++i) {
    CHECK(proxy.round_trip(ask("oap-alice", "gpt-5-mini")).status() == 200);
    if (upstream.next_request().value("authorization") == "Bearer sk-a") ++a;
  }
  CHECK(a == 4);
  CHECK(proxy.round_trip(ask("oap-alice", "o3-pro")).status() == 403);
  CHECK(proxy.round_trip(ask("oap-ci", "gpt-5")).status() == 403);
  CHECK(proxy.round_trip(ask("oap-ci", "gpt-5-mini")).status() == 200);
  const Message bob = proxy.round_trip(get("/_proxy/me", {{"api-key", "oap-bob"}}));
  CHECK(bob.status() == 200);
  CHECK(bob.body.find("\"max_budget\",\"limit\":\"10.00\"") != std::string::npos);
  CHECK(bob.body.find("\"tokens/day\",\"limit\":2000000") != std::string::npos);
}
