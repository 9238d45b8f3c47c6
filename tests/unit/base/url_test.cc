// base/url: parsing, the resolution tables of RFC 3986 5.4, and what must be refused.
#include "base/url.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace std::string_view_literals;
using base::Origin;
using base::parse_url;
using base::resolve_url;
using base::Scheme;
using base::Url;

namespace {

std::string joined(const std::optional<Url>& url) {
  return url ? url->origin.text() + url->target : "(none)";
}

std::string parsed(std::string_view text) {
  return joined(parse_url(text));
}

std::string resolved(std::string_view base_text, std::string_view reference) {
  const auto base_url = parse_url(base_text);
  REQUIRE(base_url);
  return joined(resolve_url(*base_url, reference));
}

struct Case {
  std::string input;
  std::string expected;
};

}  // namespace

TEST_CASE("an absolute URL gives its origin and its target") {
  const std::vector<Case> cases = {
      {"https://api.openai.com", "https://api.openai.com/"},
      {"https://api.openai.com/", "https://api.openai.com/"},
      {"HTTPS://API.OpenAI.com/V1", "https://api.openai.com/V1"},
      {"https://h/openai/deployments/x", "https://h/openai/deployments/x"},
      {"http://127.0.0.1:11434", "http://127.0.0.1:11434/"},
      {"http://my_ollama:80/x", "http://my_ollama/x"},
      {"http://h:443/", "http://h:443/"},
      {"https://h:443/", "https://h/"},
      {"https://h:80/", "https://h:80/"},
      {"https://h:/x", "https://h/x"},
      {"https://h:00443", "https://h/"},
      {"http://[::1]", "http://[::1]/"},
      {"http://[::1]:8080/x", "http://[::1]:8080/x"},
      {"http://[2001:DB8:0:0::1]/", "http://[2001:db8::1]/"},
      {"https://h?q=1", "https://h/?q=1"},
      {"https://h#f", "https://h/"},
      {"https://h/a?b#c?d", "https://h/a?b"},
      {"https://h/a#b?c", "https://h/a"},
      {"https://h/a%2Fb%zz%", "https://h/a%2Fb%zz%"},
      {"https://h/a//b/../c", "https://h/a//b/../c"},
      {"https://h/a?url=http://b:c@d/?e", "https://h/a?url=http://b:c@d/?e"},
      {"https://h/\xc3\xa9?\xff", "https://h/%C3%A9?%FF"},
      {"https://h/<a>\"|{}^`\\", "https://h/%3Ca%3E%22%7C%7B%7D%5E%60%5C"},
      {"https://h/[a]", "https://h/[a]"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.input);
    CHECK(parsed(each.input) == each.expected);
  }
  const auto url = parse_url("http://[::1]:8080/x");
  REQUIRE(url);
  CHECK(url->origin == Origin{.scheme = Scheme::http, .host = "::1", .port = 8080});
  CHECK(url->target == "/x");
}

TEST_CASE("what is no absolute http(s) URL is refused") {
  const std::string with_nul("https://h/\0x", 12);
  const std::vector<std::string> cases = {"",
                                          "/",
                                          "h",
                                          "h:80",
                                          "//h/",
                                          "api.openai.com",
                                          "https:",
                                          "https:/",
                                          "https://",
                                          "https:///x",
                                          "https:h",
                                          "ftp://h/",
                                          "javascript:alert(1)",
                                          "file:///etc/passwd",
                                          "ws://h/",
                                          "1http://h/",
                                          "://h",
                                          "https//h",
                                          "https://?q",
                                          "https://#f",
                                          "https://:80/",
                                          "https://h:0/",
                                          "https://h:65536/",
                                          "https://h:99999999999/",
                                          "https://h:+1/",
                                          "https://h:-1/",
                                          "https://h:x/",
                                          "https://h:80x/",
                                          "https://h:80:80/",
                                          "https://user@h/",
                                          "https://user:pw@h/",
                                          "https://@h/",
                                          "https://h@/",
                                          "https://a\\@h/",
                                          "https://h\\x/",
                                          "https://h%2ex/",
                                          "https://h%00/",
                                          "https://\xc3\xa9.com/",
                                          "https://.h/",
                                          "https://h..x/",
                                          "https://h,x/",
                                          "https://[::1/",
                                          "https://[]/",
                                          "https://[::1]x/",
                                          "https://[::1]80/",
                                          "https://[fe80::1%25eth0]/",
                                          "https://[1.2.3.4]/",
                                          "https://::1/",
                                          "https://h/ x",
                                          "https://h/\tx",
                                          "https://h/\r\nx",
                                          " https://h/",
                                          "https://h/ ",
                                          "https://h/\x7f",
                                          with_nul,
                                          "https://" + std::string(254, 'a') + "/"};
  for (const auto& input : cases) {
    CAPTURE(input);
    CHECK(parsed(input) == "(none)");
  }
  CHECK(parsed("https://" + std::string(253, 'a')) == "https://" + std::string(253, 'a') + "/");
}

