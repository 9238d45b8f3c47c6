// process/greeting: what a start says.
#include "process/greeting.h"

#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "config/load.h"

namespace {

std::string said(std::string_view yaml, std::string_view unused_proxy = {}) {
  const auto config = config::load_text(yaml, "t");
  REQUIRE(config);
  std::string text;
  const process::Started started{.config_file = "t",
                                 .listening = config->listen,
                                 .admin = config->admin.listen,
                                 .unused_proxy = unused_proxy};
  for (const auto& line : process::greeting(*config, started)) {
    text += (line.level == base::LogLevel::warning ? "! " : "") + line.text + "\n";
  }
  return text;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("the start names file, upstreams, the admin address and the next step") {
  const std::string text = said("listen: '127.0.0.1:8080'\n");
  CHECK(contains(text, "configuration t\nforwarding / to https://api.openai.com\n"));
  CHECK(contains(text, "http://127.0.0.1:9901"));
  CHECK(contains(text, "base URL for your SDK: http://127.0.0.1:8080/v1\n"));
  CHECK_FALSE(contains(text, "! "));
  CHECK(contains(said("listen: ['0.0.0.0:80', '[::]:81']\n"), "! [::]:81 is plain http"));
  CHECK(contains(said("listen: unix:/s\n"), "curl --unix-socket /s http://localhost/v1/models"));
  CHECK(
      contains(said("{}", "HTTPS_PROXY"), "! HTTPS_PROXY is set in the environment but not used"));
}

TEST_CASE("the base URL for an SDK has the version once") {
  const auto with_base = [](const std::string& url) {
    return said("listen: ':1'\nupstreams: {openai: {url: '" + url + "'}}\n");
  };
  CHECK(contains(with_base("https://h.example/v1"), "SDK: http://127.0.0.1:1/v1\n"));
  CHECK(contains(with_base("https://h.example/v1beta/openai"), "SDK: http://127.0.0.1:1\n"));
  CHECK(contains(with_base("https://h.example/base"), "SDK: http://127.0.0.1:1/v1\n"));
}
