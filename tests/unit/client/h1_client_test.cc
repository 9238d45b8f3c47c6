// The server half of HTTP/1, by a client's bytes alone.
#include "client/h1_client.h"

#include <string>

#include <doctest/doctest.h>

#include "client/client_scene.h"

using client_test::Scene;

namespace {

// Answers with what was asked for.
std::unique_ptr<local::Answer> echo(const http::Head& request, local::Responder& responder) {
  responder.reply({.body = std::string(request.target) + "\n"});
  return nullptr;
}

size_t count(const std::string& text, std::string_view what) {
  size_t found = 0;
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size())
    ++found;
  return found;
}

}  // namespace

TEST_CASE("requests one behind the other are answered in their order") {
  Scene scene(echo);
  scene.peer().send(
      "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
      "GET /3 HTTP/1.1\r\nHost: h\r\n\r\n");
  scene.turn();
  const std::string& heard = scene.peer().heard();
  CHECK(count(heard, "HTTP/1.1 200 OK\r\n") == 3);
  CHECK(heard.find("/1\n") < heard.find("/2\n"));
  CHECK(heard.find("/2\n") < heard.find("/3\n"));
}

TEST_CASE("a request in single bytes is one request") {
  Scene scene(echo);
  for (const char byte : std::string("GET /x HTTP/1.1\r\nHost: h\r\n\r\n")) {
    scene.peer().send({&byte, 1});
    scene.turn();
  }
  CHECK(scene.peer().heard().ends_with("/x\n"));
}

TEST_CASE("HTTP/1.0 closes behind its response, unless it asks otherwise") {
  Scene scene(echo);
  SUBCASE("as it is") {
    scene.peer().send("GET /x HTTP/1.0\r\n\r\n");
    scene.turn();
    CHECK(scene.peer().heard().find("Connection: close\r\n") != std::string::npos);
  }
  SUBCASE("keep-alive") {
    scene.peer().send("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    scene.turn();
    CHECK(scene.peer().heard().find("Connection: keep-alive\r\n") != std::string::npos);
  }
}

TEST_CASE("what is malformed is answered and ends the connection") {
  Scene scene(echo);
  scene.peer().send("GET /x HTTP/1.1\r\n\r\n");
  scene.turn();
  CHECK(scene.peer().heard().starts_with("HTTP/1.1 400 Bad Request\r\n"));
  CHECK(scene.peer().heard().find("Connection: close\r\n") != std::string::npos);
}

TEST_CASE("a body that nobody reads is discarded where it is here, and ends all where it is not") {
  Scene scene(echo);
  SUBCASE("here") {
    scene.peer().send(
        "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\n"
        "Host: h\r\n\r\n");
    scene.turn();
    CHECK(scene.peer().heard().ends_with("/2\n"));
  }
  SUBCASE("not here") {
    scene.peer().send("POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");
    scene.turn();
    CHECK(scene.peer().heard().find("Connection: close\r\n") != std::string::npos);
  }
}

TEST_CASE("an idle connection ends after keep_alive, a slow head after request_head") {
  config::Config config;
  config.timeouts.keep_alive_ms = 1'000;
  config.timeouts.request_head_ms = 500;
  Scene scene(echo, config);
  SUBCASE("idle") {
    scene.peer().send("GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    scene.turn();
    scene.advance(900);
    CHECK(scene.is_open());
    scene.advance(200);
  }
  SUBCASE("half a head") {
    scene.peer().send("GET /x HT");
    scene.turn();
    scene.advance(600);
    CHECK(scene.peer().heard().starts_with("HTTP/1.1 408 "));
    scene.advance(3'000);
  }
  CHECK(!scene.is_open());
}

TEST_CASE("requests_per_connection_max ends a connection in good order") {
  config::Config config;
  config.limits.requests_per_connection_max = 2;
  Scene scene(echo, config);
  scene.peer().send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
  scene.turn();
  CHECK(scene.peer().heard().find("Connection: close") == std::string::npos);
  scene.peer().send("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  scene.turn();
  CHECK(scene.peer().heard().find("Connection: close\r\n") != std::string::npos);
}

TEST_CASE("who drains answers what is under way and closes") {
  Scene scene(echo);
  scene.peer().send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
  scene.turn();
  scene.drain();
  SUBCASE("idle: after a short grace") {
    scene.advance(600);
    CHECK(!scene.is_open());
  }
  SUBCASE("a request on its way is served") {
    scene.peer().send("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
    scene.turn();
    CHECK(scene.peer().heard().ends_with("/2\n"));
    CHECK(count(scene.peer().heard(), "Connection: close\r\n") == 1);
  }
}
