// No byte of one exchange ever reaches another, whatever the upstream does.
#include <atomic>
#include <thread>

#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Message;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

// The marker of a request: its target, and its body where it has one.
std::string marked(const Message& request) {
  return request.target() + "|" + request.body;
}

constexpr int kinds = 13;

// Answers in one of many ways, honest and hostile, chosen by the request's number.
void answer(UpstreamConnection& connection, const Message& request) {
  const std::string body = marked(request);
  switch (std::stoi(request.target().substr(1)) % kinds) {
    case 0:
      connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                      test::chunk(body.substr(0, 1)) + test::chunk(body.substr(1)) +
                      std::string(test::last_chunk));
      return;
    case 1:  // bytes behind the response
      connection.send(test::message("200 OK", {}, body) + test::message("200 OK", {}, "POISON"));
      return;
    case 2:  // up to the end
      connection.send("HTTP/1.1 200 OK\r\n\r\n" + body);
      connection.close();
      return;
    case 3:
      connection.close();
      return;
    case 4:
      connection.reset();
      return;
    case 5:  // broken off
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + body);
      connection.close();
      return;
    case 6:  // ambiguous
      connection.send(
          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nPOISON");
      return;
    case 7:  // broken chunks
      connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + test::chunk(body) +
                      "POISON");
      return;
    case 10:  // interim responses first
      connection.send(
          "HTTP/1.1 103 Early Hints\r\nLink: </POISON>\r\n\r\n"
          "HTTP/1.1 102 Processing\r\n\r\n" +
          test::message("200 OK", {}, body));
      return;
    case 11: {  // nothing but interim responses
      std::string flood;
      for (int i = 0; i < 100; ++i)
        flood += "HTTP/1.1 102 Processing\r\n\r\n";
      connection.send(flood + test::message("200 OK", {}, "POISON"));
      return;
    }
    case 12:  // another protocol, which nobody asked for
      connection.send(
          "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nPOISON");
      return;
    default:
      connection.send(test::message("200 OK", {}, body));
      return;
  }
}

// What has to come of a request, by what answer() does with it.
enum class Fate : uint8_t {
  whole,    // 200 with its own marker
  refused,  // 502: the upstream said nothing that is an answer
  cut,      // it begins and breaks off
};

Fate fate_of(int number) {
  switch (number % kinds) {
    case 3:
    case 4:
    case 6:
    case 11:
    case 12:
      return Fate::refused;
    case 5:
    case 7:
      return Fate::cut;
    default:
      return Fate::whole;
  }
}

// Whether a response that came whole is the one that the request had to get.
bool is_due(const Message& response, int number, const std::string& marker) {
  switch (fate_of(number)) {
    case Fate::whole:
      return response.status() == 200 && response.body == marker;
    case Fate::refused:
      return response.status() == 502 && response.body.find("POISON") == std::string::npos;
    case Fate::cut:
      return false;
  }
  return false;
}

Message read_final_response(RawClient& client) {
  Message response = client.read_response();
  while (response.status() < 200)
    response = client.read_response();
  return response;
}

}  // namespace

TEST_CASE_TRANSPORTS("ten thousand marked requests in all through a hostile upstream") {
  constexpr int threads_count = 8;
  constexpr int per_thread = test::sanitized ? 63 : 313;  // on each of four transports
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [](UpstreamConnection& connection) {
                         try {
                           while (auto request = connection.read_request()) {
                             answer(connection, *request);
                           }
                         } catch (const test::Failure&) {
                           // Given up by the proxy in the middle of something.
                         }
                       });
  const Proxy proxy(upstream, "workers: 2");
  std::atomic<int> as_due = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < threads_count; ++t) {
    threads.emplace_back([&, t] {
      RawClient client = proxy.client();
      for (int i = 0; i < per_thread; ++i) {
        const int number = t * per_thread + i;
        const std::string target = "/" + std::to_string(number);
        const std::string body = i % 3 == 0 ? "body-" + std::to_string(number) : "";
        try {
          client.send(body.empty() ? test::get(target) : test::post(target, body));
          const Message response = read_final_response(client);
          if (is_due(response, number, target + "|" + body)) {
            ++as_due;
          } else {
            MESSAGE(target << " got: " << response.start_line << " " << response.body);
          }
          if (response.has("connection")) client = proxy.client();
        } catch (const test::Failure& failure) {
          const bool is_slow = dynamic_cast<const test::TimedOut*>(&failure) != nullptr;
          if (fate_of(number) == Fate::cut && !is_slow) {
            ++as_due;
          } else {
            MESSAGE(target << " was cut: " << failure.what());
          }
          client = proxy.client();
        }
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  CHECK(as_due.load() == threads_count * per_thread);
}

TEST_CASE("pipelined requests keep their answers apart, whatever their upstream does") {
  RawUpstream upstream([](UpstreamConnection& connection) {
    try {
      while (auto request = connection.read_request()) {
        answer(connection, *request);
      }
    } catch (const test::Failure&) {
      // as above
    }
  });
  const Proxy proxy(upstream);
  for (int round = 0; round < 50; ++round) {
    RawClient client = proxy.client();
    std::string requests;
    // All kinds but those that cut the client.
    std::vector<int> numbers;
    for (const int kind : {0, 1, 2, 3, 8, 0, 10, 9, 1, 11, 4, 8, 12, 6, 2}) {
      numbers.push_back(round * kinds + kind);
      requests += test::get("/" + std::to_string(numbers.back()));
    }
    client.send(requests);
    for (const int number : numbers) {
      CAPTURE(number);
      CHECK(is_due(read_final_response(client), number, "/" + std::to_string(number) + "|"));
    }
  }
}
