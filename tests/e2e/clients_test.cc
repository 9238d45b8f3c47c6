// Clients and keys: who may come in, what of it the upstream sees, what each may use.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <fmt/format.h>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::get;
using test::Message;
using test::post;
using test::Proxy;
using test::RawUpstream;

namespace {

const std::string ok = test::message("200 OK", {{"Content-Type", "application/json"}}, "{}");

constexpr const char* token = "oap-alice-token";
constexpr const char* key = "sk-the-servers-own";

test::Fields bearer(const std::string& value) {
  return {{"Authorization", "Bearer " + value}};
}

// The upstream's key, and alice with `rules`.
std::string with_alice(const std::string& rules = "") {
  return "upstreams: { openai: { keys: [" + std::string(key) + "] } }\n" +
         "clients: { alice: { token: " + token + (rules.empty() ? "" : ", " + rules) + " } }\n";
}

bool mentions(const Message& message, std::string_view text) {
  const auto has = [&](const std::string& part) {
    return part.find(text) != std::string::npos;
  };
  return has(message.start_line) || has(message.body) ||
         std::any_of(message.fields.begin(), message.fields.end(), [&](const auto& field) {
           return has(field.second);
         });
}

std::string usage_of(int in, int out) {
  return "{\"model\":\"gpt-5-mini\",\"usage\":{\"prompt_tokens\":" + std::to_string(in) +
         ",\"completion_tokens\":" + std::to_string(out) + "}}";
}

std::string chat(const std::string& members = "") {
  return R"({"model":"gpt-5-mini","messages":[{"role":"user","content":"hi"}])" +
         (members.empty() ? "" : "," + members) + "}";
}

std::string ask(const std::string& body, test::Fields fields = bearer(token)) {
  fields.emplace_back("Content-Type", "application/json");
  return post("/v1/chat/completions", body, fields);
}

}  // namespace

TEST_CASE("wherever an SDK puts its key, the token stays here and the server's key goes up") {
  struct Place {
    const char* what;
    std::string target;
    test::Fields fields;
  };
  const Place places[] = {
      {"authorization", "/v1/models", bearer(token)},
      {"in another case", "/v1/models", {{"authorization", "bearer " + std::string(token)}}},
      {"api-key", "/v1/models", {{"api-key", token}}},
      {"x-api-key", "/v1/models", {{"X-Api-Key", token}}},
      {"x-goog-api-key", "/v1/models", {{"x-goog-api-key", token}}},
      {"query", "/v1/models?a=1&key=" + std::string(token) + "&b=2", {}},
      {"twice", "/v1/models?key=" + std::string(token), bearer(token)},
      {"two places",
       "/v1/models",
       {{"Authorization", "Bearer " + std::string(token)}, {"api-key", token}}},
  };
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, with_alice());
  for (const Place& place : places) {
    CAPTURE(place.what);
    CHECK(proxy.round_trip(get(place.target, place.fields)).status() == 200);
    const Message seen = upstream.next_request();
    CHECK(seen.value("authorization") == "Bearer " + std::string(key));
    CHECK(seen.values("authorization").size() == 1);
    CHECK(!mentions(seen, token));
  }
}

TEST_CASE("where the key goes is the upstream's to say") {
  RawUpstream upstream(test::serve(ok));
  SUBCASE("a header") {
    const Proxy proxy(upstream,
                      "upstreams: { openai: { key_in: api-key, keys: [sk-k] } }\n"
                      "allow_anonymous: true\n");
    CHECK(proxy.round_trip(get("/v1/models", bearer("sk-mine"))).status() == 200);
    const Message seen = upstream.next_request();
    CHECK(seen.value("api-key") == "sk-k");
    CHECK(!seen.has("authorization"));
  }
  SUBCASE("the query") {
    const Proxy proxy(upstream,
                      "upstreams: { openai: { key_in: 'query:key', keys: [sk-k] } }\n"
                      "allow_anonymous: true\n");
    CHECK(proxy.round_trip(get("/v1/models?x=1")).status() == 200);
    CHECK(upstream.next_request().target() == "/v1/models?x=1&key=sk-k");
  }
  SUBCASE("with organization and project, in place of the client's") {
    const Proxy proxy(
        upstream,
        "upstreams: { openai: { keys: [{ key: sk-k, organization: org-a, project: proj_a }] } }\n"
        "allow_anonymous: true\n");
    CHECK(proxy.round_trip(get("/v1/models", {{"OpenAI-Organization", "org-b"}})).status() == 200);
    const Message seen = upstream.next_request();
    CHECK(seen.value("openai-organization") == "org-a");
    CHECK(seen.value("openai-project") == "proj_a");
  }
}

