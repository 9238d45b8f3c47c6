#include "policy/way_back.h"

#include <string>

#include <doctest/doctest.h>

#include "head_builder.h"

namespace {

// Where the upstreams are, and what leads to them.
config::Config made_config() {
  config::Config config;
  const auto add = [&](const char* name, const char* url) {
    config.upstreams[name].url = *base::parse_url(url);
  };
  add("all", "https://api.example");
  add("stripped", "http://127.0.0.1:8000");
  add("kept", "http://127.0.0.1:8001");
  add("based", "http://127.0.0.1:8002/base");
  config.upstreams["socket"].url = base::unix_url("/run/a.sock");
  config.routes = {{.path = "/", .upstream = "all"},
                   {.path = "/s", .upstream = "stripped", .strip_prefix = true},
                   {.path = "/s/v2", .upstream = "all", .strip_prefix = true},
                   {.path = "/k", .upstream = "kept"},
                   {.path = "/b", .upstream = "based", .strip_prefix = true},
                   {.path = "/u", .upstream = "socket", .strip_prefix = true}};
  return config;
}

struct Asked {
  const char* path;            // of the proxy
  const char* current;         // of its upstream, or a URL where redirects were followed
  const char* host = nullptr;  // what the upstream is called, where that differs
};

std::string mapped(const Asked& asked, const char* field, const char* value) {
  const config::Config config = made_config();
  const policy::Router router(config);
  const policy::Route& route = *router.find(asked.path);
  const base::Url& upstream = config.upstreams.at(route.upstream).url;
  const bool redirected = asked.current[0] != '/';
  const base::Url current =
      redirected ? *base::parse_url(asked.current) : base::Url{upstream.origin, asked.current};
  const std::string host = asked.host != nullptr ? asked.host : upstream.origin.authority();
  http::Head response = make_response(307, {{field, value}, {"X-Other", "http://127.0.0.1:8000/"}});
  base::Arena arena;
  CHECK(policy::names_a_place(response));
  policy::map_way_back(response,
                       {.router = router,
                        .route = route,
                        .upstream = upstream,
                        .host = host,
                        .current = current,
                        .redirected = redirected},
                       arena);
  CHECK(values_of(response, "X-Other") == "http://127.0.0.1:8000/");
  return values_of(response, field);
}

}  // namespace

TEST_CASE("a Location of the upstream's own leads back by the way it was reached") {
  struct Case {
    Asked asked;
    const char* location;
    const char* expected;
  };
  const Asked stripped{"/s/v1/files", "/v1/files"};
  const Asked kept{"/k/files", "/k/files"};
  const Asked based{"/b/files", "/base/files"};
  const Asked all{"/v1/files", "/v1/files"};
  const Asked socket{"/u/files", "/files"};
  for (const Case& c :
       {Case{stripped, "/v1/files/", "/s/v1/files/"},
        Case{stripped, "http://127.0.0.1:8000/v1/files/?a=b#c", "/s/v1/files/?a=b#c"},
        Case{stripped, "//127.0.0.1:8000/x", "/s/x"},
        Case{stripped, "HTTP://127.0.0.1:8000", "/s/"},
        Case{stripped, "files/", "/s/v1/files/"},
        Case{stripped, "?page=2", "/s/v1/files?page=2"},
        Case{stripped, "../up", "/s/up"},
        Case{{"/s", "/"}, "login", "/s/login"},
        Case{{"/s/x", "/x", "model.internal"}, "http://model.internal/y", "/s/y"},
        // Servers behind one that ends TLS for them get their own scheme wrong.
        Case{{"/s/x", "/x", "model.internal"}, "https://model.internal/y", "/s/y"},
        // Captured by a route of another upstream: better not by way of the proxy.
        Case{stripped, "/v2/x", "http://127.0.0.1:8000/v2/x"},
        Case{stripped, "http://127.0.0.1:8000/v2/x", "http://127.0.0.1:8000/v2/x"},
        // Others' are as they are.
        Case{stripped, "https://elsewhere.example/x", "https://elsewhere.example/x"},
        Case{stripped, "http://127.0.0.1:8001/x", "http://127.0.0.1:8001/x"},
        Case{stripped, "mailto:a@b.example", "mailto:a@b.example"},
        Case{stripped, "not a url", "not a url"},
        // Without a prefix to strip, paths are the same on both sides.
        Case{kept, "/k/files/", "/k/files/"},
        Case{kept, "files/", "files/"},
        Case{kept, "http://127.0.0.1:8001/k/x", "/k/x"},
        Case{kept, "/login", "http://127.0.0.1:8001/login"},
        Case{kept, "http://127.0.0.1:8001/login", "http://127.0.0.1:8001/login"},
        Case{all, "/v1/files/", "/v1/files/"},
        Case{all, "/v1/a/../b", "/v1/a/../b"},
        Case{all, "https://api.example/v1/x", "/v1/x"},
        Case{all, "https://api.example:443", "/"},
        Case{all, "/k/x", "https://api.example/k/x"},
        // A base path.
        Case{based, "/base/files/", "/b/files/"},
        Case{based, "/base", "/b/"},
        Case{based, "/base?q", "/b/?q"},
        Case{based, "http://127.0.0.1:8002/base/x", "/b/x"},
        Case{based, "/based/x", "http://127.0.0.1:8002/based/x"},
        Case{based, "/login", "http://127.0.0.1:8002/login"},
        // A unix socket.
        Case{socket, "/x/", "/u/x/"},
        Case{socket, "http://localhost/x", "/u/x"},
        // Redirects were followed before.
        Case{{"/s/x", "http://127.0.0.1:8000/dir/y"}, "z", "/s/dir/z"},
        Case{{"/v1/x", "https://api.example/dir/y"}, "z", "/dir/z"},
        Case{{"/v1/x", "https://api.example/dir/y"}, "/z", "/z"},
        Case{{"/s/x", "https://cdn.example/dir/y"}, "z", "https://cdn.example/dir/z"},
        Case{{"/v1/x", "https://cdn.example/dir/y"}, "/z", "https://cdn.example/z"},
        Case{{"/s/x", "https://cdn.example/y"}, "http://127.0.0.1:8000/z", "/s/z"}}) {
    CAPTURE(c.asked.path);
    CAPTURE(c.location);
    CHECK(mapped(c.asked, "Location", c.location) == c.expected);
    CHECK(mapped(c.asked, "content-location", c.location) == c.expected);
  }
}

TEST_CASE("Refresh leads back as well") {
  struct Case {
    const char* refresh;
    const char* expected;
  };
  for (const Case& c :
       {Case{"5; url=/x", "5; url=/s/x"},
        Case{"0;URL='http://127.0.0.1:8000/x'", "0;URL='/s/x'"},
        Case{"0, \"/x\" and more", "0, \"/s/x\" and more"},
        Case{"3;url = /x", "3;url = /s/x"},
        Case{"3;/x", "3;/s/x"},
        Case{"3", "3"},
        Case{"3;", "3;"},
        Case{"3; url=", "3; url="},
        Case{"3; url=https://elsewhere.example/", "3; url=https://elsewhere.example/"}}) {
    CAPTURE(c.refresh);
    CHECK(mapped({"/s/y", "/y"}, "Refresh", c.refresh) == c.expected);
  }
}
