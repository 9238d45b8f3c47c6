// Event streams: each event leaves as it comes.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Message;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

constexpr int events = 20;

std::string event(int i) {
  return "data: {\"token\":" + std::to_string(i) + "}\n\n";
}

// Sends each event only after the client has got the one before.
RawUpstream::Script stepwise(std::string head,
                             std::array<test::Signal, events>& received,
                             bool chunked) {
  return [head = std::move(head), &received, chunked](UpstreamConnection& connection) {
    if (!connection.read_request()) return;
    connection.send(head);
    for (int i = 0; i < events; ++i) {
      connection.send(chunked ? test::chunk(event(i)) : event(i));
      received.at(static_cast<size_t>(i)).wait();
    }
    if (chunked) connection.send(test::last_chunk);
    connection.close();
  };
}

// What the beginning of a chunked body tells of its payload.
std::string payload_of(std::string_view chunked) {
  std::string payload;
  while (!chunked.empty()) {
    const size_t end_of_size = chunked.find("\r\n");
    if (end_of_size == std::string_view::npos) break;
    const size_t size = std::stoul(std::string(chunked.substr(0, end_of_size)), nullptr, 16);
    chunked.remove_prefix(end_of_size + 2);
    payload += chunked.substr(0, size);
    chunked.remove_prefix(std::min(chunked.size(), size + 2));
  }
  return payload;
}

}  // namespace

TEST_CASE_TRANSPORTS("each event arrives before the upstream sends the next") {
  const std::string fields = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
  struct Case {
    std::string head;
    bool chunked;
  };
  for (const Case& c : {Case{fields + "Transfer-Encoding: chunked\r\n\r\n", true},
                        Case{fields + "\r\n", false},
                        Case{fields + "Content-Length: " + std::to_string([] {
                               size_t size = 0;
                               for (int i = 0; i < events; ++i)
                                 size += event(i).size();
                               return size;
                             }()) +
                                 "\r\n\r\n",
                             false}}) {
    CAPTURE(c.head);
    std::array<test::Signal, events> received;
    RawUpstream upstream(test::upstream_options(transports.upstream),
                         stepwise(c.head, received, c.chunked));
    const Proxy proxy(upstream);
    RawClient client = proxy.client();
    client.send(test::post("/v1/chat/completions", "{\"stream\":true}"));
    Message response = client.read_response_head();
    for (int i = 0; i < events; ++i) {
      CHECK(client.read_body_until(response, "\n\n") == event(i));
      received.at(static_cast<size_t>(i)).set();
    }
    client.read_rest(response);
    CHECK(response.body.empty());
  }
}

TEST_CASE_TRANSPORTS("the head arrives before the first event") {
  test::Signal head_seen;
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [&](UpstreamConnection& connection) {
                         if (!connection.read_request()) return;
                         connection.send(
                             "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                             "Transfer-Encoding: chunked\r\n\r\n");
                         head_seen.wait();
                         connection.send(test::chunk(event(0)) + std::string(test::last_chunk));
                       });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send(test::get("/"));
  Message response = client.read_response_head();
  head_seen.set();
  client.read_rest(response);
  CHECK(response.body == event(0));
}

TEST_CASE_TRANSPORTS("pieces of an event arrive as they come, whatever they are cut out of") {
  // Each piece leaves only after the client has got all that the ones before it tell.
  const std::string chunk = test::chunk(event(1)) + test::chunk(event(2));
  constexpr size_t piece_bytes = 7;  // also within the chunks' sizes and between CR and LF
  const size_t pieces = (chunk.size() + piece_bytes - 1) / piece_bytes;
  std::vector<test::Signal> received(pieces);
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [&](UpstreamConnection& connection) {
                         if (!connection.read_request()) return;
                         connection.send(
                             "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                             "Transfer-Encoding: chunked\r\n\r\n");
                         for (size_t i = 0; i < pieces; ++i) {
                           connection.send(chunk.substr(i * piece_bytes, piece_bytes));
                           received[i].wait();
                         }
                         connection.send(test::last_chunk);
                       });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send(test::get("/"));
  Message response = client.read_response_head();
  std::string body;
  for (size_t i = 0; i < pieces; ++i) {
    const std::string due = payload_of(chunk.substr(0, (i + 1) * piece_bytes));
    while (body.size() < due.size()) {
      const std::string some = client.read_body_some(response);
      REQUIRE_FALSE(some.empty());
      body += some;
    }
    CHECK(body == due);
    received[i].set();
  }
  CHECK(body == event(1) + event(2));
  client.read_rest(response);
  CHECK(response.body.empty());
}

TEST_CASE("no time-out ever on a stream that goes on") {
  // Longer in all than every time-out, silent for less than timeouts.silence.
  RawUpstream upstream([](UpstreamConnection& connection) {
    if (!connection.read_request()) return;
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 4; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
      connection.send(test::chunk(event(i)));
    }
    connection.send(test::last_chunk);
  });
  const Proxy proxy(upstream,
                    "upstreams: { openai: { timeouts: { first_byte: 1500ms, silence: 1500ms } } }\n"
                    "timeouts: { request_head: 1s, request_body_silence: 1s, keep_alive: 1s,"
                    " response_write_silence: 1s }\n");
  CHECK(proxy.round_trip(test::get("/")).body == event(0) + event(1) + event(2) + event(3));
}

TEST_CASE("X-Accel-Buffering: no goes with event streams, and only with them") {
  RawUpstream upstream(test::serve([](const Message& request) {
    if (request.target() == "/json") {
      return test::message("200 OK", {{"Content-Type", "application/json"}}, "{}");
    }
    test::Fields fields = {{"Content-Type", "Text/Event-Stream; charset=utf-8"}};
    if (request.target() == "/own") fields.emplace_back("X-Accel-Buffering", "yes");
    return test::message("200 OK", fields, "data: x\n\n");
  }));
  const Proxy proxy(upstream);
  CHECK(proxy.round_trip(test::get("/stream")).value("x-accel-buffering") == "no");
  CHECK(proxy.round_trip(test::get("/own")).values("x-accel-buffering").size() == 1);
  CHECK_FALSE(proxy.round_trip(test::get("/json")).has("x-accel-buffering"));
}

TEST_CASE_TRANSPORTS("many streams at once, each with its own events") {
  constexpr int streams = 50;
  test::Signal all_begun;
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [&](UpstreamConnection& connection) {
                         while (auto request = connection.read_request()) {
                           connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                                           test::chunk("begin" + request->target() + "\n"));
                           all_begun.wait();
                           for (int i = 0; i < events; ++i) {
                             connection.send(test::chunk(request->target() + event(i)));
                           }
                           connection.send(test::last_chunk);
                         }
                       });
  const Proxy proxy(upstream);
  std::vector<RawClient> clients;
  std::vector<Message> responses;
  for (int i = 0; i < streams; ++i) {
    clients.push_back(proxy.client());
    clients.back().send(test::get("/" + std::to_string(i)));
    responses.push_back(clients.back().read_response_head());
    CHECK(clients.back().read_body_until(responses.back(), "\n") ==
          "begin/" + std::to_string(i) + "\n");
  }
  all_begun.set();
  for (size_t i = 0; i < streams; ++i) {
    clients[i].read_rest(responses[i]);
    std::string expected;
    for (int e = 0; e < events; ++e)
      expected += "/" + std::to_string(i) + event(e);
    CHECK(responses[i].body == expected);
  }
  CHECK(upstream.connections() == streams);
}