TEST_CASE("a WebSocket's token may be a subprotocol") {
  RawUpstream upstream(test::serve(test::message(
      "101 Switching Protocols",
      {{"Upgrade", "websocket"}, {"Connection", "Upgrade"}, {"Sec-WebSocket-Protocol", "realtime"}},
      "")));
  const Proxy proxy(upstream, with_alice());
  test::RawClient client = proxy.client();
  client.send(get("/v1/realtime",
                  {{"Connection", "Upgrade"},
                   {"Upgrade", "websocket"},
                   {"Sec-WebSocket-Protocol",
                    "realtime, openai-insecure-api-key." + std::string(token) + ", other"}}));
  CHECK(client.read_response_head().status() == 101);
  const Message seen = upstream.next_request();
  CHECK(seen.value("sec-websocket-protocol") == "realtime, other");
  CHECK(seen.value("authorization") == "Bearer " + std::string(key));
}

TEST_CASE("a session's model is the one that its query names") {
  RawUpstream upstream(test::serve(test::message(
      "101 Switching Protocols", {{"Upgrade", "websocket"}, {"Connection", "Upgrade"}}, "")));
  const auto status = [&](const std::string& rules, const std::string& target) {
    const Proxy proxy(upstream, with_alice(rules));
    test::RawClient client = proxy.client();
    test::Fields fields = bearer(token);
    fields.emplace_back("Connection", "Upgrade");
    fields.emplace_back("Upgrade", "websocket");
    client.send(get(target, fields));
    return client.read_response_head().status();
  };
  CHECK(status("models: [gpt-re*]", "/v1/realtime?model=gpt-realtime") == 101);
  CHECK(status("models: [gpt-4*]", "/v1/realtime?model=gpt-realtime") == 403);
  CHECK(status("models_denied: [gpt-re*]", "/v1/realtime?model=gpt-4&model=gpt-realtime") == 403);
  CHECK(status("models: [gpt-re*]", "/v1/realtime") == 403);
  CHECK(status("max_budget: 1", "/v1/realtime?model=gpt-realtime") == 101);
  CHECK(status("max_budget: 1", "/v1/realtime?model=unheard-of") == 403);
}

TEST_CASE("who is not known does not come in, and is told so in the API's form") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, with_alice());
  for (const auto& request : {get("/v1/models"),
                              get("/v1/models", bearer("oap-wrong")),
                              get("/v1/models", bearer("")),
                              get("/v1/models", bearer(key)),
                              get("/v1/models", {{"Authorization", "Basic YTpi"}})}) {
    CAPTURE(request);
    const Message response = proxy.round_trip(request);
    CHECK(response.status() == 401);
    CHECK(test::api_error(response).code == "invalid_api_key");
    CHECK(response.value("www-authenticate") == "Bearer");
    CHECK(response.value("access-control-allow-origin") == "*");
  }
  CHECK(upstream.requests() == 0);
}

TEST_CASE("preflights need no token") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, with_alice());
  const Message response = proxy.round_trip(
      "OPTIONS /v1/models HTTP/1.1\r\nHost: p\r\nOrigin: https://a.example\r\n"
      "Access-Control-Request-Method: GET\r\n\r\n");
  CHECK(response.status() == 204);
}

