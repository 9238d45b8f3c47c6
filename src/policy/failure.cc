#include "policy/failure.h"

#include "base/speech.h"

namespace policy {

using openai::ApiError;
using openai::RetryAdvice;

namespace {

constexpr std::string_view server_error = "server_error";
constexpr std::string_view invalid_request = "invalid_request_error";

// Some servers that speak TLS answer nothing at all to who does not.
constexpr ApiError upstream_said_nothing = {
    502,
    server_error,
    "upstream_closed",
    "The upstream closed the connection without a word. Try again; if it stays so and the upstream "
    "speaks TLS: write https:// instead of http:// in its url.",
    RetryAdvice::soon};

// SDKs that are left to themselves repeat a 502; who must not be charged twice tells them not to.
constexpr ApiError closed_with_request = {
    502,
    server_error,
    "upstream_closed",
    "The upstream closed the connection before it answered. The request may have run, so the proxy "
    "did not send it again; whether to repeat it is for you to decide."};

// It may well have run: asking again would cost its tokens twice.
constexpr ApiError first_byte_timeout = {504,
                                         server_error,
                                         "upstream_timeout",
                                         "The upstream did not answer in time.",
                                         RetryAdvice::never};

// Ended without an answer, whatever the reason.
bool is_lost_connection(base::Error error) {
  using base::Code;
  return error.code == Code::closed || error.code == Code::reset || error.code == Code::io;
}

}  // namespace

ApiError error_for_lost(const FailedAttempt& attempt, base::Error error) {
  if (is_lost_connection(error) && must_not_run_again(attempt)) return closed_with_request;
  return error_for_upstream(error, attempt.was_retry);
}

ApiError error_for_silence() {
  return first_byte_timeout;
}

namespace {

ApiError error_for(base::Error error) {
  using base::Code;
  switch (error.code) {
    case Code::dns:
      return {502,
              server_error,
              "upstream_unreachable",
              "The proxy could not resolve the upstream's name. Its operator should check the "
              "upstream URL and the DNS of the proxy's host.",
              RetryAdvice::soon};
    case Code::connect:
      return {
          502,
          server_error,
          "upstream_unreachable",
          "The proxy could not connect to the upstream. Try again; if it stays so, its operator "
          "should check the upstream URL and the network.",
          RetryAdvice::soon};
    case Code::tls:
    case Code::certificate:
      return {502,
              server_error,
              "upstream_tls_failed",
              "upstream TLS failed; the proxy's log says why.",
              RetryAdvice::never};
    case Code::protocol:
      return {502,
              server_error,
              "upstream_wrong_protocol",
              base::speech_advice(error),
              RetryAdvice::never};
    case Code::timeout:
      return {504,
              server_error,
              "upstream_connect_timeout",
              "The upstream did not accept a connection in time. Try again.",
              RetryAdvice::soon};
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
          RetryAdvice::soon};
    case Code::loop:
      return loop_detected;
    case Code::parse:
    case Code::too_large:
      return {502,
              server_error,
              "upstream_bad_response",
              "The upstream's response was not valid HTTP; the proxy did not forward it.",
              RetryAdvice::never};
    case Code::closed:
    case Code::reset:
      if (error.raw == base::Error::silent) return upstream_said_nothing;
      [[fallthrough]];
    case Code::io:
      return {502,
              server_error,
              "upstream_closed",
              "The upstream closed the connection before it answered. Try again.",
              RetryAdvice::soon};
  }
  return {502, server_error, "upstream_failed", "The upstream failed.", RetryAdvice::soon};
}

}  // namespace

ApiError error_for_upstream(base::Error error, bool was_retry) {
  ApiError answer = error_for(error);
  if (was_retry) answer.retry = RetryAdvice::never;
  return answer;
}

ApiError error_for_request(uint16_t status, std::string_view why) {
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

}  // namespace policy
