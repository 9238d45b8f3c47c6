// Requests of our own: what they send, what they make of answers, and how they end.
#include "upstream/fetch.h"

#include <doctest/doctest.h>

#include "pool_scene.h"

using upstream::Fetch;
using upstream::FetchRequest;
using upstream_test::Scene;

namespace {

const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nok";

// One request with what comes of it.
class Fetched {
 public:
  explicit Fetched(Scene& scene, FetchRequest request = {})
      : fetch_(std::make_unique<Fetch>(
            scene.loop(), scene.pool(), std::move(request), [this](Fetch::Result result) {
              ++calls_;
              result_ = std::move(result);
              if (cancels_itself_) fetch_.reset();
            })) {}
  Fetched(const Fetched&) = delete;
  Fetched& operator=(const Fetched&) = delete;
  Fetched(Fetched&&) = delete;
  Fetched& operator=(Fetched&&) = delete;
  ~Fetched() = default;

  void cancel() { fetch_.reset(); }
  void cancel_when_called() { cancels_itself_ = true; }
  [[nodiscard]] int calls() const { return calls_; }
  [[nodiscard]] const upstream::FetchResponse& response() const {
    REQUIRE(calls_ == 1);
    REQUIRE(static_cast<bool>(*result_));
    return **result_;
  }
  [[nodiscard]] base::Code error() const {
    REQUIRE(calls_ == 1);
    REQUIRE(!*result_);
    CHECK(result_->error().side == base::Side::upstream);
    return result_->error().code;
  }

 private:
  int calls_ = 0;
  bool cancels_itself_ = false;
  std::optional<Fetch::Result> result_;
  std::unique_ptr<Fetch> fetch_;
};

// After a first request whose connection is kept, index 0.
void keep_one(Scene& scene) {
  Fetched first(scene);
  scene.connect(0);
  scene.say(0, ok);
  REQUIRE(first.response().body == "ok");
  REQUIRE(scene.pool()->idle_count() == 1);
}

}  // namespace

TEST_CASE("a fetch says what it is asked to, and gives back status, fields and body") {
  Scene scene;
  Fetched fetched(scene,
                  {.method = "POST",
                   .target = "/a?b=c",
                   .fields = {{"Accept", "*/*"}, {"X-Two", "1"}},
                   .body = "text"});
  scene.turn();
  scene.connect(0);
  CHECK(scene.dial(0).heard() ==
        "POST /a?b=c HTTP/1.1\r\nHost: api.test\r\nAccept: */*\r\nX-Two: 1\r\n"
        "Content-Length: 4\r\n\r\ntext");
  CHECK(fetched.calls() == 0);
  scene.say(0, "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nX-A: b\r\n\r\nno");
  CHECK(fetched.response().status == 404);
  CHECK(fetched.response().body == "no");
  CHECK(fetched.response().fields == upstream::FetchFields{{"Content-Length", "2"}, {"X-A", "b"}});
  CHECK(scene.pool()->idle_count() == 1);
}

TEST_CASE("bodies in chunks, up to the connection's end, in pieces, none at all") {
  struct Case {
    std::string method;
    std::string response;
    std::string body;
    bool ends = false;
  };
  const Case cases[] = {
      {"GET",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
       "abc"},
      {"GET", "HTTP/1.1 200 OK\r\n\r\nup to the end", "up to the end", true},
      {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""},
      {"GET", "HTTP/1.1 204 No Content\r\n\r\n", ""},
      {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", ""},
      {"GET", "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 1\r\n\r\n.", "."},
      {"GET", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" + ok, "ok"}};
  for (const Case& each : cases) {
    CAPTURE(each.response);
    for (const bool bytewise : {false, true}) {
      Scene scene;
      Fetched fetched(scene, {.method = each.method});
      scene.connect(0);
      if (bytewise) {
        for (const char byte : each.response)
          scene.say(0, {&byte, 1});
      } else {
        scene.say(0, each.response);
      }
      if (each.ends) scene.dial(0).end();
      scene.turn();
      CHECK(fetched.response().body == each.body);
      CHECK(scene.pool()->idle_count() == (each.ends ? 0 : 1));
      CHECK(scene.dials() == 1);
    }
  }
}

TEST_CASE("a response that is larger than wanted") {
  struct Case {
    std::string response;
    bool fits;
  };
  const Case cases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody", true},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false},  // known from its head
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n",
       true},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n", false},
      {"HTTP/1.1 200 OK\r\n\r\nabcde", false}};
  for (const Case& each : cases) {
    CAPTURE(each.response);
    Scene scene;
    Fetched fetched(scene, {.response_bytes_max = 4});
    scene.connect(0);
    scene.say(0, each.response);
    if (each.fits) {
      CHECK(fetched.response().body.size() == 4);
    } else {
      CHECK(fetched.error() == base::Code::too_large);
      CHECK(!scene.dial(0).is_open());
    }
  }
  // A head has the upstream's own limits.
  Scene scene({}, {.head_bytes_max = 100});
  Fetched fetched(scene);
  scene.connect(0);
  scene.say(0, "HTTP/1.1 200 OK\r\nX: " + std::string(200, 'x'));
  CHECK(fetched.error() == base::Code::parse);
}

TEST_CASE("a response that breaks off, is none, or was not asked for") {
  struct Case {
    std::string response;
    base::Code code;
  };
  std::string interim;
  for (int i = 0; i < 40; ++i)
    interim += "HTTP/1.1 103 Early Hints\r\n\r\n";
  const Case cases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbo", base::Code::closed},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", base::Code::closed},
      {"HTTP/1.1 20", base::Code::closed},
      {"", base::Code::closed},
      {"SSH-2.0-OpenSSH_9\r\n", base::Code::protocol},
      {"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
       base::Code::parse},
      {interim, base::Code::parse}};
  for (const Case& each : cases) {
    CAPTURE(each.response);
    Scene scene;
    Fetched fetched(scene);
    scene.connect(0);
    scene.say(0, each.response);
    scene.dial(0).end();
    scene.turn();
    CHECK(fetched.error() == each.code);
    CHECK(scene.dials() == 1);
  }
  Scene scene;
  Fetched fetched(scene);
  scene.connect(0);
  scene.say(0, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbo");
  scene.dial(0).reset();
  scene.turn();
  CHECK(fetched.error() == base::Code::reset);
}