TEST_CASE("what a client may not do") {
  struct Case {
    const char* rules;
    std::string request;
    int status;
  };
  const test::Fields page = {{"Authorization", "Bearer " + std::string(token)},
                             {"Origin", "https://app.example.com"}};
  const Case cases[] = {
      {"expires: 2020-01-01", get("/v1/models", bearer(token)), 401},
      {"expires: 2999-01-01", get("/v1/models", bearer(token)), 200},
      {"paths: [/v1/chat/*]", get("/v1/models", bearer(token)), 403},
      {"paths: [/v1/m*]", get("/v1/models?x", bearer(token)), 200},
      {"addresses: [203.0.113.0/24]", get("/v1/models", bearer(token)), 403},
      {"addresses: [127.0.0.0/8]", get("/v1/models", bearer(token)), 200},
      {"origins: ['https://*.example.com']", get("/v1/models", page), 200},
      {"origins: ['https://other.example.com']", get("/v1/models", page), 403},
      {"origins: ['https://app.example.com']", get("/v1/models", bearer(token)), 403},
      {"models: [gpt-5*]", ask(chat()), 200},
      {"models: [gpt-4*]", ask(chat()), 403},
      {"models_denied: ['*-mini']", ask(chat()), 403},
      {"models: [gpt-5*]", ask(R"({"messages":[],"nested":{"model":"gpt-5"}})"), 403},
      {"models: [gpt-5*]", ask("not JSON"), 403},
      {"models: [gpt-5*]", get("/v1/models", bearer(token)), 200},
      {"max_request: { input_tokens: 5 }", ask(chat()), 400},
      {"max_request: { output_tokens: 5 }", ask(chat(R"("max_tokens":6)")), 400},
      {"max_request: { output_tokens: 5 }", ask(chat(R"("max_tokens":5)")), 200},
      {"models: [gpt-5*]", post("/v1/files", "a file", bearer(token)), 200},
      {"max_budget: 1", post("/v1/files", "a file", bearer(token)), 200},
      {"max_budget: 1", post("/v1/batches", "{}", bearer(token)), 403},
      {"max_budget: 1, unmetered: allow", post("/v1/batches", "{}", bearer(token)), 200},
  };
  RawUpstream upstream(test::serve(ok));
  for (const Case& each : cases) {
    CAPTURE(each.rules);
    CAPTURE(each.request);
    const Proxy proxy(upstream, with_alice(each.rules));
    const Message response = proxy.round_trip(each.request);
    CHECK(response.status() == each.status);
    if (each.status == 403) CHECK(test::api_error(response).code == "permission_denied");
  }
}

TEST_CASE("a rate lets its whole minute pass at once, and says when to come again") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, with_alice("rpm_limit: 3"));
  for (int i = 2; i >= 0; --i) {
    const Message response = proxy.round_trip(get("/v1/models", bearer(token)));
    CHECK(response.status() == 200);
    CHECK(response.value("x-ratelimit-limit-requests") == "3");
    CHECK(response.value("x-ratelimit-remaining-requests") == std::to_string(i));
  }
  const Message refused = proxy.round_trip(get("/v1/models", bearer(token)));
  CHECK(refused.status() == 429);
  CHECK(test::api_error(refused).code == "rate_limit_exceeded");
  CHECK(test::api_error(refused).message.find("alice has reached its limit rpm_limit") == 0);
  CHECK(std::stoi(refused.value("retry-after")) >= 19);
  CHECK(std::stoi(refused.value("retry-after-ms")) > 18'000);
  CHECK(refused.value("x-ratelimit-limit-requests") == "3");
  CHECK(refused.value("x-ratelimit-remaining-requests") == "0");
  CHECK(refused.value("x-ratelimit-reset-requests").ends_with("s"));
}

TEST_CASE("a rate is exact over workers and connections") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, with_alice("rpm_limit: 10") + "workers: 2\n");
  std::atomic<int> passed{0};
  const auto begun = std::chrono::steady_clock::now();
  std::vector<std::thread> clients;
  for (int i = 0; i < 50; ++i) {
    clients.emplace_back([&] {
      if (proxy.round_trip(get("/v1/models", bearer(token))).status() == 200) ++passed;
    });
  }
  for (std::thread& client : clients)
    client.join();
  // One more for each six seconds that a slow machine takes.
  const auto took = std::chrono::steady_clock::now() - begun;
  CHECK(passed >= 10);
  CHECK(passed <= 10 + took / std::chrono::seconds(6));
}

