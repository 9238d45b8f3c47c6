// Redirects followed as fetch() follows them (Fetch standard, "HTTP-redirect fetch").
#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Fields;
using test::Message;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

std::string redirect(const std::string& status, const std::string& location) {
  return test::message(status + " Moved", {{"Location", location}}, "moved");
}

// Redirects "/from…" to `location` with `status`, and answers everything else.
RawUpstream::Script redirecting(std::string status, std::string location) {
  return test::serve([=](const Message& request) {
    if (request.target().starts_with("/from")) return redirect(status, location);
    return test::message("200 OK", {}, "arrived at " + request.target());
  });
}

}  // namespace

TEST_CASE_TRANSPORTS("a redirect is followed; the client sees only its end") {
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       redirecting("302", "/to?q=1#fragment"));
  const Proxy proxy(upstream);
  const Message response = proxy.round_trip(test::get("/from", {{"X-Kept", "1"}}));
  CHECK(response.status() == 200);
  CHECK(response.body == "arrived at /to?q=1");
  CHECK_FALSE(response.has("location"));
  CHECK(upstream.next_request().target() == "/from");
  const Message second = upstream.next_request();
  CHECK(second.value("x-kept") == "1");
  CHECK(second.value("host") == upstream.authority());
}

TEST_CASE("method and body by status") {
  struct Case {
    std::string status;
    std::string method;
    std::string method_after;
    bool body_after;
  };
  for (const Case& c : {Case{"301", "POST", "GET", false},
                        Case{"302", "POST", "GET", false},
                        Case{"303", "POST", "GET", false},
                        Case{"307", "POST", "POST", true},
                        Case{"308", "POST", "POST", true},
                        Case{"301", "PUT", "PUT", true},
                        Case{"302", "PATCH", "PATCH", true},
                        Case{"303", "PUT", "GET", false},
                        Case{"303", "DELETE", "GET", false},
                        Case{"308", "DELETE", "DELETE", true}}) {
    CAPTURE(c.status);
    CAPTURE(c.method);
    RawUpstream upstream(redirecting(c.status, "/to"));
    const Proxy proxy(upstream);
    const Message response = proxy.round_trip(test::message(c.method + " /from HTTP/1.1",
                                                            {{"Host", "p"},
                                                             {"Content-Type", "text/plain"},
                                                             {"Content-Language", "en"},
                                                             {"X-Kept", "1"}},
                                                            "the body"));
    CHECK(response.body == "arrived at /to");
    CHECK(upstream.next_request().body == "the body");
    const Message second = upstream.next_request();
    CHECK(second.method() == c.method_after);
    CHECK(second.body == (c.body_after ? "the body" : ""));
    CHECK(second.has("content-type") == c.body_after);
    CHECK(second.has("content-language") == c.body_after);
    if (!c.body_after) {
      CHECK_FALSE(second.has("content-length"));
      CHECK_FALSE(second.has("transfer-encoding"));
    }
    CHECK(second.value("x-kept") == "1");
  }
}

TEST_CASE("HEAD stays HEAD") {
  for (const char* status : {"301", "303", "307"}) {
    RawUpstream upstream(test::serve([&](const Message& request) {
      const std::string head = std::string("HTTP/1.1 ");
      return request.target() == "/from" ? head + status + " Moved\r\nLocation: /to\r\n\r\n"
                                         : head + "200 OK\r\nContent-Length: 5\r\n\r\n";
    }));
    const Proxy proxy(upstream);
    CHECK(proxy.round_trip("HEAD /from HTTP/1.1\r\nHost: p\r\n\r\n").status() == 200);
    static_cast<void>(upstream.next_request());
    CHECK(upstream.next_request().method() == "HEAD");
  }
}