TEST_CASE("time runs out: for a connection, for an answer, for its rest") {
  for (const int phase : {0, 1, 2}) {
    CAPTURE(phase);
    Scene scene;
    Fetched fetched(scene, {.timeout_ms = 1000});
    scene.turn();
    if (phase > 0) scene.connect(0);
    if (phase > 1) scene.say(0, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbo");
    scene.pass(900);
    CHECK(fetched.calls() == 0);
    scene.pass(300);
    CHECK(fetched.error() == base::Code::timeout);
    scene.pass(10'000);
    CHECK(fetched.calls() == 1);
    if (phase > 0) CHECK(!scene.dial(0).is_open());
  }
}

TEST_CASE("no connection is to be had") {
  Scene scene({.waiting_max = 0});
  Fetched fetched(scene);
  CHECK(fetched.calls() == 0);  // never from within its constructor
  scene.fail(0);
  CHECK(fetched.error() == base::Code::connect);
  Fetched second(scene);
  scene.fail(1);
  CHECK(second.error() == base::Code::connect);
  // While the pool backs off it says so at once, in the same turn, but not within the call.
  Fetched third(scene);
  CHECK(third.calls() == 0);
  scene.turn();
  CHECK(third.error() == base::Code::connect);
  CHECK(scene.dials() == 2);
}

TEST_CASE("a kept connection that has died is replaced, once, where that is harmless") {
  for (const std::string method : {"GET", "POST"}) {
    CAPTURE(method);
    Scene scene;
    keep_one(scene);
    Fetched fetched(scene, {.method = method, .body = "x"});
    scene.turn();  // the other end has the request now
    scene.dial(0).reset();
    scene.turn();
    if (method == "POST") {
      CHECK(fetched.error() == base::Code::reset);
      CHECK(scene.dials() == 1);
      continue;
    }
    REQUIRE(scene.dials() == 2);
    CHECK(fetched.calls() == 0);
    scene.connect(1);
    CHECK(scene.dial(1).heard() ==
          "GET / HTTP/1.1\r\nHost: api.test\r\nContent-Length: 1\r\n\r\nx");
    scene.dial(1).reset();
    scene.turn();
    CHECK(fetched.error() == base::Code::reset);
    CHECK(scene.dials() == 2);
  }
}

TEST_CASE("a fetch may be cancelled in each phase, and is heard of no more") {
  for (const int phase : {0, 1, 2, 3, 4}) {
    CAPTURE(phase);
    Scene scene;
    Fetched fetched(scene);
    if (phase >= 1) scene.turn();
    if (phase >= 2) scene.connect(0);
    if (phase >= 3) scene.say(0, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbo");
    if (phase == 4) scene.dial(0).say("dy");  // it comes in this turn
    fetched.cancel();
    scene.pass(20'000);
    CHECK(fetched.calls() == 0);
    CHECK(scene.pool()->unused());
    // The connection that was dialled for it may serve others; one that was used is done for.
    if (phase >= 2) CHECK(!scene.dial(0).is_open());
  }
}

TEST_CASE("a fetch may be cancelled from within its callback") {
  Scene scene;
  Fetched good(scene);
  good.cancel_when_called();
  scene.connect(0);
  scene.say(0, ok);
  CHECK(good.response().body == "ok");
  Fetched bad(scene);
  bad.cancel_when_called();
  scene.turn();
  scene.say(0, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
  scene.dial(0).reset();
  scene.turn();
  CHECK(bad.error() == base::Code::reset);
}

TEST_CASE("a fetch that is cancelled when its answer is there, but not told yet, is not told") {
  Scene scene;
  std::unique_ptr<Fetched> second;
  int calls = 0;
  const Fetch first(scene.loop(), scene.pool(), {}, [&](const Fetch::Result&) {
    ++calls;
    CHECK(second->calls() == 0);
    second->cancel();
  });
  second = std::make_unique<Fetched>(scene);
  // Both have failed before either is told.
  scene.dial(0).fail(Scene::refused);
  scene.dial(1).fail(Scene::refused);
  scene.turn();
  CHECK(calls == 1);
  CHECK(second->calls() == 0);
}

TEST_CASE("a pool lives as long as the last fetch on it") {
  for (const bool is_cancelled : {false, true}) {
    Scene scene;
    Fetched fetched(scene);
    scene.connect(0);
    const std::weak_ptr<upstream::UpstreamPool> pool = scene.pool();
    scene.pool()->retire();
    scene.leave_pool();
    CHECK(!pool.expired());
    if (is_cancelled) {
      fetched.cancel();
    } else {
      scene.say(0, ok);
      CHECK(fetched.response().body == "ok");
      CHECK(!pool.expired());
      fetched.cancel();  // it is over, and goes
    }
    scene.turn();
    CHECK(pool.expired());
    CHECK(!scene.dial(0).is_open());
  }
}
