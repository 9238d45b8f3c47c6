// The plain http address beside an https one: redirects, and challenges of certificate authorities.
#include <filesystem>
#include <string>
#include <sys/stat.h>

#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Message;
using test::Proxy;
using test::RawUpstream;

namespace {

const std::string ok = test::message("200 OK", {}, "ok");

std::string redirecting(const std::string& more = "") {
  return "listen: [{ address: '127.0.0.1:0', redirect_to_https: true" + more + " }]\n";
}

// A webroot with one challenge in it, and things that must not be served.
class Webroot {
 public:
  Webroot() {
    std::filesystem::create_directories(folder_ / challenges);
    write("token_A-1", "token_A-1.thumbprint");
    write("large", std::string(4097, 'x'));
    write("full", std::string(4096, 'x'));
    write("with.dot", "no token");
    test::write_file(folder_ / "secret", "a secret");
    std::filesystem::create_symlink(folder_ / "secret", path("link"));
    std::filesystem::create_directory(path("folder"));
    REQUIRE(::mkfifo(path("pipe").c_str(), 0600) == 0);
  }
  [[nodiscard]] const std::string& path() const { return folder_.path(); }

 private:
  static constexpr std::string_view challenges = ".well-known/acme-challenge";
  [[nodiscard]] std::string path(const std::string& name) const {
    return (folder_ / challenges) + "/" + name;
  }
  void write(const std::string& name, const std::string& text) const {
    test::write_file(path(name), text);
  }
  test::TemporaryFolder folder_;
};

}  // namespace

TEST_CASE("every request is sent to https, with its path and query") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, redirecting());
  const struct {
    std::string request;
    std::string location;
  } cases[] = {
      {test::get("/"), "https://proxy.test/"},
      {test::get("/v1/models?a=b&c=%20"), "https://proxy.test/v1/models?a=b&c=%20"},
      {test::post("/v1/chat/completions", "{}"), "https://proxy.test/v1/chat/completions"},
      {"GET /x HTTP/1.1\r\nHost: api.example:8080\r\n\r\n", "https://api.example/x"},
      {"GET /x HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", "https://[2001:db8::1]/x"},
      {"GET http://abs.example/y?z HTTP/1.1\r\nHost: abs.example\r\n\r\n",
       "https://abs.example/y?z"},
      {"GET //evil.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n",
       "https://good.example//evil.example/"},
      {"OPTIONS * HTTP/1.1\r\nHost: good.example\r\n\r\n", "https://good.example/"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.request);
    const Message response = proxy.round_trip(one.request);
    CHECK(response.status() == 308);
    CHECK(response.value("location") == one.location);
    CHECK(test::api_error(response).code == "https_only");
  }
  CHECK(proxy.round_trip("GET / HTTP/1.0\r\n\r\n").status() == 400);
  CHECK(proxy.round_trip("GET / HTTP/1.1\r\nHost: a b\r\n\r\n").status() == 400);
  CHECK(upstream.requests() == 0);
}

TEST_CASE("the redirect leads to the port of the https listener") {
  RawUpstream upstream(test::serve(ok));
  const config::ListenTls tls = test::trusted_listener();
  // A port nobody has: bound by a socket of the test's, then let go.
  const uint16_t port = test::ListeningSocket().port();
  const Proxy proxy(upstream,
                    "listen: [{ address: '127.0.0.1:0', redirect_to_https: true }, { address: "
                    "'127.0.0.1:" +
                        std::to_string(port) + "', tls: { certificate: '" + tls.certificate +
                        "', key: '" + tls.key + "' } }]\n");
  CHECK(proxy.round_trip(test::get("/a")).value("location") ==
        "https://proxy.test:" + std::to_string(port) + "/a");
}

TEST_CASE("challenges are served from the webroot, and nothing else is") {
  const Webroot webroot;
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, redirecting(", acme_webroot: '" + webroot.path() + "'"));
  const std::string folder = "/.well-known/acme-challenge/";
  const Message found = proxy.round_trip(test::get(folder + "token_A-1"));
  CHECK(found.status() == 200);
  CHECK(found.body == "token_A-1.thumbprint");
  CHECK(proxy.round_trip(test::get(folder + "token_A-1?query")).body == "token_A-1.thumbprint");
  CHECK(proxy.round_trip(test::get(folder + "full")).body.size() == 4096);
  for (const char* name : {"missing",
                           "",
                           "large",
                           "with.dot",
                           "link",
                           "folder",
                           "pipe",
                           "..",
                           "../../secret",
                           "%2e%2e%2f%2e%2e%2fsecret",
                           "..%2f..%2fsecret",
                           "token_A-1/",
                           "token_A-1%00"}) {
    CAPTURE(name);
    const Message response = proxy.round_trip(test::get(folder + name));
    CHECK(response.status() == 404);
    CHECK(response.body.find("secret") == std::string::npos);
  }
  CHECK(proxy.round_trip(test::get("/secret")).status() == 308);
  CHECK(upstream.requests() == 0);
}

TEST_CASE("without a webroot a challenge is a request as any other") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, redirecting());
  CHECK(proxy.round_trip(test::get("/.well-known/acme-challenge/token")).status() == 308);
}