TEST_CASE("requests count against a window, and its end is told") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, with_alice("limits: [{ requests: 1, per: day }]"));
  CHECK(proxy.round_trip(get("/v1/models", bearer(token))).status() == 200);
  const Message refused = proxy.round_trip(get("/v1/models", bearer(token)));
  CHECK(refused.status() == 429);
  CHECK(test::api_error(refused).code == "insufficient_quota");
  CHECK(refused.value("x-should-retry") == "false");
  CHECK(refused.value("x-ratelimit-limit-requests") == "1");
  CHECK(refused.value("x-ratelimit-remaining-requests") == "0");
  CHECK(std::stol(refused.value("retry-after")) > 0);
}

TEST_CASE("tokens are reserved by what is asked for and settled by what was used") {
  RawUpstream upstream(test::serve(
      test::message("200 OK", {{"Content-Type", "application/json"}}, usage_of(10, 20))));
  const Proxy proxy(upstream, with_alice("limits: [{ tokens: 1000, per: day }]"));
  const auto request = ask(chat(R"("max_tokens":500)"));
  // Reserved are some 500 each time, used 30: else a second one could not pass.
  for (int i = 0; i < 5; ++i)
    CHECK(proxy.round_trip(request).status() == 200);
  const Message mine = proxy.round_trip(get("/_proxy/me", bearer(token)));
  CHECK(mine.status() == 200);
  CHECK(mine.body.find(R"("name":"tokens/day","limit":1000,"used":150,)") != std::string::npos);
}

