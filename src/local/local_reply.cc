#include "local/local_reply.h"

#include <array>
#include <ctime>
#include <fmt/format.h>
#include <iterator>
#include <string>

#include "base/json_text.h"
#include "http/h1_writer.h"

namespace local {
namespace {

// RFC 9110 5.6.7.
std::string_view http_date(base::Arena& arena) {
  const time_t now = time(nullptr);
  tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 40> text{};
  const size_t size = strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return arena.copy({text.data(), size});
}

}  // namespace

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
  base::append_json_string(body, error.message);
  body += ",\"type\":";
  base::append_json_string(body, error.type);
  body += ",\"param\":null,\"code\":";
  base::append_json_string(body, error.code);
  body += "}}\n";
  return base::as_bytes(arena.copy(body));
}

}  // namespace local
