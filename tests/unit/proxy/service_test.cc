// Services of ours behind a client's connection: what they answer at once, later, in pieces.
#include "local/service.h"

#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "client/client_scene.h"

using client_test::Scene;

namespace {

// An answer whose end a case sees.
class Watched final : public local::Answer {
 public:
  explicit Watched(bool& over) : over_(over) {}
  void on_over() override { over_ = true; }

 private:
  bool& over_;
};

constexpr std::string_view question = "GET /page?x HTTP/1.1\r\nHost: h\r\n\r\n";

std::string body_of(const std::string& response) {
  return response.substr(response.find("\r\n\r\n") + 4);
}

}  // namespace

TEST_CASE("a page at once, one after the other on one connection") {
  Scene scene([](const http::Head& request, local::Responder& responder) {
    responder.reply({.status = 404, .body = std::string(request.target)});
    return nullptr;
  });
  for (int i = 1; i <= 2; ++i) {
    scene.peer().send(question);
    scene.turn();
  }
  const std::string& heard = scene.peer().heard();
  CHECK(heard.starts_with("HTTP/1.1 404 Not Found\r\n"));
  CHECK(heard.ends_with("/page?x"));
  CHECK(heard.find("HTTP/1.1 404", 1) != std::string::npos);
}

TEST_CASE("an answer that comes later") {
  local::Responder* asked = nullptr;
  bool over = false;
  Scene scene([&](const http::Head&, local::Responder& responder) {
    asked = &responder;
    return std::make_unique<Watched>(over);
  });
  scene.peer().send(question);
  scene.turn();
  CHECK(scene.peer().heard().empty());
  REQUIRE(asked != nullptr);
  asked->reply({.body = "late"});
  CHECK(over);
  static_cast<void>(asked->flush());
  scene.turn();
  CHECK(body_of(scene.peer().heard()) == "late");
}

TEST_CASE("an answer in pieces: each leaves at once, and its end is its end") {
  local::Responder* asked = nullptr;
  bool over = false;
  Scene scene([&](const http::Head&, local::Responder& responder) {
    asked = &responder;
    responder.begin("text/event-stream");
    return std::make_unique<Watched>(over);
  });
  scene.peer().send(question);
  scene.turn();
  CHECK(scene.peer().heard().find("Content-Type: text/event-stream\r\n") != std::string::npos);
  asked->send(base::as_bytes("data: 1\n\n"));
  static_cast<void>(asked->flush());
  scene.turn();
  CHECK(scene.peer().heard().ends_with("9\r\ndata: 1\n\n\r\n"));
  CHECK(!over);
  asked->end();
  CHECK(over);
  static_cast<void>(asked->flush());
  scene.turn();
  CHECK(scene.peer().heard().ends_with("0\r\n\r\n"));
}

TEST_CASE("HEAD has a stream's head and no bytes of it") {
  Scene scene([&](const http::Head&, local::Responder& responder) {
    responder.begin("text/event-stream");
    responder.send(base::as_bytes("data: 1\n\n"));
    responder.end();
    return nullptr;
  });
  scene.peer().send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  scene.turn();
  CHECK(scene.peer().heard().starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(scene.peer().heard().find("data:") == std::string::npos);
}

TEST_CASE("a client that goes away ends the answer, which is told") {
  bool over = false;
  Scene scene([&](const http::Head&, local::Responder& responder) {
    responder.begin("text/event-stream");
    return std::make_unique<Watched>(over);
  });
  scene.peer().send(question);
  scene.turn();
  CHECK(!over);
  scene.peer().leave();
  scene.turn();
  CHECK(over);
}

TEST_CASE("an error of a service has the API's form, with fields of its own") {
  Scene scene([&](const http::Head&, local::Responder& responder) {
    const http::Field field{"Location", "https://h/"};
    responder.reply({.status = 308, .type = "invalid_request_error", .code = "c", .message = "m"},
                    {&field, 1});
    return nullptr;
  });
  scene.peer().send(question);
  scene.turn();
  CHECK(scene.peer().heard().find("\r\nLocation: https://h/\r\n") != std::string::npos);
  CHECK(scene.peer().heard().find("\"code\":\"c\"") != std::string::npos);
}
