// bench/request and bench/scenario: what is sent, in which proportion, and which plans make sense.
#include "bench/load/request.h"

#include <algorithm>
#include <map>
#include <string>

#include <doctest/doctest.h>

#include "base/ascii.h"
#include "bench/base/json.h"
#include "bench/load/scenario.h"
#include "http/chars.h"
#include "http/h1_parser.h"

using bench::load::Plan;
using bench::load::Request;
using bench::load::Scenario;

namespace {

Plan plan_for(std::string_view url) {
  Plan plan;
  plan.target = base::parse_url(url).value();
  return plan;
}

// A request as a server reads it.
struct Parsed {
  std::string method;
  std::string target;
  std::map<std::string, std::string> fields;  // names in lower case
  std::string body;
};

Parsed parse(const Request& request) {
  std::string text = request.front;
  for (uint64_t left = request.filler_bytes; left > 0;) {
    const auto piece =
        bench::load::filler().first(std::min<uint64_t>(left, bench::load::filler().size()));
    text += base::as_text(piece);
    left -= piece.size();
  }
  text += request.back;
  http::H1Parser parser(http::H1Parser::Role::request, {});
  http::Head head;
  base::Arena arena;
  parser.begin(head, arena);
  base::Bytes input = base::as_bytes(text);
  Parsed parsed;
  while (true) {
    const http::H1Event event = parser.next(input);
    REQUIRE(event.kind != http::H1Event::Kind::error);
    REQUIRE(event.kind != http::H1Event::Kind::need_more);
    parsed.body += base::as_text(event.body);
    if (event.kind == http::H1Event::Kind::end) break;
  }
  CHECK(input.empty());
  parsed.method = head.method;
  parsed.target = head.target;
  for (const http::Field& field : head.fields) {
    std::string name(field.name);
    std::transform(name.begin(), name.end(), name.begin(), base::to_lower);
    CHECK(parsed.fields.emplace(name, field.value).second);
  }
  return parsed;
}

Parsed parsed(const Plan& plan, Scenario scenario) {
  return parse(make_request(plan, scenario));
}

}  // namespace

TEST_CASE("chat and stream ask as clients of the API do") {
  Plan plan = plan_for("http://127.0.0.1:8080");
  plan.key = "sk-test";
  plan.model = "a \"quoted\" name";
  plan.prompt_bytes = 300;
  const Parsed chat = parsed(plan, Scenario::chat);
  CHECK(chat.method == "POST");
  CHECK(chat.target == "/v1/chat/completions");
  CHECK(chat.fields.at("host") == "127.0.0.1:8080");
  CHECK(chat.fields.at("authorization") == "Bearer sk-test");
  CHECK(chat.fields.at("content-type") == "application/json");
  CHECK_FALSE(chat.fields.contains("connection"));
  const auto body = bench::parse_json(chat.body);
  REQUIRE(body);
  CHECK((*body)["model"].text() == plan.model);
  CHECK((*body)["messages"].list().at(0)["content"].text().size() == 300);
  CHECK_FALSE(body->has("stream"));

  plan.prompt = "你好?";
  const auto streamed = bench::parse_json(parsed(plan, Scenario::stream).body);
  REQUIRE(streamed);
  CHECK(*(*streamed)["stream"].as_bool());
  CHECK((*streamed)["messages"].list().at(0)["content"].text() == "你好?");
  CHECK(parsed(plan, Scenario::connect).fields.at("connection") == "close");
}

TEST_CASE("the URL's path, the given path, and the scenario's own") {
  CHECK(parsed(plan_for("http://h/v1"), Scenario::upload).target == "/v1/files");
  CHECK(parsed(plan_for("http://h/other?x=1"), Scenario::chat).target == "/other?x=1");
  Plan plan = plan_for("http://h/other");
  plan.path = "/v1/responses?a=b";
  plan.tokens = 5;
  plan.gap_us = 1500;
  plan.reply_bytes = 10;
  CHECK(parsed(plan, Scenario::stream).target ==
        "/v1/responses?a=b&reply_bytes=10&tokens=5&gap_us=1500");
  plan = plan_for("http://h");
  plan.download_bytes = 12345;
  const Parsed download = parsed(plan, Scenario::download);
  CHECK(download.method == "GET");
  CHECK(download.target == "/bench/bytes/12345");
  CHECK_FALSE(download.fields.contains("content-length"));
}

TEST_CASE("idle streams outlast the run") {
  Plan plan = plan_for("http://h");
  plan.duration_ns = 100'000'000'000;
  CHECK(parsed(plan, Scenario::idle).target == "/v1/chat/completions?tokens=160&gap_us=1000000");
}

