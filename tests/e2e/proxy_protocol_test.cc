// Behind a front server: the PROXY protocol tells whose connection it is.
#include <string>

#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Proxy;
using test::RawClient;
using test::RawUpstream;

namespace {

const std::string ok = test::message("200 OK", {}, "ok");
const std::string header = "PROXY TCP4 192.0.2.7 198.51.100.2 56324 443\r\n";
const std::string binary_header = std::string("\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24", 16) +
                                  std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07", 16) +
                                  std::string(20, '\x01');

std::string fronted(const std::string& from, const std::string& more = "") {
  return "listen: [{address: '127.0.0.1:0', proxy_protocol: {from: [" + from + "]}}]\n" + more;
}

}  // namespace

TEST_CASE("what the header says is the client's address") {
  const test::TemporaryFolder folder;
  const std::string log = folder / "access.log";
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream,
                    fronted("10.0.0.0/8, 127.0.0.0/8",
                            "headers: { add_forwarded: true }\nlog: { access: '" + log + "' }\n"));
  RawClient client = proxy.client();
  CHECK(client.round_trip(header + test::get("/1")).body == "ok");
  CHECK(upstream.next_request().value("x-forwarded-for") == "192.0.2.7");
  CHECK(client.round_trip(test::get("/2")).body == "ok");
  CHECK(upstream.next_request().value("x-forwarded-for") == "192.0.2.7");
  RawClient second = proxy.client();
  CHECK(second.round_trip(binary_header + test::get("/3")).body == "ok");
  CHECK(upstream.next_request().value("x-forwarded-for") == "2001:db8::7");
  // The front's own health check.
  RawClient local = proxy.client();
  CHECK(local.round_trip("PROXY UNKNOWN\r\n" + test::get("/4")).body == "ok");
  CHECK(upstream.next_request().value("x-forwarded-for") == "127.0.0.1");
  std::string text;
  test::eventually("four lines", [&] {
    text = test::read_file(log);
    return std::count(text.begin(), text.end(), '\n') == 4;
  });
  CHECK(text.find("\"client\":\"192.0.2.7\"") != std::string::npos);
  CHECK(text.find("\"client\":\"2001:db8::7\"") != std::string::npos);
}

TEST_CASE("a header that comes byte by byte") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, fronted("127.0.0.1"));
  RawClient client = proxy.client();
  const std::string all = binary_header + test::get("/");
  for (const char byte : all)
    client.send(std::string_view(&byte, 1));
  CHECK(client.read_response().body == "ok");
}

TEST_CASE("a front that sends no header, or a wrong one, is refused without an answer") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, fronted("127.0.0.1", "timeouts: { request_head: 300ms }"));
  for (const std::string& bytes :
       {test::get("/"), "PROXY TCP4 nonsense\r\n" + test::get("/"), std::string("PROXY TCP4 1")}) {
    CAPTURE(bytes);
    RawClient client = proxy.client();
    client.send(bytes);
    CHECK(client.read_to_end().empty());
  }
  RawClient left = proxy.client();
  left.close();
  RawClient good = proxy.client();
  CHECK(good.round_trip(header + test::get("/")).body == "ok");
  CHECK(upstream.requests() == 1);
}

TEST_CASE("who is no front is served without a header and believed nothing") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, fronted("127.0.0.2", "headers: { add_forwarded: true }"));
  CHECK(proxy.round_trip(test::get("/")).body == "ok");
  CHECK(upstream.next_request().value("x-forwarded-for") == "127.0.0.1");
  CHECK(proxy.round_trip(header + test::get("/")).status() == 400);
}

TEST_CASE("a front on a unix socket") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "proxy.sock";
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream,
                    "listen: [{address: 'unix:" + path + "', proxy_protocol: {from: [unix]}}]\n" +
                        "headers: { add_forwarded: true }");
  RawClient client(test::plain_wire(test::connect_unix(path)));
  CHECK(client.round_trip(header + test::get("/")).body == "ok");
  CHECK(upstream.next_request().value("x-forwarded-for") == "192.0.2.7");
}

TEST_CASE("connections per address are limited by what the header says") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream,
                    fronted("127.0.0.1", "workers: 2\nlimits: { connections_per_address_max: 2 }"));
  std::vector<RawClient> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(proxy.client());
    CHECK(clients.back().round_trip(header + test::get("/")).body == "ok");
  }
  RawClient third = proxy.client();
  const test::Message refused = third.round_trip(header + test::get("/"));
  CHECK(refused.status() == 503);
  CHECK(refused.value("retry-after") == "1");
  CHECK(refused.value("connection") == "close");
  CHECK(test::api_error(refused).code == "proxy_busy");
  CHECK(third.read_to_end().empty());
  // Others are not hurt: not another address, not the front itself.
  RawClient other = proxy.client();
  CHECK(other.round_trip(binary_header + test::get("/")).body == "ok");
  for (int i = 0; i < 5; ++i) {
    clients.push_back(proxy.client());
    CHECK(clients.back().round_trip("PROXY UNKNOWN\r\n" + test::get("/")).body == "ok");
  }
  CHECK(clients[0].round_trip(test::get("/")).body == "ok");
  clients[0].close();
  test::eventually("there is room again", [&] {
    return proxy.client().round_trip(header + test::get("/")).status() == 200;
  });
}

TEST_CASE("a drain waits for a header on its way, a stop does not") {
  RawUpstream upstream(test::serve(ok));
  Proxy proxy(upstream, fronted("127.0.0.1"));
  RawClient client = proxy.client();
  RawClient silent = proxy.client();
  client.send(header.substr(0, 20));
  silent.send("P");
  // Both are accepted by now, or will be by the drain.
  proxy.server().drain();
  client.send(header.substr(20) + test::get("/"));
  CHECK(client.read_response().body == "ok");
  proxy.server().stop();
  proxy.server().wait();
}