TEST_CASE("references resolve as RFC 3986 5.4 lists them") {
  const std::vector<Case> cases = {
      // 5.4.1, normal; those with a fragment lose it.
      {"http://g", "http://g/"},
      {"g", "http://a/b/c/g"},
      {"./g", "http://a/b/c/g"},
      {"g/", "http://a/b/c/g/"},
      {"/g", "http://a/g"},
      {"//g", "http://g/"},
      {"?y", "http://a/b/c/d;p?y"},
      {"g?y", "http://a/b/c/g?y"},
      {"#s", "http://a/b/c/d;p?q"},
      {"g#s", "http://a/b/c/g"},
      {"g?y#s", "http://a/b/c/g?y"},
      {";x", "http://a/b/c/;x"},
      {"g;x", "http://a/b/c/g;x"},
      {"g;x?y#s", "http://a/b/c/g;x?y"},
      {"", "http://a/b/c/d;p?q"},
      {".", "http://a/b/c/"},
      {"./", "http://a/b/c/"},
      {"..", "http://a/b/"},
      {"../", "http://a/b/"},
      {"../g", "http://a/b/g"},
      {"../..", "http://a/"},
      {"../../", "http://a/"},
      {"../../g", "http://a/g"},
      // 5.4.2, abnormal.
      {"../../../g", "http://a/g"},
      {"../../../../g", "http://a/g"},
      {"/./g", "http://a/g"},
      {"/../g", "http://a/g"},
      {"g.", "http://a/b/c/g."},
      {".g", "http://a/b/c/.g"},
      {"g..", "http://a/b/c/g.."},
      {"..g", "http://a/b/c/..g"},
      {"./../g", "http://a/b/g"},
      {"./g/.", "http://a/b/c/g/"},
      {"g/./h", "http://a/b/c/g/h"},
      {"g/../h", "http://a/b/c/h"},
      {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
      {"g;x=1/../y", "http://a/b/c/y"},
      {"g?y/./x", "http://a/b/c/g?y/./x"},
      {"g?y/../x", "http://a/b/c/g?y/../x"},
      {"g#s/../x", "http://a/b/c/g"},
      {"http:g", "(none)"},
      // Ours.
      {"?", "http://a/b/c/d;p?"},
      {"/a//b", "http://a/a//b"},
      {"/a//../b", "http://a/a/b"},
      {"a:b", "(none)"},
      {"./a:b", "http://a/b/c/a:b"},
      {"/a:b", "http://a/a:b"},
      {"mailto:a@b", "(none)"},
      {"//user@g/", "(none)"},
      {"//", "(none)"},
      {"///g", "(none)"},
      {"/\\g.com", "http://a/%5Cg.com"},
      {"\\\\g.com", "http://a/b/c/%5C%5Cg.com"},
      {"https://g/x/../y?a/../b", "https://g/y?a/../b"},
      {"//g:8080/./x", "http://g:8080/x"},
      {"/%2e%2e/g", "http://a/%2e%2e/g"},
      {"/caf\xc3\xa9?\xc3\xa9", "http://a/caf%C3%A9?%C3%A9"},
      {"/a b", "(none)"},
      {"/a\nb", "(none)"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.input);
    CHECK(resolved("http://a/b/c/d;p?q", each.input) == each.expected);
  }
}

TEST_CASE("a reference keeps the base's scheme, port and, where it has no path, its target") {
  CHECK(resolved("https://h:8443/x/y", "//g/z") == "https://g/z");
  CHECK(resolved("https://h:8443/x/y", "z") == "https://h:8443/x/z");
  CHECK(resolved("https://h:8443", "z") == "https://h:8443/z");
  CHECK(resolved("https://h/?a=/b/c", "z") == "https://h/z");
  CHECK(resolved("https://h/x/../y", "") == "https://h/x/../y");
  // OPTIONS * has no slash to merge at.
  Url asterisk{.origin = Origin{.scheme = Scheme::https, .host = "h", .port = 443}, .target = "*"};
  CHECK(joined(resolve_url(asterisk, "z")) == "https://h/z");
  CHECK(joined(resolve_url(asterisk, "?z")) == "https://h/*?z");
}

TEST_CASE("an origin writes its port only where it is not the scheme's own") {
  const Origin plain{.scheme = Scheme::http, .host = "h", .port = 80};
  CHECK(plain.authority() == "h");
  CHECK(plain.text() == "http://h");
  const Origin ported{.scheme = Scheme::http, .host = "h", .port = 443};
  CHECK(ported.authority() == "h:443");
  const Origin ipv6{.scheme = Scheme::https, .host = "::1", .port = 8443};
  CHECK(ipv6.authority() == "[::1]:8443");
  CHECK(ipv6.text() == "https://[::1]:8443");
  CHECK_FALSE(plain == ported);
}

TEST_CASE("a unix socket is an origin of its own") {
  const Url socket = base::unix_url("/run/a.sock");
  CHECK(socket.origin.text() == "unix:/run/a.sock");
  CHECK(socket.origin.authority() == "localhost");
  CHECK(socket.target == "/");
  CHECK(socket.origin != base::unix_url("/run/b.sock").origin);
  CHECK(socket.origin != parse_url("http://localhost")->origin);
  const auto relative = resolve_url({socket.origin, "/a/b"}, "c?d");
  REQUIRE(relative);
  CHECK(relative->origin == socket.origin);
  CHECK(relative->target == "/a/c?d");
  CHECK(resolve_url(socket, "http://localhost/x")->origin.unix_path.empty());
}

TEST_CASE("url: an authority without its port, and its host alone") {
  const auto parts = [](std::string_view authority) {
    return std::pair(base::without_port(authority), base::host_of(authority));
  };
  CHECK(parts("api.test:443") == std::pair("api.test"sv, "api.test"sv));
  CHECK(parts("api.test") == std::pair("api.test"sv, "api.test"sv));
  CHECK(parts("[::1]:443") == std::pair("[::1]"sv, "::1"sv));
  CHECK(parts("[::1]") == std::pair("[::1]"sv, "::1"sv));
  CHECK(parts("") == std::pair(""sv, ""sv));
}