TEST_CASE("a chunked body goes along as well") {
  RawUpstream upstream(redirecting("307", "/to"));
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send("POST /from HTTP/1.1\r\nHost: p\r\nTransfer-Encoding: chunked\r\n\r\n" +
              test::chunk("one") + test::chunk("two") + "0\r\nX-T: 1\r\n\r\n");
  CHECK(client.read_response().body == "arrived at /to");
  CHECK(upstream.next_request().body == "onetwo");
  const Message second = upstream.next_request();
  CHECK(second.body == "onetwo");
  CHECK(second.trailers == Fields{{"X-T", "1"}});
}

TEST_CASE("locations are resolved against the request's URL") {
  struct Case {
    std::string location;
    std::string target;
  };
  for (const Case& c : {Case{"to", "/from/to"},
                        Case{"../to", "/to"},
                        Case{"/to/../here", "/here"},
                        Case{"?q=2", "/from/x?q=2"},
                        Case{"./", "/from/"}}) {
    CAPTURE(c.location);
    std::atomic<bool> redirected = false;
    RawUpstream upstream(test::serve([&](const Message&) {
      if (!redirected.exchange(true)) return redirect("302", c.location);
      return test::message("200 OK");
    }));
    const Proxy proxy(upstream);
    CHECK(proxy.round_trip(test::get("/from/x?q=1")).status() == 200);
    static_cast<void>(upstream.next_request());
    CHECK(upstream.next_request().target() == c.target);
  }
}

TEST_CASE("the base path is not put in front of a redirect's target") {
  RawUpstream upstream(test::serve([](const Message& request) {
    return request.target() == "/base/x" ? redirect("302", "/elsewhere") : test::message("200 OK");
  }));
  const Proxy proxy(upstream.url() + "/base", "");
  CHECK(proxy.round_trip(test::get("/x")).status() == 200);
  static_cast<void>(upstream.next_request());
  CHECK(upstream.next_request().target() == "/elsewhere");
}

TEST_CASE_TRANSPORTS("another origin gets neither Authorization nor cookies, also not later") {
  RawUpstream home(test::serve(test::message("200 OK", {}, "home again")));
  RawUpstream other(test::upstream_options(transports.upstream),
                    test::serve([&](const Message& request) {
                      return request.target() == "/there" ? redirect("307", home.url() + "/back")
                                                          : test::message("200 OK", {}, "there");
                    }));
  for (const std::string target : {"/there", "/stay"}) {
    RawUpstream first(test::serve(redirect("307", other.url() + target)));
    const Proxy proxy(first);
    const Message response = proxy.round_trip(
        test::post("/from",
                   "body",
                   {{"Authorization", "Bearer secret"}, {"Cookie", "secret=1"}, {"X-Kept", "1"}}));
    CHECK(response.body == (target == "/there" ? "home again" : "there"));
    CHECK(first.next_request().value("authorization") == "Bearer secret");
    const Message seen = other.next_request();
    CHECK(seen.value("host") == other.authority());
    CHECK(seen.body == "body");
    CHECK(seen.value("x-kept") == "1");
    CHECK_FALSE(seen.has("authorization"));
    CHECK_FALSE(seen.has("cookie"));
    if (target == "/there") CHECK_FALSE(home.next_request().has("authorization"));
  }
}

TEST_CASE("the same origin keeps them") {
  RawUpstream upstream(redirecting("302", "/to"));
  const Proxy proxy(upstream);
  CHECK(proxy.round_trip(test::get("/from", {{"Authorization", "Bearer k"}, {"Cookie", "c=1"}}))
            .status() == 200);
  static_cast<void>(upstream.next_request());
  const Message second = upstream.next_request();
  CHECK(second.value("authorization") == "Bearer k");
  CHECK(second.value("cookie") == "c=1");
}

