// config/load: what is accepted and to what, and what is refused with which words, where.
#include "config/load.h"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

#include "support/files.h"

using config::Config;
using config::load_text;

namespace {

Config loaded(std::string_view text) {
  const auto config = load_text(text, "test.yaml");
  if (!config) FAIL(config.error().text());
  return *config;
}

std::string refused(std::string_view text) {
  const auto config = load_text(text, "t");
  return config ? "(accepted)" : config.error().text();
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("no text at all is the default configuration") {
  const Config config = config::default_config();
  REQUIRE(config.upstreams.contains("openai"));
  CHECK(config.upstreams.at("openai").url.origin.text() == "https://api.openai.com");
  REQUIRE(config.routes.size() == 1);
  CHECK(config.routes[0].path == "/");
  CHECK(config.routes[0].upstream == "openai");
  const std::string defaults = config::to_yaml(config);
  for (const std::string text :
       {"", "# nothing\n", "{}", "cors:\nlog: ~\n", "upstreams: {openai:}"}) {
    CAPTURE(text);
    CHECK(config::to_yaml(loaded(text)) == defaults);
  }
}

TEST_CASE("every key arrives where it belongs") {
  const Config config = loaded(R"(
listen: ["127.0.0.1:1", {address: "[::1]:2", proxy_protocol: {from: [10.0.0.0/8, unix]}},
         unix:/run/p.sock,
         {address: ":443", tls: {certificate: c.pem, key: k.pem, min_version: 1.3, client_ca: a.pem,
                                 certificates: [{certificate: d.pem, key: l.pem}]}},
         {address: ":80", redirect_to_https: true, acme_webroot: /w}]
workers: 3
memory_limit: 39MiB
upstreams:
  openai: {host: example.com:8443, tls: {verify: false, ca_file: /ca.pem, min_version: 1.3}}
  local:
    url: http://127.0.0.1:11434/base
    pool: {connections_max: 11, idle_max: 12, idle_timeout: 13s, waiting_max: 14,
           waiting_timeout: 15s, warm: 6}
    timeouts: {connect: 17ms, tls_handshake: 18ms, unreachable: 40ms, first_byte: 19ms, silence: 20ms,
               stream_silence: 33ms}
routes:
  - {path: /local, upstream: local, strip_prefix: true, websockets: false, retry_posts: true}
  - {path: /}
cors: {enabled: false, allow_origins: ["https://*.a.com"], allow_headers: [A, b],
       expose_headers: [], max_age: 21m}
redirects: {follow: false, max: 20}
headers: {strip_cdn: false, strip_request: [Cookie], strip_response: [], add_forwarded: true,
          add_via: true}
limits: {connections_max: 22, when_full: refuse, connections_per_address_max: 32, head_bytes_max: 23KiB, fields_max: 24, body_bytes_max: 25MB,
         replay_bytes_max: 26, url_bytes_max: 34KiB, pipelined_bytes_max: 35KiB,
         requests_per_connection_max: 36}
timeouts: {request_head: 27ms, request_body_silence: 28ms, response_write_silence: 29ms,
           request_body_rate_min: 37, response_write_rate_min: 38, keep_alive: 30ms, drain: 31ms,
           unreachable: 41ms}
log: {level: debug, access: /var/log/a.log, format: text}
admin: {listen: off}
)");
  REQUIRE(config.listen.size() == 5);
  CHECK(config.listen[0].text() == "127.0.0.1:1");
  CHECK(config.listen[1].text() == "[::1]:2");
  CHECK(config.listen[1].host == "::1");
  CHECK(config.listen[2].text() == "unix:/run/p.sock");
  CHECK(config.listen[0].proxy_protocol.from.empty());
  REQUIRE(config.listen[1].proxy_protocol.from.size() == 2);
  CHECK(config.listen[1].proxy_protocol.from[0].text() == "10.0.0.0/8");
  CHECK(config.listen[1].proxy_protocol.from[1].text() == "unix");
  CHECK_FALSE(config.listen[0].tls.has_value());
  CHECK_FALSE(config.listen[0].redirect_to_https);
  REQUIRE(config.listen[3].tls.has_value());
  const config::ListenTls& tls = *config.listen[3].tls;
  CHECK(tls.certificate == "c.pem");
  CHECK(tls.key == "k.pem");
  CHECK(tls.certificates == std::vector<config::CertificateFiles>{{"d.pem", "l.pem"}});
  CHECK(tls.min_version == config::TlsVersion::tls1_3);
  CHECK(tls.client_ca == "a.pem");
  CHECK(config.listen[4].redirect_to_https);
  CHECK(config.listen[4].acme_webroot == "/w");
  CHECK(config.workers == 3);
  CHECK(config.memory_limit == 39 << 20);
  const auto& openai = config.upstreams.at("openai");
  CHECK(openai.url.origin.host == "api.openai.com");
  CHECK(openai.host == "example.com:8443");
  CHECK_FALSE(openai.tls.verify);
  CHECK(openai.tls.ca_file == "/ca.pem");
  CHECK(openai.tls.min_version == config::TlsVersion::tls1_3);
  const auto& local = config.upstreams.at("local");
  CHECK(local.url.origin.port == 11434);
  CHECK(local.url.target == "/base");
  CHECK(local.pool.connections_max == 11);
  CHECK(local.pool.idle_max == 12);
  CHECK(local.pool.idle_timeout_ms == 13'000);
  CHECK(local.pool.waiting_max == 14);
  CHECK(local.pool.waiting_timeout_ms == 15'000);
  CHECK(local.pool.warm == 6);
  CHECK(local.timeouts.connect_ms == 17);
  CHECK(local.timeouts.tls_handshake_ms == 18);
  CHECK(local.timeouts.unreachable_ms == 40);
  CHECK(local.timeouts.first_byte_ms == 19);
  CHECK(local.timeouts.silence_ms == 20);
  CHECK(local.timeouts.stream_silence_ms == 33);
  REQUIRE(config.routes.size() == 2);
  CHECK(config.routes[0].path == "/local");
  CHECK(config.routes[0].upstream == "local");
  CHECK(config.routes[0].strip_prefix);
  CHECK_FALSE(config.routes[0].websockets);
  CHECK(config.routes[0].retry_posts);
  CHECK(config.routes[1].upstream == "openai");
  CHECK_FALSE(config.cors.enabled);
  CHECK(config.cors.allow_origins == std::vector<std::string>{"https://*.a.com"});
  CHECK(config.cors.allow_headers == std::vector<std::string>{"a", "b"});
  CHECK(config.cors.expose_headers == std::vector<std::string>{});
  CHECK(config.cors.max_age_ms == 21 * 60'000);
  CHECK_FALSE(config.redirects.follow);
  CHECK(config.redirects.max == 20);
  CHECK_FALSE(config.headers.strip_cdn);
  CHECK(config.headers.strip_request == std::vector<std::string>{"cookie"});
  CHECK(config.headers.strip_response.empty());
  CHECK(config.headers.add_forwarded);
  CHECK(config.headers.add_via);
  CHECK(config.limits.connections_max == 22);
  CHECK(config.limits.url_bytes_max == 34 * 1024);
  CHECK(config.limits.pipelined_bytes_max == 35 * 1024);
  CHECK(config.limits.requests_per_connection_max == 36);
  CHECK(config.timeouts.request_body_rate_min == 37);
  CHECK(config.timeouts.response_write_rate_min == 38);
  CHECK(config.limits.when_full == config::WhenFull::refuse);
  CHECK(config.limits.connections_per_address_max == 32);
  CHECK(config.limits.head_bytes_max == 23 * 1024);
  CHECK(config.limits.fields_max == 24);
  CHECK(config.limits.body_bytes_max == 25'000'000);
  CHECK(config.limits.replay_bytes_max == 26);
  CHECK(config.timeouts.request_head_ms == 27);
  CHECK(config.timeouts.unreachable_ms == 41);
  CHECK(config.timeouts.request_body_silence_ms == 28);
  CHECK(config.timeouts.response_write_silence_ms == 29);
  CHECK(config.timeouts.keep_alive_ms == 30);
  CHECK(config.timeouts.drain_ms == 31);
  CHECK(config.log.level == base::LogLevel::debug);
  CHECK(config.log.access == "/var/log/a.log");
  CHECK(config.log.format == config::LogFormat::text);
  CHECK_FALSE(config.admin.listen.has_value());
  // And what is printed of it loads to the same.
  const std::string text = config::to_yaml(config);
  CHECK(config::to_yaml(loaded(text)) == text);
}

TEST_CASE("what is odd to write in YAML survives printing and loading") {
  Config config = config::default_config();
  for (const std::string name :
       {"null",    "~",   "true", "1.5", "- a",         "a: b", "#x",  "a\"b\\c",
        "${HOME}", "$${", "{a}",  "[a]", "caf\xc3\xa9", "*a",   "&a",  "!a",
        "%a",      "@a",  " a ",  "...", "---",         "a:",   "'a'", "-"}) {
    CAPTURE(name);
    config.log.access = name;
    config.headers.strip_request = {"a"};
    config.upstreams["openai"].tls.ca_file = name;
    const Config again = loaded(config::to_yaml(config));
    CHECK(again.log.access == name);
    CHECK(again.upstreams.at("openai").tls.ca_file == name);
  }
}

TEST_CASE("listen takes one address or a list") {
  CHECK(loaded("listen: 127.0.0.1:9\n").listen.at(0).text() == "127.0.0.1:9");
  CHECK(loaded("listen: :9\n").listen.at(0).text() == "0.0.0.0:9");
  CHECK(loaded("listen: [127.0.0.1:0, 127.0.0.1:0]\n").listen.size() == 2);
  CHECK(loaded("listen: [{}]\n").listen.at(0).text() == "0.0.0.0:8080");
  CHECK(contains(refused("listen: []\n"), "t:1:9: listen: expected a list with at least one item"));
  CHECK(loaded("listen: {address: :9}\n").listen.at(0).text() == "0.0.0.0:9");
  CHECK(loaded("listen: 9\n").listen.at(0).text() == "0.0.0.0:9");
  CHECK(contains(refused("listen: [[]]\n"), "listen[0]: expected an address"));
  CHECK(
      contains(refused("listen: [{adress: :9}]\n"), "listen[0].adress: unknown key; did you mean"));
  CHECK(contains(refused("listen: my-host:80\n"), "(no host names), found \"my-host:80\""));
}

TEST_CASE("a listener's TLS needs both files, and a redirect needs a plain listener") {
  const auto refused_listener = [](const std::string& keys) {
    return refused("listen: [{" + keys + "}]\n");
  };
  const std::string files = "certificate: c, key: k";
  const struct {
    std::string keys;
    std::string error;
  } cases[] = {
      {"tls: {}", "t:1:16: listen[0].tls.certificate: is missing: expected the name of a PEM file"},
      {"tls:", "listen[0].tls.certificate: is missing"},
      {"tls: {certificate: c}", "listen[0].tls.key: is missing: expected the name of a PEM file"},
      {"tls: {key: k}", "listen[0].tls.certificate: is missing"},
      {"tls: {" + files + ", certificates: []}", "certificates: expected a list with at least one"},
      {"tls: {" + files + ", certificates: [{certificate: d}]}",
       "listen[0].tls.certificates[0].key: is missing"},
      {"tls: {" + files + ", min_version: 1.1}", "min_version: expected 1.2 or 1.3, found \"1.1\""},
      {"tls: {" + files + ", certificat: x}", "unknown key; did you mean \"certificate\"?"},
      {"tls: true", "listen[0].tls: expected a section"},
      {"tls: {" + files + "}, redirect_to_https: true",
       "listen[0].redirect_to_https: this address speaks https already (tls)"},
      {"acme_webroot: /w", "listen[0].acme_webroot: only with redirect_to_https: true"},
      {"redirect_to_https: maybe", "redirect_to_https: expected true or false, found \"maybe\""},
  };
  for (const auto& one : cases) {
    CAPTURE(one.keys);
    const std::string error = refused_listener(one.keys);
    CAPTURE(error);
    CHECK(contains(error, one.error));
  }
}

TEST_CASE("refusals say where, what was expected and what was found") {
  struct Case {
    std::string text;
    std::string error;
  };
  const std::vector<Case> cases = {
      // Keys.
      {"\nfoo: 1\n",
       "t:2:1: foo: unknown key; known here: listen, workers, memory_limit, upstreams, routes, "
       "client_defaults, clients, allow_anonymous, me_path, timezone, state, usage, "
       "redis, cors, redirects, "
       "headers, limits, timeouts, log, admin"},
      {"worker: 1\n", "t:1:1: worker: unknown key; did you mean \"workers\"?"},
      {"upstreams:\n  openai:\n    pool: {idle_mx: 1}\n",
       "t:3:12: upstreams.openai.pool.idle_mx: unknown key; did you mean \"idle_max\"?"},
      {"cors: {}\nlog: {}\ncors: {}\n", "t:3:1: cors: stands twice, first on line 1"},
      {"upstreams: {a: {url: http://h}, a: {url: http://h}}\n",
       "t:1:33: upstreams.a: stands twice, first on line 1"},
      {"upstreams: {a.b: {url: http://h}}\n",
       "t:1:13: upstreams.\"a.b\": expected as a key a name of letters, digits, '-' and '_', at "
       "most 64 of "
       "them, found \"a.b\""},
      // Types.
      {"- a\n", "t:1:1: expected keys and values, found a list"},
      {"cors: off\n", "t:1:7: cors: expected a section (keys and values), found a single value"},
      {"workers: [1]\n",
       "t:1:10: workers: expected auto or a whole number from 1 to 1024, found a list"},
      {"workers: {a: 1}\n",
       "t:1:10: workers: expected auto or a whole number from 1 to 1024, found a section"},
      {"routes: {path: /}\n",
       "t:1:9: routes: expected a list with at least one item, found a section"},
      {"routes: []\n",
       "t:1:9: routes: expected a list with at least one item, found an empty list"},
      {"routes: [/]\n",
       "t:1:10: routes[0]: expected a section (keys and values), found a single value"},
      {"cors: {allow_headers: all}\n",
       "t:1:23: cors.allow_headers: expected request or a list, found a single value"},
      // Values.
      {"workers: 0\n",
       "t:1:10: workers: expected auto or a whole number from 1 to 1024, found \"0\""},
      {"memory_limit: 64kb\n",
       "t:1:15: memory_limit: expected a size such as 4096, 64KiB, 10MB or 1GiB, at least 16MiB, "
       "or off, found \"64kb\""},
      {"memory_limit: 1MiB\n",
       "t:1:15: memory_limit: expected a size such as 4096, 64KiB, 10MB or 1GiB, at least 16MiB, "
       "or off, found \"1MiB\""},
      {"cors: {enabled: ja}\n", "t:1:17: cors.enabled: expected true or false, found \"ja\""},
      {"timeouts: {drain: 30}\n",
       "t:1:19: timeouts.drain: expected a duration such as 500ms, 55s, 15m or 24h, from 0 to "
       "168h, "
       "found \"30\""},
      {"headers:\n  strip_request:\n    - a\n    - b c\n",
       "t:4:7: headers.strip_request[1]: expected the name of a header field, found \"b c\""},
      {"log: {format: \"a\\x1b\\n\"}\n",
       "t:1:15: log.format: expected json or text, found \"a\\x1b\\x0a\""},
      {"log: {level: " + std::string(100, 'x') + "}\n",
       "t:1:14: log.level: expected debug, info, warning or error, found \"" +
           std::string(80, 'x') + "…\""},
      // More than one key.
      {"routes:\n  - {path: /a, upstream: opnai}\n",
       "t:2:26: routes[0].upstream: no upstream is called \"opnai\"; did you mean \"openai\"?"},
      {"routes: [{upstream: x}]\n",
       "t:1:21: routes[0].upstream: no upstream is called \"x\"; `upstreams` must name it"},
      {"routes: [{path: /a}, {path: /a}]\n",
       "t:1:29: routes[1].path: another route has the path \"/a\" already"},
      {"routes: [{path: /a}, {path: /a/}]\n",
       "t:1:29: routes[1].path: another route has the path \"/a\" already"},
      {"routes: [{path: /a}, {path: /A}]\n",
       "t:1:29: routes[1].path: another route has the path \"/a\" already, but for its case"},
      {"routes: [{path: /a*}]\n",
       "t:1:17: routes[0].path: expected the beginning of a path, such as / or /v1, found \"/a*\": "
       "patterns are not known here: a route covers its path and all below it, so /local is enough "
       "for /local/v1/models"},
      {"listen: [\"[::1]:9\", \"[0::1]:9\"]\n", "t:1:9: listen[1]: [::1]:9 is listened on already"},
      {"listen: 127.0.0.1:9901\n", "t: admin.listen: 127.0.0.1:9901 is listened on already"},
      {"upstreams: {openai: {pool: {idle_max: 4, warm: 5}}}\n",
       "t:1:48: upstreams.openai.pool.warm: expected at most idle_max (4), found 5"},
      // YAML.
      {"a: 1\n b: 2\n", "t:2:3: is not valid YAML: illegal map value"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.text);
    CHECK(refused(each.text) == each.error);
  }
}

TEST_CASE("an upstream needs a URL, and its secrets are not repeated") {
  CHECK(contains(refused("upstreams:\n  local: {}\n"),
                 "t:2:10: upstreams.local.url: is missing: expected an http or https URL"));
  const auto with_user = refused("upstreams: {openai: {url: https://user:secret@h/}}\n");
  CHECK(contains(with_user, "t:1:27: upstreams.openai.url: expected an http or https URL"));
  CHECK_FALSE(contains(with_user, "secret"));
  CHECK_FALSE(contains(refused("upstreams: {openai: {url: \"https://h/?k=secret\"}}\n"), "secret"));
}

TEST_CASE("values come from the environment, in every kind of value") {
  REQUIRE(setenv("OPENAI_PROXY_TEST_SECRET", "s3cret!", 1) == 0);
  REQUIRE(setenv("OPENAI_PROXY_TEST_WORD", "request", 1) == 0);
  REQUIRE(setenv("OPENAI_PROXY_TEST_BYTES", "\xff", 1) == 0);
  REQUIRE(unsetenv("OPENAI_PROXY_TEST_UNSET") == 0);
  const Config config = loaded(R"(
listen: "${OPENAI_PROXY_TEST_UNSET:-127.0.0.1:7}"
workers: ${OPENAI_PROXY_TEST_UNSET:-7}
upstreams: {openai: {url: "https://${OPENAI_PROXY_TEST_WORD}.example.com"}}
cors: {allow_headers: "${OPENAI_PROXY_TEST_WORD}", allow_origins: ["${OPENAI_PROXY_TEST_UNSET:-*}"]}
)");
  CHECK(config.listen.at(0).port == 7);
  CHECK(config.workers == 7);
  CHECK(config.upstreams.at("openai").url.origin.host == "request.example.com");
  CHECK_FALSE(config.cors.allow_headers.has_value());
  CHECK(config.cors.allow_origins.at(0) == "*");

  CHECK(refused("workers: ${OPENAI_PROXY_TEST_UNSET}\n") ==
        "t:1:10: workers: the environment variable OPENAI_PROXY_TEST_UNSET is not set "
        "(${OPENAI_PROXY_TEST_UNSET:-VALUE} would give a default)");
  // The variable's value may be a secret: the text of the file is shown instead.
  CHECK(refused("workers: ${OPENAI_PROXY_TEST_SECRET}\n") ==
        "t:1:10: workers: expected auto or a whole number from 1 to 1024, found "
        "\"${OPENAI_PROXY_TEST_SECRET}\" with its variables filled in");
  CHECK(contains(refused("log: {access: \"${OPENAI_PROXY_TEST_BYTES}\"}\n"), "is not UTF-8 text"));
}

TEST_CASE("files are read whole, or refused with a reason") {
  const test::TemporaryFolder folder;
  test::write_file(folder / "good.yaml", "workers: 9\n");
  const auto good = config::load_file(folder / "good.yaml");
  REQUIRE(good);
  CHECK(good->workers == 9);

  test::write_file(folder / "bad.yaml", "workers: x\n");
  const auto bad = config::load_file(folder / "bad.yaml");
  REQUIRE_FALSE(bad);
  CHECK(bad.error().text().find((folder / "bad.yaml") + ":1:10: workers: ") == 0);

  const auto missing = config::load_file(folder / "none.yaml");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().text() ==
        (folder / "none.yaml") +
            ": cannot be read: No such file or directory; check the name, or "
            "leave --config out for the defaults");

  const auto directory = config::load_file(folder / "");
  REQUIRE_FALSE(directory);
  CHECK(directory.error().why == "cannot be read: Is a directory; give the name of a file in it");

  test::write_file(folder / "large.yaml", std::string((size_t{1} << 20U) + 1, '#'));
  const auto large = config::load_file(folder / "large.yaml");
  REQUIRE_FALSE(large);
  CHECK(large.error().text() == (folder / "large.yaml") + ": is larger than 1048576 bytes");

  // root reads everything: then there is no such case.
  if (geteuid() != 0) {
    std::filesystem::permissions(folder / "good.yaml", std::filesystem::perms::none);
    const auto unreadable = config::load_file(folder / "good.yaml");
    REQUIRE_FALSE(unreadable);
    CHECK(unreadable.error().why == "Permission denied");
  }
}

TEST_CASE("the command line's values say what they expect") {
  REQUIRE(config::parse_listen("[::1]:80"));
  CHECK(contains(config::parse_listen("x").error(), "expected an address such as"));
  REQUIRE(config::parse_upstream("https://127.0.0.1:9443"));
  CHECK(contains(config::parse_upstream("127.0.0.1").error(), "found \"127.0.0.1\""));
  const auto level = config::parse_log_level("warning");
  REQUIRE(level);
  CHECK(*level == base::LogLevel::warning);
  CHECK(config::parse_log_level("loud").error() ==
        "expected debug, info, warning or error, found \"loud\"");
}

TEST_CASE("a section of very many keys is refused, not walked") {
  std::string text = "upstreams:\n";
  for (int i = 0; i < 1001; ++i)
    text += "  a" + std::to_string(i) + ": {url: http://h}\n";
  CHECK(refused(text) == "t:2:3: upstreams: holds more than 1000 keys");
}

TEST_CASE("all that is wrong is told at once, in the order of the text") {
  CHECK(refused("listen: nowhere\n"
                "upstreams:\n"
                "  openai: {url: ftp://h, pool: {idle_max: -1, warm: x}, hots: a}\n"
                "routes:\n"
                "  - {path: v1}\n"
                "  - {path: /, upstream: opnai}\n"
                "cors: {enabled: ja, allow_origins: [x]}\n"
                "timeouts: {keep_alive: 75}\n"
                "log: {levle: info}\n") ==
        "t:1:9: listen: expected an address such as 0.0.0.0:8080, 127.0.0.1:8080, \"[::]:8080\" or "
        "unix:/run/proxy.sock (no host names), found \"nowhere\"\n"
        "t:3:17: upstreams.openai.url: expected an http or https URL such as "
        "https://api.openai.com or http://127.0.0.1:11434/base, without user, query or fragment, "
        "or unix:/path/of/a.sock, found \"ftp://h\"\n"
        "t:3:43: upstreams.openai.pool.idle_max: expected a whole number from 0 to 1000000, found "
        "\"-1\"\n"
        "t:3:53: upstreams.openai.pool.warm: expected a whole number from 0 to 1000000, found "
        "\"x\"\n"
        "t:3:57: upstreams.openai.hots: unknown key; did you mean \"host\"?\n"
        "t:5:12: routes[0].path: expected the beginning of a path, such as / or /v1, found \"v1\": "
        "it must begin with a slash\n"
        "t:6:25: routes[1].upstream: no upstream is called \"opnai\"; did you mean \"openai\"?\n"
        "t:7:17: cors.enabled: expected true or false, found \"ja\"\n"
        "t:7:37: cors.allow_origins[0]: expected \"*\" or an origin without a path, such as "
        "https://app.example.com, https://*.example.com or http://localhost:3000, found \"x\"\n"
        "t:8:24: timeouts.keep_alive: expected a duration such as 500ms, 55s, 15m or 24h, from 1ms "
        "to 168h, found \"75\"\n"
        "t:9:7: log.levle: unknown key; did you mean \"level\"?");
}

TEST_CASE("slips of the pen in YAML are told what to write instead") {
  const struct {
    std::string text;
    std::string line;
    std::string advice;
  } cases[] = {
      {"upstreams:\n\topenai: {}\n", "t:2:", "indented with a tab: YAML wants spaces"},
      {"workers: 1\nlisten：8080\n", "", "holds a full-width \"：\": write :"},
      {"listen: “127.0.0.1:80”\n", "t:1:9", "holds a full-width \"“\": write \""},
      {"cors: {allow_headers: [a，b]}\n", "t:1:24", "holds a full-width \"，\": write ,"},
      {"workers:\u3000"
       "2\n",
       "t:1:",
       "a full-width space (U+3000): write a plain one"},
      {"listen: [::1]:8080\n", "t:1:", "put quotes around an IPv6 address"},
      {"listen:8080\n", "t:1:1", "a space is missing behind the colon: write listen: 8080"},
      {"log:\n  level:debug\n", "t:2:3", "a space is missing behind the colon: write level: debug"},
      {"cors: {allow_origins: [*]}\n", "t:1:", "put quotes around a star: \"*\""},
      {"cors:\n  allow_origins: *\n", "", "put quotes around a star: \"*\""},
      {"a: &x {}\nlog:\n  <<: *x\n", "t:3:3", "merge keys are not supported"},
      {"upstreams: {openai: {url: ${URL}}}\n", "t:1:", "put quotes around a variable"},
      {"log: {level: }\n", "t:1:", "found nothing"},
      {"workers: 1\n---\nworkers: 2\n", "t:2:1", "take out the ---"},
      {"# \xc4\xe3\xba\xc3\n", "t:1:3", "it may be GBK or another local encoding"},
      {std::string("\xff\xfel\0", 4), "t:1:1", "it looks like UTF-16"},
      {"routes: {path: /}\n", "t:1:9", "expected a list"},
      {"upstreams: [openai]\n", "t:1:12", "expected a section (keys and values), found a list"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.text);
    const std::string error = refused(one.text);
    CAPTURE(error);
    CHECK(contains(error, one.line));
    CHECK(contains(error, one.advice));
  }
}

TEST_CASE("what people write by habit is taken as it is meant") {
  CHECK(loaded("log: {level: warn}\n").log.level == base::LogLevel::warning);
  CHECK(loaded("listen: localhost:80\n").listen.at(0).text() == "127.0.0.1:80");
  CHECK(loaded("redirects: {follow: off}\n").redirects.follow == false);
  CHECK(loaded("redirects: {follow: Yes}\n").redirects.follow);
  CHECK(loaded("timeouts: {keep_alive: 10 s}\n").timeouts.keep_alive_ms == 10'000);
  CHECK(loaded("limits: {head_bytes_max: 64k}\n").limits.head_bytes_max == 64 * 1024);
  CHECK(loaded("limits: {body_bytes_max: 5 MB}\n").limits.body_bytes_max == 5'000'000);
  CHECK(loaded("\xef\xbb\xbfworkers: 3\r\n").workers == 3);
}
