// The load tool's upstream, as a proxy or an SDK meets it.
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "bench/serve/text.h"
#include "support/serve_fixture.h"
#include "tls/sha256.h"

using bench::Json;
using bench::serve::Options;
using std::chrono::milliseconds;
using test::chat;
using test::chat_path;
using test::Message;
using test::RawClient;
using test::stream;
using test::Transport;
using Upstream = test::ServeUpstream;

namespace {

Json json_of(const Message& response) {
  auto json = bench::parse_json(response.body);
  REQUIRE_MESSAGE(json, response.body.substr(0, 300));
  return *std::move(json);
}

size_t count(std::string_view text, std::string_view part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

std::string sha256(std::string_view text) {
  tls::Sha256 hash;
  hash.add(base::as_bytes(text));
  return tls::hex_digits(hash.finish());
}

std::string block_of(size_t size) {
  std::string text;
  while (text.size() < size)
    text += bench::serve::blocks().octets.substr(0, size - text.size());
  return text;
}

}  // namespace

TEST_CASE_PLAIN_AND_TLS("requests of every kind over one connection") {
  Upstream upstream(transport);
  RawClient client = upstream.client();

  Message reply = client.round_trip(chat());
  CHECK(reply.status() == 200);
  CHECK(reply.value("content-type") == "application/json");
  CHECK(reply.value("x-request-id").size() == 36);
  CHECK(reply.has("openai-processing-ms"));
  CHECK(reply.has("date"));
  CHECK(reply.body.size() == 1150);
  CHECK(json_of(reply)["model"].text() == "gpt-x");
  const std::string id = reply.value("x-request-id");
  CHECK(client.round_trip(chat("?reply_bytes=300001")).body.size() == 300'001);

  Message events = client.round_trip(stream("?tokens=7"));
  CHECK(events.value("content-type").starts_with("text/event-stream"));
  CHECK(events.ending == test::Ending::chunked);
  CHECK(count(events.body, "data: {") == 7);
  CHECK(events.body.ends_with("data: [DONE]\n\n"));
  CHECK(events.value("x-request-id") != id);

  events = client.round_trip(test::post("/v1/responses?tokens=7", R"({"stream": true})"));
  CHECK(count(events.body, "event: response.output_text.delta\n") == 7);
  CHECK(json_of(client.round_trip(test::post("/v1/responses", "{}")))["object"].text() ==
        "response");
  CHECK(json_of(client.round_trip(test::post("/v1/completions", "{}")))["object"].text() ==
        "text_completion");
  CHECK(json_of(client.round_trip(test::post("/v1/embeddings", R"({"stream":true})")))["object"]
            .text() == "list");
  CHECK(json_of(client.round_trip(test::get("/v1/models")))["data"].list().size() == 2);

  const std::string octets = client.round_trip(test::get("/bench/bytes/3000000")).body;
  CHECK(sha256(octets) == sha256(block_of(3'000'000)));
  const Message head =
      client.round_trip(test::message("HEAD /bench/bytes/3000000 HTTP/1.1", {{"Host", "a"}}));
  CHECK(head.value("content-length") == "3000000");
  CHECK(client.round_trip(test::get("/bench/bytes/0")).body.empty());

  const bench::serve::Counts counts = upstream.stop();
  CHECK(counts.connections == 1);
  CHECK(counts.requests == 11);
  CHECK(counts.events == 8 + 14);
}

TEST_CASE_PLAIN_AND_TLS("uploads are read whole and hashed") {
  Upstream upstream(transport);
  RawClient client = upstream.client();
  const std::string body = test::pattern(2'000'000);

  Json json = json_of(client.round_trip(test::post("/any/thing", body)));
  CHECK(json["bytes"].number() == 2'000'000);
  CHECK(json["sha256"].text() == sha256(body));

  // Chunked, after 100 Continue.
  client.send(
      "PUT /v1/uploads/1/parts HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
      "Expect: 100-continue\r\n\r\n");
  CHECK(client.read_response().status() == 100);
  for (size_t at = 0; at < body.size(); at += 99'999)
    client.send(test::chunk(std::string_view(body).substr(at, 99'999)));
  client.send(test::last_chunk);
  CHECK(json_of(client.read_response())["sha256"].text() == sha256(body));

  json = json_of(client.round_trip(test::post("/any?hash=0", body)));
  CHECK(json["bytes"].number() == 2'000'000);
  CHECK_FALSE(json.has("sha256"));

  const std::string form =
      "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n"
      "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"名.jsonl\"\r\n\r\n" +
      body + "\r\n--b--\r\n";
  json = json_of(client.round_trip(test::post("/v1/files", form)));
  CHECK(json["object"].text() == "file");
  CHECK(json["id"].text().starts_with("file-"));
  CHECK(json["filename"].text() == "名.jsonl");
  CHECK(json["purpose"].text() == "batch");
  CHECK(json["bytes"].number() == static_cast<double>(form.size()));
  CHECK(json["sha256"].text() == sha256(form));
}

TEST_CASE("what is not served is said in the API's way, and the connection goes on") {
  Upstream upstream(Transport::plain);
  RawClient client = upstream.client();
  Message response = client.round_trip(test::get("/nothing"));
  CHECK(response.status() == 404);
  CHECK(test::api_error(response).type == "invalid_request_error");
  CHECK(response.has("x-request-id"));
  response = client.round_trip(test::get(chat_path));
  CHECK(response.status() == 405);
  CHECK(response.value("allow") == "POST");
  static_cast<void>(test::api_error(response));
  response = client.round_trip(chat("?gap_us=soon"));
  CHECK(response.status() == 400);
  CHECK(test::api_error(response).message ==
        "gap_us is 'soon': give a whole number from 0 to 3600000000");
  for (const std::string_view body : {"", "[]", R"({"stream":true)", "--b\r\n"}) {
    CAPTURE(body);
    response = client.round_trip(test::post(chat_path, body));
    CHECK(response.status() == 400);
  }
  // A prompt cannot ask for a stream.
  response = client.round_trip(
      test::post(chat_path, R"({"messages":[{"content":"\"stream\":true,\"stream\": true"}]})"));
  CHECK(response.value("content-type") == "application/json");

  // What is not HTTP ends the connection, after an answer.
  client.send(
      "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n");
  response = client.read_response();
  CHECK(response.status() == 400);
  CHECK(response.value("connection") == "close");
  client.wait_gone();
}

TEST_CASE_PLAIN_AND_TLS("gaps, jitter and thinking take their time") {
  Upstream upstream(transport);
  struct Case {
    std::string query;
    milliseconds least;
  };
  for (const Case& c : {Case{"?tokens=6&gap_us=20000", milliseconds(100)},
                        Case{"?tokens=101&gap_us=500", milliseconds(50)},
                        Case{"?tokens=3&gap_us=10000&jitter_us=20000", milliseconds(20)},
                        Case{"?tokens=1&gap_us=60000000&think_us=50000", milliseconds(50)}}) {
    CAPTURE(c.query);
    RawClient client = upstream.client();
    const auto begin = std::chrono::steady_clock::now();
    const Message response = client.round_trip(stream(c.query));
    CHECK(std::chrono::steady_clock::now() - begin >= c.least);
    CHECK(response.body.ends_with("data: [DONE]\n\n"));
  }
  const Message reply = upstream.round_trip(chat("?think_us=30000"));
  CHECK(std::stoi(reply.value("openai-processing-ms")) >= 29);
}

TEST_CASE_PLAIN_AND_TLS("an event does not wait for the next one") {
  Upstream upstream(transport);
  RawClient client = upstream.client();
  client.send(stream("?gap_us=60000000"));
  Message response = client.read_response_head();
  CHECK(count(client.read_body_until(response, "\n\n"), "data: {") == 1);
  CHECK(client.silent_for(milliseconds(50)));
}

TEST_CASE_PLAIN_AND_TLS("three hundred streams at once") {
  constexpr size_t streams = 300;
  Options options;
  options.threads = 2;
  options.tokens = 20;
  options.gap_us = 10'000;
  options.jitter_us = 2'000;
  Upstream upstream(transport, options);
  std::vector<RawClient> clients;
  for (size_t i = 0; i < streams; ++i)
    clients.push_back(upstream.client());
  for (RawClient& client : clients)
    client.send(stream());
  for (RawClient& client : clients) {
    const Message response = client.read_response();
    REQUIRE(response.body.size() > 20 * 220);
    REQUIRE(count(response.body, "data: {") == 20);
    REQUIRE(response.body.ends_with("data: [DONE]\n\n"));
  }
  const bench::serve::Counts counts = upstream.stop();
  CHECK(counts.connections == streams);
  CHECK(counts.events == streams * 21);
}

TEST_CASE("a client that does not read holds its response up, and gets all of it in the end") {
  Upstream upstream(Transport::plain);
  RawClient download = upstream.client({.receive_buffer = 4096});
  download.send(test::get("/bench/bytes/60000000"));
  RawClient events = upstream.client({.receive_buffer = 4096});
  events.send(stream("?tokens=50000&token_bytes=600"));
  // Until nothing more is sent: socket buffers and queues are full.
  double sent = -1;
  test::eventually("both are held up", [&] {
    std::this_thread::sleep_for(milliseconds(20));
    return sent == std::exchange(sent, upstream.counts()["events"].number());
  });
  CHECK(upstream.counts()["bytes_out"].number() < 30'000'000);
  Message response = download.read_response_head();
  size_t size = 0;
  for (std::string piece = download.read_body_some(response); !piece.empty();
       piece = download.read_body_some(response))
    size += piece.size();
  CHECK(size == 60'000'000);
  CHECK(count(events.read_response().body, "data: {") == 50'000);
}

TEST_CASE("pipelined requests are answered in order") {
  Upstream upstream(Transport::plain);
  RawClient client = upstream.client();
  std::string requests;
  for (int i = 0; i < 50; ++i)
    requests += test::get("/bench/bytes/" + std::to_string(i)) + stream("?tokens=2&gap_us=500");
  client.send(requests);
  for (size_t i = 0; i < 50; ++i) {
    REQUIRE(client.read_response().body.size() == i);
    REQUIRE(count(client.read_response("POST").body, "data: {") == 2);
  }
  // More of them than are kept while a response goes on.
  std::thread sender([&client] {
    for (int i = 0; i < 3000; ++i)
      client.send(chat("?think_us=1"));
  });
  for (int i = 0; i < 3000; ++i)
    REQUIRE(client.read_response("POST").body.size() == 1150);
  sender.join();
}

TEST_CASE("older and closing clients") {
  Upstream upstream(Transport::plain);
  RawClient old = upstream.client();
  old.send(
      "POST /v1/chat/completions?tokens=3 HTTP/1.0\r\nContent-Length: 15\r\n\r\n"
      R"({"stream":true})");
  const Message response = old.read_response("POST");
  CHECK(response.ending == test::Ending::until_close);
  CHECK(response.value("connection") == "close");
  CHECK(count(response.body, "data: {") == 3);

  RawClient kept = upstream.client();
  for (int i = 0; i < 2; ++i) {
    kept.send("GET /bench/bytes/5 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const Message bytes = kept.read_response();
    CHECK(bytes.value("connection") == "keep-alive");
    CHECK(bytes.body.size() == 5);
  }

  RawClient closing = upstream.client();
  CHECK(closing.round_trip(test::get("/bench/bytes/5", {{"Connection", "close"}}))
            .value("connection") == "close");
  closing.wait_gone();
}

TEST_CASE("a client that comes back resumes its TLS session, whichever thread it meets") {
  Options options;
  options.threads = 2;
  Upstream upstream(Transport::tls, options);
  constexpr int connections = 16;
  for (int i = 0; i < connections; ++i) {
    RawClient client = upstream.client();
    CHECK(client.round_trip(chat()).status() == 200);
    client.close();
  }
  CHECK(upstream.handshakes().full == 1);
  CHECK(upstream.handshakes().resumed == connections - 1);
}
