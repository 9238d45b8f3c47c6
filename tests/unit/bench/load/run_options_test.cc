// bench/run_options and bench/arguments: command lines into plans, and what is wrong with others.
#include "bench/load/run_options.h"

#include <cstdlib>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "bench/base/arguments.h"
#include "bench/load/masked_words.h"
#include "support/files.h"

using bench::Ending;
using bench::parse_bytes;
using bench::parse_duration_ns;
using bench::load::Plan;
using bench::load::RunOptions;
using bench::load::Scenario;

namespace {

constexpr uint64_t ms = 1'000'000;

RunOptions parse(const std::vector<std::string>& words) {
  auto parsed = bench::load::parse_run(words);
  if (const auto* ending = std::get_if<Ending>(&parsed)) FAIL(ending->text);
  return std::get<RunOptions>(parsed);
}

Ending refusal(const std::vector<std::string>& words) {
  const auto parsed = bench::load::parse_run(words);
  REQUIRE(std::holds_alternative<Ending>(parsed));
  return std::get<Ending>(parsed);
}

}  // namespace

TEST_CASE("durations") {
  CHECK(parse_duration_ns("250us") == 250'000);
  CHECK(parse_duration_ns("1.5ms") == 1'500'000);
  CHECK(parse_duration_ns("10S") == 10'000 * ms);
  CHECK(parse_duration_ns("2") == 2'000 * ms);
  CHECK(parse_duration_ns("2m") == 120'000 * ms);
  CHECK(parse_duration_ns("0") == 0);
  for (const char* text : {"", "s", "-1s", "1 s", "1e3s", "nan", "inf", "1d", "200h", "1s2"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration_ns(text));
  }
}

TEST_CASE("sizes") {
  CHECK(parse_bytes("4096") == 4096);
  CHECK(parse_bytes("64k") == 65536);
  CHECK(parse_bytes("1.5MiB") == 1572864);
  CHECK(parse_bytes("2G") == 2147483648);
  for (const char* text : {"", "k", "-1", "1 k", "1kk", "2000t", "1MB"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_bytes(text));
  }
}

TEST_CASE("the shortest command line") {
  const RunOptions options = parse({"http://127.0.0.1:8080"});
  CHECK(options.plan.works.size() == 1);
  CHECK(options.plan.works[0].scenario == Scenario::chat);
  CHECK(options.plan.connections == 32);
  CHECK(options.plan.duration_ns == 10'000 * ms);
  CHECK(options.plan.rate == 0);
  CHECK(parse({"run", "http://127.0.0.1:8080"}).plan.works[0].scenario == Scenario::chat);
}

TEST_CASE("everything there is to say") {
  const Plan plan = parse({"download",
                           "--size",
                           "2MiB",
                           "-c",
                           "7",
                           "--rate",
                           "12.5",
                           "--arrivals",
                           "poisson",
                           "-d",
                           "1500ms",
                           "--warmup=1s",
                           "--ramp=2s",
                           "-t3",
                           "--timeout=3s",
                           "-H",
                           "X-One:  1 ",
                           "--header",
                           "X-Two:2",
                           "--path=/x",
                           "--model=m",
                           "--tokens=9",
                           "--gap=500us",
                           "--stall=5s",
                           "-k",
                           "--full-handshakes",
                           "https://localhost:1/y"})
                        .plan;
  CHECK(plan.works[0].scenario == Scenario::download);
  CHECK(plan.download_bytes == 2 << 20);
  CHECK(plan.connections == 7);
  CHECK(plan.rate == 12.5);
  CHECK(plan.arrivals == bench::load::Arrivals::poisson);
  CHECK(plan.duration_ns == 1500 * ms);
  CHECK(plan.warmup_ns == 1000 * ms);
  CHECK(plan.ramp_ns == 2000 * ms);
  CHECK(plan.threads == 3);
  CHECK(plan.request_timeout_ns == 3000 * ms);
  REQUIRE(plan.fields.size() == 2);
  CHECK(plan.fields[0] == std::pair<std::string, std::string>("X-One", "1 "));
  CHECK(plan.fields[1] == std::pair<std::string, std::string>("X-Two", "2"));
  CHECK(plan.path == "/x");
  CHECK(plan.tokens == 9);
  CHECK(plan.gap_us == 500);
  CHECK(plan.stall_ns == 5000 * ms);
  CHECK_FALSE(plan.tls_verify);
  CHECK_FALSE(plan.tls_resume);
  CHECK(plan.target.origin.port == 1);
}

TEST_CASE("a number of requests is not cut short by the usual duration") {
  CHECK(parse({"http://127.0.0.1:1", "-n", "5"}).plan.duration_ns > 600'000 * ms);
  CHECK(parse({"http://127.0.0.1:1", "-n", "5", "-d", "3s"}).plan.duration_ns == 3000 * ms);
}

TEST_CASE("idle streams stall later than others") {
  CHECK(parse({"stream", "http://127.0.0.1:1", "--gap", "2s"}).plan.stall_ns == 1000 * ms);
  CHECK(parse({"idle", "http://127.0.0.1:1"}).plan.stall_ns == 3000 * ms);
  CHECK(parse({"idle", "http://127.0.0.1:1", "--gap", "2s"}).plan.stall_ns == 6000 * ms);
  CHECK(parse({"idle", "http://127.0.0.1:1", "--stall", "9s"}).plan.stall_ns == 9000 * ms);
}

TEST_CASE("the key comes from the environment") {
  ::setenv("OPENAI_API_KEY", "sk-from-the-environment", 1);
  CHECK(parse({"http://127.0.0.1:1"}).plan.key == "sk-from-the-environment");
  ::unsetenv("OPENAI_API_KEY");
  CHECK(parse({"http://127.0.0.1:1"}).plan.key.empty());
}

TEST_CASE("a replay reads its file") {
  const test::TemporaryFile file("{\"model\": 1}");
  CHECK(parse({"replay", "http://127.0.0.1:1", "--file", file.path()}).plan.replay_body ==
        "{\"model\": 1}");
  CHECK(refusal({"replay", "http://127.0.0.1:1"}).code == 2);
  CHECK(refusal({"replay", "http://127.0.0.1:1", "--file", file.path() + ".none"}).code == 2);
  CHECK(refusal({"chat", "http://127.0.0.1:1", "--file", file.path()}).code == 2);
}

TEST_CASE("nothing but loopback is loaded without being told so") {
  for (const char* url : {"http://192.0.2.1", "http://[2001:db8::1]:8080", "https://0.0.0.0"}) {
    CAPTURE(url);
    const Ending ending = refusal({url});
    CHECK(ending.code == 2);
    CHECK(ending.text.find("--yes-load-remote") != std::string::npos);
    CHECK(parse({url, "--yes-load-remote"}).plan.target.target == "/");
  }
  for (const char* url : {"http://127.9.8.7", "http://[::1]", "http://[::ffff:127.0.0.1]"}) {
    CAPTURE(url);
    CHECK(parse({url}).plan.target.target == "/");
  }
}

TEST_CASE("wrong command lines end with 2 and a hint") {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {},
           {"chat"},
           {"not-a-scenario", "http://127.0.0.1:1"},
           {"ftp://127.0.0.1"},
           {"http://127.0.0.1:1", "--no-such-option"},
           {"http://127.0.0.1:1", "-c", "0"},
           {"http://127.0.0.1:1", "-c", "many"},
           {"http://127.0.0.1:1", "-d", "10 apples"},
           {"http://127.0.0.1:1", "--rate", "-5"},
           {"http://127.0.0.1:1", "--arrivals", "sometimes"},
           {"http://127.0.0.1:1", "-H", "no colon"},
           {"http://127.0.0.1:1", "--size", "1MB"},
           {"http://127.0.0.1:1", "--watch-port", "70000"},
           {"mixed", "http://127.0.0.1:1"},
           {"http://127.0.0.1:1", "--mix", "talk=1"},
       }) {
    const Ending ending = refusal(words);
    CHECK(ending.code == 2);
    CHECK(ending.text.size() > 10);
  }
  CHECK(refusal({"chatt", "http://127.0.0.1:1"}).text.find("no scenario") != std::string::npos);
  CHECK(refusal({"http://127.0.0.1:1", "-H", "sk-secret"}).text.find("sk-") == std::string::npos);
}

TEST_CASE("each subcommand's help is about itself, with an example") {
  const auto has = [](const Ending& ending, std::string_view text) {
    return ending.text.find(text) != std::string::npos;
  };
  const auto ask = bench::load::parse_ask({"--help"});
  REQUIRE(std::holds_alternative<Ending>(ask));
  const auto& asked = std::get<Ending>(ask);
  CHECK(asked.code == 0);
  CHECK(has(asked, "openai-proxy-bench ask http://"));
  CHECK_FALSE(has(asked, "--rate"));
  CHECK_FALSE(has(asked, "Scenarios:"));

  for (const char* scenario :
       {"chat", "stream", "upload", "download", "connect", "idle", "replay", "mixed"}) {
    CAPTURE(scenario);
    for (const char* flag : {"-h", "--help"}) {
      const Ending ending = refusal({scenario, flag});
      CHECK(ending.code == 0);
      CHECK(has(ending, std::string("Usage: openai-proxy-bench ") + scenario));
      CHECK(has(ending, std::string("openai-proxy-bench ") + scenario + " http://"));
      CHECK(has(ending, "--tokens") ==
            (std::string_view(" stream idle mixed ").find(std::string(" ") + scenario + " ") !=
             std::string::npos));
    }
  }
}

TEST_CASE("a word nobody knows gets the nearest that is known, and no value is repeated") {
  const auto says = [](const std::vector<std::string>& words, std::string_view text) {
    const Ending ending = refusal(words);
    CAPTURE(ending.text);
    CHECK(ending.code == 2);
    CHECK(ending.text.find(text) != std::string::npos);
    CHECK(ending.text.find("sk-") == std::string::npos);
  };
  says({"chatt", "http://127.0.0.1:1"}, "did you mean \"chat\"?");
  says({"servee"}, "did you mean \"serve\"?");
  says({"stream", "http://127.0.0.1:1", "--tokenz", "5"},
       "no option --tokenz; did you mean --tokens?");
  says({"stream", "--tokenz", "5", "http://127.0.0.1:1"}, "did you mean --tokens?");
  says({"stream", "--tokenz=5", "http://127.0.0.1:1"}, "See openai-proxy-bench stream --help");
  says({"http://127.0.0.1:1", "--api-key=sk-secret"}, "no option --api-key");
  says({"http://127.0.0.1:1", "--api-key", "sk-secret"}, "no option --api-key");
  says({"http://127.0.0.1:1", "-Ksk-secret"}, "no option -K");
  says({"http://127.0.0.1:1", "sk-secret"}, "more than the command takes");
  says({"run", "chatt", "http://127.0.0.1:1"}, "no scenario");
  CHECK(parse({"run", "stream", "http://127.0.0.1:1"}).plan.works[0].scenario == Scenario::stream);
  for (const char* flag : {"-V", "--version"})
    CHECK(refusal({"idle", flag}).text.find("openai-proxy-bench 0.") == 0);
}

TEST_CASE("the command line is kept without what may be secret in it") {
  const auto kept = [](const std::vector<std::string>& words, std::string_view key = {}) {
    return bench::load::masked_command_line(words, key);
  };
  CHECK(kept({"chat", "http://127.0.0.1:1", "-c", "4"}) ==
        "openai-proxy-bench chat http://127.0.0.1:1 -c 4");
  CHECK(kept({"-H", "Authorization: Bearer secret"}) ==
        "openai-proxy-bench -H 'Authorization: ***'");
  CHECK(kept({"--prompt-size", "4k", "--model=it's"}) ==
        "openai-proxy-bench --prompt-size 4k '--model=it'\\''s'");
  CHECK(kept({"my-key-here"}, "key") == "openai-proxy-bench 'my-***-here'");
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"--header=X-Key:secret"},
           {"-HX-Key: secret"},
           {"-kqH", "X-Key: secret"},
           {"-H", "secret"},
           {"--prompt", "secret"},
           {"--prompt=secret"},
           {"http://user:secret@127.0.0.1:1/x"},
           {"http://127.0.0.1:1/x?api-key=secret"},
           {"--path", "/x?key=secret"},
           {"--path=/sk-secret/x"},
           {"--html", "sk-proj-secret_1.html"},
       }) {
    CAPTURE(kept(words));
    CHECK(kept(words).find("secret") == std::string::npos);
    CHECK(kept(words).find("***") != std::string::npos);
  }
  CHECK(parse({"chat", "http://127.0.0.1:1", "-H", "X: secret"}).plan.command_line ==
        "openai-proxy-bench chat http://127.0.0.1:1 -H 'X: ***'");
}

TEST_CASE("help is no error") {
  const Ending ending = refusal({"--help"});
  CHECK(ending.code == 0);
  for (const char* word : {"--rate", "--watch-port", "chat", "stream", "idle", "Examples"})
    CHECK(ending.text.find(word) != std::string::npos);
}