TEST_CASE("a limit of tokens is not evaded by asking for few") {
  RawUpstream upstream(test::serve(
      test::message("200 OK", {{"Content-Type", "application/json"}}, usage_of(10, 5'000))));
  const Proxy proxy(upstream, with_alice("tpm_limit: 1000"));
  CHECK(proxy.round_trip(ask(chat(R"("max_tokens":1)"))).status() == 200);
  CHECK(proxy.round_trip(ask(chat(R"("max_tokens":1)"))).status() == 429);
}

TEST_CASE("who leaves before the answer pays for what was asked") {
  std::atomic<bool> has_left{false};
  RawUpstream upstream([&](test::UpstreamConnection& connection) {
    while (connection.read_request()) {
      CHECK_NOTHROW(connection.wait_gone());
      has_left = true;
      return;
    }
  });
  const Proxy proxy(upstream, with_alice("limits: [{ tokens: 100k, per: day }]"));
  {
    test::RawClient client = proxy.client();
    client.send(ask(chat()));
    CHECK(upstream.next_request().target() == "/v1/chat/completions");
  }
  while (!has_left)
    std::this_thread::yield();
  const Message mine = proxy.round_trip(get("/_proxy/me", bearer(token)));
  CHECK(mine.body.find(R"("name":"tokens/day","limit":100000,"used":0,)") == std::string::npos);
}

TEST_CASE("a failure gives everything back") {
  RawUpstream upstream(test::serve(test::message("500 Oops", {}, "no")));
  const Proxy proxy(upstream, with_alice("limits: [{ requests: 2, per: day }]"));
  for (int i = 0; i < 5; ++i)
    CHECK(proxy.round_trip(get("/v1/models", bearer(token))).status() == 500);
}

TEST_CASE("budgets count what list prices say") {
  RawUpstream upstream(test::serve(test::message(
      "200 OK", {{"Content-Type", "application/json"}}, usage_of(1'000'000, 1'000'000))));
  const Proxy proxy(upstream, with_alice("max_budget: 1.00"));
  CHECK(proxy.round_trip(ask(chat())).status() == 200);
  const Message refused = proxy.round_trip(ask(chat()));
  CHECK(refused.status() == 429);
  CHECK(test::api_error(refused).code == "insufficient_quota");
  // Sums of money are for the client alone.
  CHECK(refused.body.find('$') == std::string::npos);
  const Message mine = proxy.round_trip(get("/_proxy/me", bearer(token)));
  CHECK(mine.body.find(R"("limit":"1.00")") != std::string::npos);
}

TEST_CASE("as many at once as there are slots, streams to their end included") {
  std::atomic<bool> may_end{false};
  RawUpstream upstream([&](test::UpstreamConnection& connection) {
    while (connection.read_request()) {
      connection.send(
          "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: "
          "chunked\r\n\r\n9\r\ndata: 1\n\n\r\n");
      while (!may_end)
        std::this_thread::yield();
      connection.send("0\r\n\r\n");
    }
  });
  const Proxy proxy(upstream, with_alice("max_parallel_requests: 1"));
  test::RawClient streaming = proxy.client();
  streaming.send(get("/v1/stream", bearer(token)));
  CHECK(streaming.read_response_head().status() == 200);
  CHECK(proxy.round_trip(get("/v1/models", bearer(token))).status() == 429);
  may_end = true;
  CHECK(proxy.round_trip(get("/_proxy/me", bearer(token))).status() == 200);
}

TEST_CASE("requests wait for a slot where a queue lets them, first come first served") {
  std::atomic<bool> may_end{false};
  RawUpstream upstream([&](test::UpstreamConnection& connection) {
    while (connection.read_request()) {
      while (!may_end)
        std::this_thread::yield();
      connection.send(ok);
    }
  });
  const Proxy proxy(upstream,
                    with_alice("max_parallel_requests: 1, queue: { max: 1, timeout: 20s }"));
  test::RawClient first = proxy.client();
  first.send(get("/v1/first", bearer(token)));
  CHECK(upstream.next_request().target() == "/v1/first");
  test::RawClient second = proxy.client();
  second.send(get("/v1/second", bearer(token)));
  // A third finds the queue full, once the second stands in it.
  CHECK(proxy.round_trip(get("/v1/third", bearer(token))).status() == 429);
  CHECK(upstream.requests() == 1);
  may_end = true;
  CHECK(first.read_response().status() == 200);
  CHECK(second.read_response().status() == 200);
}

TEST_CASE("who leaves the queue takes nothing") {
  std::atomic<bool> may_end{false};
  RawUpstream upstream([&](test::UpstreamConnection& connection) {
    while (connection.read_request()) {
      while (!may_end)
        std::this_thread::yield();
      connection.send(ok);
    }
  });
  const Proxy proxy(upstream,
                    with_alice("max_parallel_requests: 1, queue: { max: 1, timeout: 20s }"));
  test::RawClient first = proxy.client();
  first.send(get("/v1/first", bearer(token)));
  CHECK(upstream.next_request().target() == "/v1/first");
  {
    test::RawClient gone = proxy.client();
    gone.send(get("/v1/gone", bearer(token)));
    while (proxy.round_trip(get("/v1/probe", bearer(token))).status() != 429) {
    }
  }
  test::RawClient second = proxy.client();
  second.send(get("/v1/second", bearer(token)));
  may_end = true;
  CHECK(first.read_response().status() == 200);
  CHECK(second.read_response().status() == 200);
}

TEST_CASE("keys are taken in turn by weight") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream,
                    "upstreams: { openai: { keys: [{ key: a, weight: 3 }, b] } }\n"
                    "allow_anonymous: true\n");
  int a = 0;
  for (int i = 0; i < 40; ++i) {
    CHECK(proxy.round_trip(get("/v1/models")).status() == 200);
    if (upstream.next_request().value("authorization") == "Bearer a") ++a;
  }
  CHECK(a == 30);
}

TEST_CASE("a key at its limit is passed over, and where all are the client is told when to come") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream,
                    "upstreams: { openai: { keys: [{ key: a, rpm_limit: 1 }, "
                    "{ key: b, rpm_limit: 2 }] } }\nallow_anonymous: true\n");
  for (int i = 0; i < 3; ++i)
    CHECK(proxy.round_trip(get("/v1/models")).status() == 200);
  const Message refused = proxy.round_trip(get("/v1/models"));
  CHECK(refused.status() == 429);
  CHECK(std::stoi(refused.value("retry-after")) > 0);
}