TEST_CASE("uploads are as long as they say, and multipart ones well formed") {
  Plan plan = plan_for("http://h");
  plan.upload_bytes = 300'001;
  const Request request = make_request(plan, Scenario::upload);
  const Parsed multipart = parse(request);
  CHECK(multipart.fields.at("content-length") == std::to_string(multipart.body.size()));
  CHECK(multipart.body.size() ==
        request.front_body_bytes + request.filler_bytes + request.back.size());
  const std::string type = multipart.fields.at("content-type");
  const std::string boundary = "--" + type.substr(type.find("boundary=") + 9);
  CHECK(multipart.body.starts_with(boundary + "\r\n"));
  CHECK(multipart.body.ends_with("\r\n" + boundary + "--\r\n"));

  plan.upload_multipart = false;
  const Parsed raw = parsed(plan, Scenario::upload);
  CHECK(raw.body.size() == 300'001);
  CHECK(raw.fields.at("content-type") == "application/octet-stream");
}

TEST_CASE("fields of the user's take the place of ours") {
  Plan plan = plan_for("http://h");
  plan.key = "sk-test";
  plan.fields = {{"HOST", "api.example"}, {"authorization", "Basic x"}, {"X-One", "1"}};
  const Parsed chat = parsed(plan, Scenario::chat);
  CHECK(chat.fields.at("host") == "api.example");
  CHECK(chat.fields.at("authorization") == "Basic x");
  CHECK(chat.fields.at("x-one") == "1");
}

TEST_CASE("a replay sends the file's bytes") {
  Plan plan = plan_for("http://h/v1/embeddings");
  plan.replay_body = std::string("a\0b", 3);
  const Parsed replay = parsed(plan, Scenario::replay);
  CHECK(replay.body == plan.replay_body);
  CHECK(replay.target == "/v1/embeddings");
}

TEST_CASE("a mix is read, and what is none is explained") {
  const auto works = bench::load::parse_mix("chat=8,stream,upload=3");
  REQUIRE(works);
  REQUIRE(works->size() == 3);
  CHECK((*works)[0].weight == 8);
  CHECK((*works)[1].scenario == Scenario::stream);
  CHECK((*works)[1].weight == 1);
  for (const char* text : {"", "chat=", "chat=0", "chat=x", "chat=8,", "talk=1", "chat=1=2"}) {
    CAPTURE(text);
    const auto refused = bench::load::parse_mix(text);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().find("write") != std::string::npos);
  }
}

TEST_CASE("weights are exact over a round, and interleaved") {
  bench::load::WorkPicker picker(
      {{Scenario::chat, 5}, {Scenario::stream, 1}, {Scenario::upload, 2}});
  std::string order;
  for (int i = 0; i < 16; ++i)
    order += static_cast<char>('a' + picker.next());
  CHECK(std::count(order.begin(), order.begin() + 8, 'a') == 5);
  CHECK(std::count(order.begin(), order.begin() + 8, 'b') == 1);
  CHECK(std::count(order.begin(), order.begin() + 8, 'c') == 2);
  CHECK(order.substr(0, 8) == order.substr(8));
  CHECK(order.find("aaa") == std::string::npos);
}

TEST_CASE("impossible plans are explained") {
  const auto problem = [](auto change) {
    Plan plan = plan_for("http://h");
    change(plan);
    return bench::load::problem_of(plan).value_or("");
  };
  CHECK(problem([](Plan&) {}).empty());
  CHECK_FALSE(problem([](Plan& plan) { plan.connections = 0; }).empty());
  CHECK_FALSE(problem([](Plan& plan) { plan.threads = 0; }).empty());
  CHECK_FALSE(problem([](Plan& plan) { plan.threads = 33; }).empty());
  CHECK_FALSE(problem([](Plan& plan) { plan.rate = -1; }).empty());
  CHECK_FALSE(problem([](Plan& plan) { plan.duration_ns = 0; }).empty());
  CHECK_FALSE(problem([](Plan& plan) { plan.works.clear(); }).empty());
  CHECK_FALSE(problem([](Plan& plan) { plan.path = "no-slash"; }).empty());
  CHECK_FALSE(problem([](Plan& plan) { plan.path = "/two words"; }).empty());
  CHECK_FALSE(problem([](Plan& plan) { plan.fields = {{"content-LENGTH", "1"}}; }).empty());
  CHECK_FALSE(problem([](Plan& plan) { plan.fields = {{"bad name", "1"}}; }).empty());
  CHECK_FALSE(problem([](Plan& plan) {
                plan.works = {{Scenario::idle, 1}, {Scenario::chat, 1}};
              }).empty());
  // Secrets stay out of it.
  const std::string refused = problem([](Plan& plan) { plan.fields = {{"X-Key", "sk-secret\n"}}; });
  CHECK_FALSE(refused.empty());
  CHECK(refused.find("sk-secret") == std::string::npos);
  CHECK(problem([](Plan& plan) { plan.key = "sk-secret\r"; }).find("sk-") == std::string::npos);
}