TEST_CASE("after redirects.max the redirect itself reaches the client") {
  RawUpstream upstream(test::serve(redirect("302", "/again")));
  const Proxy proxy(upstream);
  const Message response = proxy.round_trip(test::get("/"));
  CHECK(response.status() == 302);
  CHECK(response.value("location") == "/again");
  CHECK(upstream.requests() == 6);

  const Proxy once(upstream, "redirects: { max: 1 }");
  CHECK(once.round_trip(test::get("/")).status() == 302);
  CHECK(upstream.requests() == 8);
}

TEST_CASE("redirects: follow: false passes them on") {
  RawUpstream upstream(test::serve(redirect("307", "/to")));
  const Proxy proxy(upstream, "redirects: { follow: false }");
  const Message response = proxy.round_trip(test::get("/from"));
  CHECK(response.status() == 307);
  CHECK(response.value("location") == "/to");
  CHECK(response.body == "moved");
  CHECK(upstream.requests() == 1);
}

TEST_CASE("what cannot be followed is passed on") {
  for (const std::string location :
       {"ftp://host/x", "javascript:alert(1)", "http://", "http://user:pw@host/", "//"}) {
    CAPTURE(location);
    RawUpstream upstream(test::serve(redirect("302", location)));
    const Proxy proxy(upstream);
    const Message response = proxy.round_trip(test::get("/"));
    CHECK(response.status() == 302);
    CHECK(response.value("location") == location);
  }
  for (const std::string response : {"300 Multiple Choices", "304 Not Modified", "305 Use Proxy"}) {
    CAPTURE(response);
    RawUpstream upstream(test::serve("HTTP/1.1 " + response + "\r\nLocation: /to\r\n\r\n"));
    const Proxy proxy(upstream);
    RawClient client = proxy.client();
    client.send(test::get("/"));
    CHECK(client.read_head().start_line == "HTTP/1.1 " + response);
  }
  RawUpstream no_location(test::serve(test::message("302 Found", {}, "where?")));
  const Proxy proxy(no_location);
  CHECK(proxy.round_trip(test::get("/")).body == "where?");
}

TEST_CASE("a body too large to be replayed: the redirect is passed on") {
  const std::string body = test::pattern(300'000);
  RawUpstream upstream(redirecting("307", "/to"));
  const Proxy proxy(upstream);
  const Message response = proxy.round_trip(test::post("/from", body));
  CHECK(response.status() == 307);
  CHECK(response.value("location") == "/to");
  CHECK(upstream.requests() == 1);
  // Where no body is needed any more, its size does not matter.
  RawUpstream see_other(redirecting("303", "/to"));
  const Proxy second(see_other);
  CHECK(second.round_trip(test::post("/from", body)).body == "arrived at /to");
}

TEST_CASE("a redirect before the request has ended is passed on where the body matters") {
  RawUpstream upstream([](UpstreamConnection& connection) {
    if (!connection.read_request_head()) return;
    connection.send(redirect("307", "/to"));
    connection.wait_gone();
  });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send("POST /from HTTP/1.1\r\nHost: p\r\nContent-Length: 100\r\n\r\nhalf");
  CHECK(client.read_response().status() == 307);
}

TEST_CASE("where no body is needed, a redirect before the request has ended is followed") {
  RawUpstream upstream([](UpstreamConnection& connection) {
    const auto request = connection.read_request_head();
    if (!request) return;
    connection.send(request->target() == "/from" ? redirect("303", "/to")
                                                 : test::message("200 OK", {}, "arrived"));
    connection.wait_gone();
  });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send("POST /from HTTP/1.1\r\nHost: p\r\nContent-Length: 100\r\n\r\nhalf");
  CHECK(client.read_response().body == "arrived");
}

TEST_CASE("a redirect to where nobody listens: 502") {
  uint16_t port = 0;
  {
    const test::ListeningSocket socket;
    port = socket.port();
  }
  RawUpstream upstream(
      test::serve(redirect("302", "http://127.0.0.1:" + std::to_string(port) + "/")));
  const Proxy proxy(upstream);
  CHECK(proxy.round_trip(test::get("/")).status() == 502);
}
