#include "local/local_reply.h"

#include <array>
#include <ctime>
#include <fmt/format.h>
#include <iterator>
#include <string>

#include "base/speech.h"
#include "http/h1_writer.h"

namespace local {
namespace {

constexpr std::string_view server_error = "server_error";
constexpr std::string_view invalid_request = "invalid_request_error";

// RFC 9110 5.6.7.
std::string_view http_date(base::Arena& arena) {
  const time_t now = time(nullptr);
  tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 40> text{};
  const size_t size = strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return arena.copy({text.data(), size});
}

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
      continue;
    }
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
}

}  // namespace

namespace {

// Some servers that speak TLS answer nothing at all to who does not.
constexpr openai::ApiError upstream_said_nothing = {
    502,
    server_error,
    "upstream_closed",
    "The upstream closed the connection without a word. Try again; if it stays so and the upstream "
    "speaks TLS: write https:// instead of http:// in its url.",
    openai::RetryAdvice::soon};

}  // namespace

openai::ApiError error_for_upstream(base::Error error) {
  using base::Code;
  switch (error.code) {
    case Code::dns:
      return {502,
              server_error,
              "upstream_unreachable",
              "The proxy could not resolve the upstream's name. Its operator should check the "
              "upstream URL and the DNS of the proxy's host.",
              openai::RetryAdvice::soon};
    case Code::connect:
      return {
          502,
          server_error,
          "upstream_unreachable",
          "The proxy could not connect to the upstream. Try again; if it stays so, its operator "
          "should check the upstream URL and the network.",
          openai::RetryAdvice::soon};
    case Code::tls:
    case Code::certificate:
      return {502,
              server_error,
              "upstream_tls_failed",
              "upstream TLS failed; the proxy's log says why.",
              openai::RetryAdvice::never};
    case Code::protocol:
      return {502,
              server_error,
              "upstream_wrong_protocol",
              base::speech_advice(error),
              openai::RetryAdvice::never};
    case Code::timeout:
      return {504,
              server_error,
              "upstream_connect_timeout",
              "The upstream did not accept a connection in time. Try again.",
              openai::RetryAdvice::soon};
    case Code::unreachable:
      return {504,
              server_error,
              "upstream_unreachable",
              "The network between the proxy and the upstream is gone, or the upstream's machine: "
              "it no longer acknowledges anything. The request may have run; whether to repeat it "
              "is for you to decide."};
    case Code::refused:
      return {
          503,
          server_error,
          "upstream_busy",
          "No connection to the upstream is free, or it was unreachable a moment ago. Try again.",
          openai::RetryAdvice::soon};
    case Code::loop:
      return {
          508,
          invalid_request,
          "loop_detected",
          "The upstream of this proxy leads back to the proxy itself; its operator should check "
          "the upstream's URL.",
          openai::RetryAdvice::never};
    case Code::parse:
    case Code::too_large:
      return {502,
              server_error,
              "upstream_bad_response",
              "The upstream's response was not valid HTTP; the proxy did not forward it.",
              openai::RetryAdvice::never};
    case Code::closed:
    case Code::reset:
      if (error.raw == base::Error::silent) return upstream_said_nothing;
      [[fallthrough]];
    case Code::io:
      return {502,
              server_error,
              "upstream_closed",
              "The upstream closed the connection before it answered. Try again.",
              openai::RetryAdvice::soon};
  }
  return {502, server_error, "upstream_failed", "The upstream failed.", openai::RetryAdvice::soon};
}

openai::ApiError error_for_request(uint16_t status, std::string_view why) {
  switch (status) {
    case 408:
      return {408, invalid_request, "request_timeout", why};
    case 413:
      return {413, invalid_request, "request_too_large", why};
    case 414:
      return {414, invalid_request, "url_too_long", why};
    case 431:
      return {431, invalid_request, "headers_too_large", why};
    default:
      return {status, invalid_request, "bad_request", why};
  }
}

std::string_view https_needed_reply() {
  static const std::string reply = [] {
    const std::string body =
        "{\"error\":{\"message\":\"This is an https address, and you spoke http: change http:// to "
        "https:// in what you call.\",\"type\":\"invalid_request_error\",\"param\":null,"
        "\"code\":\"https_needed\"}}\n";
    return fmt::format(
        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nx-should-retry: false\r\n"
        "Access-Control-Allow-Origin: *\r\nContent-Type: application/json\r\n"
        "Content-Length: {}\r\n\r\n{}",
        body.size(),
        body);
  }();
  return reply;
}

std::string_view busy_reply() {
  static const std::string reply = [] {
    const std::string body =
        "{\"error\":{\"message\":\"The proxy has too many connections, in all or from this "
        "address, or no memory for more. Try again.\",\"type\":\"server_error\",\"param\":null,"
        "\"code\":\"proxy_busy\"}}\n";
    return fmt::format(
        "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
        "Access-Control-Allow-Origin: *\r\nContent-Type: application/json\r\n"
        "Content-Length: {}\r\n\r\n{}",
        body.size(),
        body);
  }();
  return reply;
}

void render_page_head(uint16_t status,
                      std::string_view content_type,
                      http::Head& head,
                      base::Arena& arena) {
  head.clear();
  head.status = status;
  head.reason = http::reason_phrase(status);
  head.add("Date", http_date(arena));
  head.add("Content-Type", content_type);
}

base::Bytes render(const openai::ApiError& error,
                   std::string_view request_id,
                   http::Head& head,
                   base::Arena& arena) {
  render_page_head(error.status, "application/json", head, arena);
  head.add("x-request-id", request_id);
  if (error.retry == openai::RetryAdvice::soon) {
    head.add("Retry-After", "1");
  } else if (error.retry == openai::RetryAdvice::never) {
    head.add("x-should-retry", "false");
  }
  std::string body = "{\"error\":{\"message\":";
  append_json_string(body, error.message);
  body += ",\"type\":";
  append_json_string(body, error.type);
  body += ",\"param\":null,\"code\":";
  append_json_string(body, error.code);
  body += "}}\n";
  return base::as_bytes(arena.copy(body));
}

}  // namespace local