TEST_CASE("a reload keeps what was used, and lets a changed token in at once") {
  RawUpstream upstream(test::serve(ok));
  Proxy proxy(upstream, with_alice("limits: [{ requests: 1, per: day }]"));
  CHECK(proxy.round_trip(get("/v1/models", bearer(token))).status() == 200);
  SUBCASE("the same limits") {
    proxy.reload(upstream.url(), with_alice("limits: [{ requests: 1, per: day }]"));
    CHECK(proxy.round_trip(get("/v1/models", bearer(token))).status() == 429);
  }
  SUBCASE("a wider one") {
    proxy.reload(upstream.url(), with_alice("limits: [{ requests: 2, per: day }]"));
    CHECK(proxy.round_trip(get("/v1/models", bearer(token))).status() == 200);
    CHECK(proxy.round_trip(get("/v1/models", bearer(token))).status() == 429);
  }
}

TEST_CASE("who shows no token may be let in, as client_defaults say") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream,
                    "client_defaults: { paths: [/v1/models] }\nallow_anonymous: true\n" +
                        with_alice("paths: ['/*']"));
  CHECK(proxy.round_trip(get("/v1/models")).status() == 200);
  CHECK(proxy.round_trip(get("/v1/files")).status() == 403);
  CHECK(proxy.round_trip(get("/v1/files", bearer(token))).status() == 200);
  CHECK(proxy.round_trip(get("/v1/models", bearer("wrong"))).status() == 401);
}

TEST_CASE("a client that waits to send its body is asked for it, where it has to be looked into") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, with_alice("models: [gpt-5*]"));
  test::RawClient client = proxy.client();
  const std::string body = chat();
  client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: p\r\nAuthorization: Bearer " +
              std::string(token) + "\r\nExpect: 100-continue\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n\r\n");
  CHECK(client.read_response_head().status() == 100);
  client.send(body);
  CHECK(client.read_response().status() == 200);
  const Message seen = upstream.next_request();
  CHECK(seen.body == body);
  CHECK(!seen.has("expect"));
}

TEST_CASE("a body in chunks that was looked into ends once, and its connection goes on") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, with_alice("models: [gpt-5*]"));
  const std::string body = chat();
  const std::string head =
      "POST /v1/chat/completions HTTP/1.1\r\nHost: p\r\nAuthorization: Bearer " +
      std::string(token) + "\r\nTransfer-Encoding: chunked\r\n\r\n";
  test::RawClient client = proxy.client();
  // Over the connection of the first the others go at once.
  for (int i = 0; i < 3; ++i) {
    client.send(head);
    client.send(fmt::format("{:x}\r\n{}\r\n", body.size(), body));
    client.send("0\r\n\r\n");
    CHECK(client.read_response().status() == 200);
    CHECK(upstream.next_request().body == body);
  }
  CHECK(upstream.connections() == 1);
}

TEST_CASE("bodies beyond what is looked into pass where nothing has to be known of them") {
  RawUpstream upstream(test::serve(ok));
  const std::string body = R"({"input":")" + std::string(200'000, 'x') + R"(","model":"gpt-5"})";
  const Proxy choosing(upstream,
                       with_alice("models: [gpt-5*]") + "limits: { inspect_bytes_max: 64KiB }\n");
  CHECK(choosing.round_trip(ask(body)).status() == 403);
  const Proxy counting(upstream,
                       with_alice("tpm_limit: 1M") + "limits: { inspect_bytes_max: 64KiB }\n");
  CHECK(counting.round_trip(ask(body)).status() == 200);
  CHECK(upstream.next_request().body == body);
}

