// The wall clock jumps by a year and back: timestamps do, nothing else.
#include <cstdint>
#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>

#include "support/program.h"
#include "support/proxy_fixture.h"

using test::Message;
using test::Program;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

constexpr int64_t year_s = 365 * 24 * 3600;

// The wall clock of a program that is started by wrapper().
class JumpingClock {
 public:
  explicit JumpingClock(const test::TemporaryFolder& folder) : path_(folder / "offset") { set(0); }

  [[nodiscard]] std::vector<std::string> wrapper() const {
    const auto library =
        std::filesystem::read_symlink("/proc/self/exe").parent_path() / "clock_jump.so";
    REQUIRE(std::filesystem::exists(library));
    return {"env", "LD_PRELOAD=" + library.string(), "CLOCK_JUMP_FILE=" + path_};
  }
  void set(int64_t offset_s) const {
    // Written in place: the program has it mapped.
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    if (!file.is_open()) file.open(path_, std::ios::out | std::ios::binary);
    file.write(reinterpret_cast<const char*>(&offset_s), sizeof offset_s);
  }

 private:
  std::string path_;
};

// The year of a Date field: "Tue, 24 Nov 2026 …".
int year_of(const Message& response) {
  return std::stoi(response.value("date").substr(12, 4));
}

}  // namespace

TEST_CASE("a wall clock that jumps ends no stream, no connection and no wait") {
  const test::TemporaryFolder folder;
  test::Queue<std::string> chunks;
  RawUpstream upstream([&](UpstreamConnection& connection) {
    while (auto request = connection.read_request()) {
      if (request->target() != "/stream") {
        connection.send(test::message("200 OK", {}, "ok"));
        continue;
      }
      connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      for (std::string text = chunks.pop(); !text.empty(); text = chunks.pop())
        connection.send(test::chunk(text));
      connection.send(test::last_chunk);
    }
  });
  const std::string log = folder / "access.log";
  const std::string file = folder / "proxy.yaml";
  std::ofstream(file) << "listen: '127.0.0.1:0'\nadmin: { listen: off }\nworkers: 1\n"
                      << "upstreams: { openai: { url: '" << upstream.url() << "' } }\n"
                      << "timeouts: { request_head: 1m }\n"
                      << "routes: [ { path: /v1, upstream: openai }, { path: /stream } ]\n"
                      << "log: { access: '" << log << "' }\n";
  const JumpingClock clock(folder);
  Program program(folder, clock.wrapper(), {"--config", file}, "openai-proxy-dynamic");
  const uint16_t port = program.port();
  RawClient stream = test::client_of(port);
  stream.send(test::get("/stream"));
  Message response = stream.read_response_head();
  RawClient kept = test::client_of(port);
  const int year_now = year_of(kept.round_trip(test::get("/none")));  // ours has a Date
  RawClient half = test::client_of(port);
  half.send("GET /v1/half HTTP/1.1\r\n");
  int year = 1;
  for (const int64_t offset_s : {year_s, -year_s, int64_t{0}}) {
    clock.set(offset_s);
    chunks.push("tick");
    CHECK(stream.read_body_until(response, "tick") == "tick");
    CHECK(kept.round_trip(test::get("/v1/models")).body == "ok");
    CHECK(year_of(kept.round_trip(test::get("/none"))) - year_now == year);
    year = year == 1 ? -1 : 0;
  }
  half.send("Host: p\r\n\r\n");
  CHECK(half.read_response().body == "ok");
  chunks.push("");
  response.body.clear();
  stream.read_rest(response);
  for (RawClient* client : {&stream, &kept, &half})
    client->close();
  program.signal(SIGTERM);
  CHECK(program.wait() == 0);
  std::ifstream lines(log);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    // No time was counted by that clock.
    const size_t total = line.find("\"total_ms\":");
    REQUIRE(total != std::string::npos);
    CHECK(std::stoll(line.substr(total + 11)) < 600'000);
  }
  CHECK(count == 9);
}
