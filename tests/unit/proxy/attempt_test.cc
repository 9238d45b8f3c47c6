#include "proxy/attempt.h"

#include <memory>
#include <utility>

#include <doctest/doctest.h>

#include "upstream/pool_scene.h"

using proxy::Attempt;
using upstream_test::Scene;

namespace {

// Whoever has the attempt, and hears what its stream says.
class Owner final : public upstream::UpstreamWaiter, public stream::ResponseListener {
 public:
  explicit Owner(Scene& scene) : scene_(scene) {}
  ~Owner() { attempt.drop(*this); }
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;
  Owner(Owner&&) = delete;
  Owner& operator=(Owner&&) = delete;

  void begin(Attempt::Next next) {
    next.pool = scene_.pool().get();
    auto acquired = attempt.begin(std::move(next), *this);
    if (acquired.stream) on_upstream_ready(std::move(acquired.stream));
  }

  Attempt attempt;
  bool failed = false;

 private:
  void on_upstream_ready(std::unique_ptr<stream::UpstreamStream> upstream) override {
    attempt.use(std::move(upstream));
    attempt.stream()->attach({*this, head_, arena_, "GET"});
  }
  void on_upstream_unavailable(base::Error /*error*/) override {}
  void on_response_head() override {}
  void on_response_body(base::Bytes /*bytes*/) override {}
  void on_response_end() override {}
  void on_response_flush() override {}
  void on_upstream_drained() override {}
  void on_upstream_failed(base::Error /*error*/) override { failed = true; }

  Scene& scene_;
  http::Head head_;
  base::Arena arena_;
};

policy::Redirect redirect(const char* url, bool becomes_get, bool cross_origin) {
  return {*base::parse_url(url), becomes_get, cross_origin};
}

}  // namespace

TEST_CASE("the first attempt is what the route means") {
  Scene scene;
  Owner owner(scene);
  owner.begin({});
  CHECK(owner.is_linked());
  scene.connect(0);
  REQUIRE(owner.attempt.stream() != nullptr);
  const policy::Destination to = owner.attempt.destination();
  CHECK(to.host == "api.test");
  CHECK(to.redirected_to == nullptr);
  CHECK(!to.drops_body);
  CHECK(!to.drops_credentials);
  CHECK(!owner.attempt.was_retry());
  CHECK(&owner.attempt.pool() == &owner.attempt.pool_meant());
}

TEST_CASE("redirects add up: what one of them dropped stays dropped") {
  Scene scene;
  Owner owner(scene);
  owner.begin({});
  owner.attempt.drop(owner);
  owner.begin({.redirect = redirect("https://o.test/a", true, true)});
  owner.attempt.drop(owner);
  owner.begin({.redirect = redirect("http://api.test/b", false, false)});
  CHECK(owner.attempt.redirects() == 2);
  CHECK(owner.attempt.drops_body());
  CHECK(owner.attempt.drops_credentials());
  REQUIRE(owner.attempt.redirected_to() != nullptr);
  CHECK(owner.attempt.redirected_to()->target == "/b");
}

TEST_CASE("a retry keeps where it was going") {
  Scene scene;
  Owner owner(scene);
  owner.begin({});
  owner.attempt.drop(owner);
  owner.begin({.redirect = redirect("http://api.test/b", false, false)});
  owner.attempt.drop(owner);
  owner.begin({.wanted = upstream::UpstreamPool::Wanted::fresh, .is_retry = true});
  CHECK(owner.attempt.was_retry());
  CHECK(owner.attempt.redirects() == 1);
  CHECK(owner.attempt.redirected_to() != nullptr);
}

TEST_CASE("who waits and gives up leaves no place, and a stream that is dropped is closed") {
  Scene scene;
  {
    Owner waiting(scene);
    waiting.begin({});
    CHECK(waiting.is_linked());
  }
  CHECK(scene.pool()->unused());
  Owner owner(scene);
  owner.begin({});
  scene.connect(0);
  owner.attempt.drop(owner);
  CHECK(owner.attempt.stream() == nullptr);
  CHECK(scene.pool()->unused());
  CHECK(scene.pool()->idle_count() == 0);
}

TEST_CASE("what is known of an attempt that failed") {
  Scene scene;
  Owner owner(scene);
  owner.begin({});
  scene.connect(0);
  CHECK(owner.attempt.count_interim());
  scene.dial(0).reset();
  scene.turn();
  REQUIRE(owner.failed);
  const policy::FailedAttempt failure = owner.attempt.failure();
  CHECK(!failure.connection_reused);
  CHECK(failure.response_begun);  // an interim one counts
  CHECK(!failure.was_retry);
}

TEST_CASE("interim responses are bounded") {
  Attempt attempt;
  for (int i = 0; i < 32; ++i)
    CHECK(attempt.count_interim());
  CHECK(!attempt.count_interim());
}