TEST_CASE("streams tell their usage where that is forced, and clients do not see it") {
  const std::string chunk = R"(data: {"choices":[{"index":0,"delta":{"content":"hi"}}]})"
                            "\n\n";
  const std::string extra =
      R"(data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":9}})"
      "\n\n";
  const std::string end = "data: [DONE]\n\n";
  const std::string stream = chunk + extra + end;
  // Whole, and cut into single bytes.
  for (const size_t step : {stream.size(), size_t{1}}) {
    CAPTURE(step);
    RawUpstream upstream([&](test::UpstreamConnection& connection) {
      while (connection.read_request()) {
        connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: " +
                        std::to_string(stream.size()) + "\r\n\r\n");
        for (size_t i = 0; i < stream.size(); i += step)
          connection.send(stream.substr(i, step));
      }
    });
    const Proxy proxy(
        upstream, with_alice("limits: [{ tokens: 100k, per: day }]") + "usage: { force: true }\n");
    const Message response = proxy.round_trip(ask(chat(R"("stream":true)")));
    CHECK(response.body == chunk + end);
    const Message seen = upstream.next_request();
    CHECK(seen.body.find(R"("stream_options":{"include_usage":true})") != std::string::npos);
    CHECK(seen.value("accept-encoding") == "identity");
    const Message mine = proxy.round_trip(get("/_proxy/me", bearer(token)));
    CHECK(mine.body.find(R"("name":"tokens/day","limit":100000,"used":16,)") != std::string::npos);
    // Who asks for it has it.
    const Message asked =
        proxy.round_trip(ask(chat(R"("stream":true,"stream_options":{"include_usage":true})")));
    CHECK(asked.body == stream);
  }
}

TEST_CASE("a key that an upstream tells is made unreadable, wherever it is cut") {
  const std::string told = "{\"error\":\"no such key: " + std::string(key) + "\"}";
  std::atomic<size_t> step{told.size()};
  RawUpstream upstream([&](test::UpstreamConnection& connection) {
    while (connection.read_request()) {
      connection.send("HTTP/1.1 401 Unauthorized\r\nX-Told: " + std::string(key) +
                      "\r\nContent-Length: " + std::to_string(told.size()) + "\r\n\r\n");
      for (size_t i = 0; i < told.size(); i += step)
        connection.send(told.substr(i, step));
    }
  });
  const Proxy proxy(upstream, with_alice());
  for (const size_t each : {told.size(), size_t{1}, size_t{7}}) {
    step = each;
    const Message response = proxy.round_trip(get("/v1/models", bearer(token)));
    CHECK(response.status() == 401);
    CHECK(!mentions(response, key));
    CHECK(response.body.size() == told.size());
    CHECK(response.body.ends_with("***\"}"));
  }
}

TEST_CASE("keys and tokens in files are read again when those change") {
  const test::TemporaryFolder folder;
  const std::string key_file = folder / "key";
  test::write_file(key_file, "sk-first\n");
  RawUpstream upstream(test::serve(ok));
  Proxy proxy(
      upstream,
      "upstreams: { openai: { keys: ['${file:" + key_file + "}'] } }\nallow_anonymous: true\n");
  CHECK(proxy.server().has_secret_files());
  CHECK(proxy.round_trip(get("/v1/models")).status() == 200);
  CHECK(upstream.next_request().value("authorization") == "Bearer sk-first");
  test::write_file(key_file, "sk-second, longer\n");  // no key: blanks
  proxy.server().renew_secrets();
  CHECK(proxy.round_trip(get("/v1/models")).status() == 200);
  CHECK(upstream.next_request().value("authorization") == "Bearer sk-first");
  test::write_file(key_file, "sk-second\n");
  proxy.server().renew_secrets();
  CHECK(proxy.round_trip(get("/v1/models")).status() == 200);
  CHECK(upstream.next_request().value("authorization") == "Bearer sk-second");
}

TEST_CASE("what was used survives a restart, by client and window") {
  const test::TemporaryFolder folder;
  const std::string yaml = with_alice("limits: [{ requests: 3, per: day }]") + "state: { file: '" +
                           (folder / "state.db") + "' }\n";
  RawUpstream upstream(test::serve(ok));
  {
    const Proxy proxy(upstream, yaml);
    for (int i = 0; i < 2; ++i)
      CHECK(proxy.round_trip(get("/v1/models", bearer(token))).status() == 200);
  }
  const Proxy proxy(upstream, yaml);
  CHECK(proxy.round_trip(get("/v1/models", bearer(token))).status() == 200);
  CHECK(proxy.round_trip(get("/v1/models", bearer(token))).status() == 429);
}
