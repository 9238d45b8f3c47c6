#include "policy/page_origin.h"

#include <doctest/doctest.h>

#include "head_builder.h"

TEST_CASE("upstreams of this machine and of private networks are told by their names") {
  for (const char* url :
       {"http://127.0.0.1:11434", "http://127.8.0.1",    "http://0.0.0.0:8080",
        "http://[::1]:8080",      "http://[::]:8080",    "http://[::ffff:10.0.0.1]",
        "http://10.1.2.3",        "http://172.16.0.1",   "http://172.31.255.255",
        "http://192.168.1.2",     "http://169.254.1.1",  "http://100.64.0.1",
        "http://[fd00::1]",       "http://[fe80::1]",    "http://localhost:8000",
        "http://LOCALHOST.",      "http://ollama:11434", "http://host.docker.internal",
        "http://box.local",       "http://box.lan",      "http://box.home.arpa"}) {
    CAPTURE(url);
    CHECK(policy::is_local(base::parse_url(url)->origin));
  }
  CHECK(policy::is_local(base::unix_url("/run/a.sock").origin));
  for (const char* url : {"https://api.openai.com",
                          "https://local.example.com",
                          "http://8.8.8.8",
                          "http://172.32.0.1",
                          "http://172.15.0.1",
                          "http://11.0.0.1",
                          "http://100.128.0.1",
                          "http://[2001:db8::1]",
                          "http://notlocal.example"}) {
    CAPTURE(url);
    CHECK_FALSE(policy::is_local(base::parse_url(url)->origin));
  }
}

TEST_CASE("what the operator says goes before where it is") {
  const base::Origin here = base::parse_url("http://127.0.0.1")->origin;
  const base::Origin there = base::parse_url("https://api.openai.com")->origin;
  using config::PageOrigin;
  CHECK(policy::hides_page(PageOrigin::automatic, here));
  CHECK_FALSE(policy::hides_page(PageOrigin::automatic, there));
  CHECK_FALSE(policy::hides_page(PageOrigin::keep, here));
  CHECK(policy::hides_page(PageOrigin::drop, there));
}

TEST_CASE("a hidden page leaves no trace") {
  http::Head request = make_request("POST",
                                    {{"Host", "h"},
                                     {"ORIGIN", "https://page.example"},
                                     {"referer", "https://page.example/x"},
                                     {"Sec-Fetch-Site", "cross-site"},
                                     {"sec-fetch-mode", "cors"},
                                     {"Sec-WebSocket-Key", "k"},
                                     {"User-Agent", "u"}});
  policy::hide_page(request);
  CHECK(text_of(request) == "Host: h\nSec-WebSocket-Key: k\nUser-Agent: u\n");
}
