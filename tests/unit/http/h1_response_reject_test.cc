// Responses the parser refuses: an upstream that is broken or hostile must not reach a client.
#include <doctest/doctest.h>

#include "h1_case.h"

namespace {

using namespace std::string_literals;
using http_test::answers;
using http_test::Case;

const std::string eol = "\r\n";
const std::string ok = "HTTP/1.1 200 OK\r\n";
const std::string coding = "Transfer-Encoding: chunked\r\n";
const std::string length = "Content-Length: 5\r\n";

void check_refused(const std::vector<Case>& cases, const std::string& before = "") {
  for (const Case& one : cases) {
    http_test::check_case({one.what, one.bytes, before + "!400 " + one.expected}, answers("GET"));
  }
}

TEST_CASE("h1 response refused: status lines") {
  check_refused({
      {"another protocol", "ICY 200 OK\r\n\r\n", "not HTTP"},
      {"RTSP", "RTSP/1.0 200 OK\r\n\r\n", "not HTTP"},
      {"lower case", "http/1.1 200 OK\r\n\r\n", "not HTTP"},
      {"a TLS alert", "\x15\x03\x01" + "\0\2\2F"s, "not HTTP"},
      {"an SSH greeting", "SSH-2.0-x\r\n", "not HTTP"},
      {"a body without a head (HTTP/0.9)", "<html>", "not HTTP"},
      {"a line break first", eol + ok + eol, "not HTTP"},
      {"a space first", " " + ok + eol, "not HTTP"},
      {"a request", "GET / HTTP/1.1\r\n\r\n", "not HTTP"},
      {"cut in the protocol's name", "HTT", "the connection ended%"},
      {"cut in the status", "HTTP/1.1 20", "the connection ended%"},
      {"cut in the head", ok + "A: b\r\n", "the connection ended%"},
      {"HTTP/0.9", "HTTP/0.9 200 OK\r\n\r\n", "%version"},
      {"HTTP/1.2", "HTTP/1.2 200 OK\r\n\r\n", "%version"},
      {"HTTP/1", "HTTP/1 200 OK\r\n\r\n", "%"},
      {"no space behind the version", "HTTP/1.1200 OK\r\n\r\n", "%"},
      {"two spaces behind the version", "HTTP/1.1  200 OK\r\n\r\n", "%"},
      {"a tab behind the version", "HTTP/1.1\t200 OK\r\n\r\n", "%"},
      {"a status of two digits", "HTTP/1.1 20 OK\r\n\r\n", "%"},
      {"a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", "%"},
      {"a status of letters", "HTTP/1.1 2xx OK\r\n\r\n", "%"},
      {"a signed status", "HTTP/1.1 -20 OK\r\n\r\n", "%"},
      {"status 000", "HTTP/1.1 000 X\r\n\r\n", "status out of range"},
      {"status 099", "HTTP/1.1 099 X\r\n\r\n", "status out of range"},
      {"status 600", "HTTP/1.1 600 X\r\n\r\n", "status out of range"},
      {"status 999", "HTTP/1.1 999 X\r\n\r\n", "status out of range"},
      {"no status", "HTTP/1.1 OK\r\n\r\n", "%"},
      {"a reason without a space", "HTTP/1.1 200OK\r\n\r\n", "%"},
      {"a NUL in the reason", "HTTP/1.1 200 a\0b\r\n\r\n"s, "control byte in the reason phrase"},
      {"an escape in the reason", "HTTP/1.1 200 \x1b[0m\r\n\r\n", "control byte in the reason%"},
      {"a carriage return in the reason", "HTTP/1.1 200 a\rb\r\n\r\n", "%"},
      {"a line feed ends the line", "HTTP/1.1 200 OK\nA: b\r\n\r\n", "%"},
      {"a line feed behind the status", "HTTP/1.1 200\nA: b\r\n\r\n", "%"},
  });
  http_test::check_case({"HTTP/2", "HTTP/2.0 200 OK\r\n\r\n", "!505 HTTP/2%"}, answers("GET"));
}

TEST_CASE("h1 response refused: fields (response splitting)") {
  check_refused({
      {"a line feed ends a field", ok + "A: b\nSet-Cookie: c\r\n\r\n", "%"},
      {"a carriage return ends a field", ok + "A: b\rSet-Cookie: c\r\n\r\n", "%"},
      {"a line folded (obs-fold)", ok + "A: b\r\n c\r\n\r\n", "%"},
      {"a space before the colon", ok + "A : b\r\n\r\n", "%"},
      {"a space before a name", ok + " A: b\r\n\r\n", "%"},
      {"no name", ok + ": b\r\n\r\n", "%"},
      {"no colon", ok + "A\r\n\r\n", "%"},
      {"a NUL in a value", ok + "A: \0b\r\n\r\n"s, "%"},
      {"a NUL in a name", ok + "A\0: b\r\n\r\n"s, "%"},
      {"a line feed ends the head", ok + "A: b\r\n\n", "%"},
      {"a carriage return ends the head", ok + "A: b\r\n\rX", "%"},
  });
}

TEST_CASE("h1 response refused: framing") {
  check_refused({
      {"length, then coding", ok + length + coding + "\r\n0\r\n\r\n", "%"},
      {"coding, then length", ok + coding + length + "\r\n0\r\n\r\n", "%"},
      {"two lengths", ok + length + "Content-Length: 6\r\n\r\nhello", "%"},
      {"two equal lengths", ok + length + length + "\r\nhello", "%"},
      {"a list of lengths", ok + "Content-Length: 5,5\r\n\r\nhello", "%"},
      {"a negative length", ok + "Content-Length: -1\r\n\r\n", "%"},
      {"an empty length", ok + "Content-Length:\r\n\r\n", "%"},
      {"a length beyond 63 bits", ok + "Content-Length: 9223372036854775808\r\n\r\n", "%"},
      {"gzip", ok + "Transfer-Encoding: gzip\r\n\r\n", "Transfer-Encoding other than chunked"},
      {"gzip, chunked",
       ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
       "Transfer-Encoding other than chunked"},
      {"identity",
       ok + "Transfer-Encoding: identity\r\n\r\nhello",
       "Transfer-Encoding other than%"},
      {"chunked twice", ok + coding + coding + "\r\n0\r\n\r\n", "more than one Transfer-Encoding"},
      {"a tab behind, which llhttp reads otherwise",
       ok + "Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n",
       "malformed Transfer-Encoding"},
      {"a coding in HTTP/1.0",
       "HTTP/1.0 200 OK\r\n" + coding + "\r\n0\r\n\r\n",
       "Transfer-Encoding in HTTP/1.0"},
      {"204 with a body", "HTTP/1.1 204 N\r\n" + length + "\r\nhello", "a body with a status%"},
      {"204 with a coding",
       "HTTP/1.1 204 N\r\n" + coding + "\r\n0\r\n\r\n",
       "a body with a status%"},
      {"100 with a body", "HTTP/1.1 100 C\r\n" + length + "\r\nhello", "a body with a status%"},
      {"103 with a coding",
       "HTTP/1.1 103 E\r\n" + coding + "\r\n0\r\n\r\n",
       "a body with a status%"},
      {"101 with a body",
       "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n" + length + eol,
       "a body with a status%"},
      {"101 that names no protocol",
       "HTTP/1.1 101 S\r\nConnection: upgrade\r\n\r\n",
       "101 without Upgrade"},
      {"101 without Connection",
       "HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n",
       "101 without Upgrade"},
      {"304 with two lengths", "HTTP/1.1 304 N\r\n" + length + length + eol, "%"},
  });
}

TEST_CASE("h1 response refused: chunks") {
  check_refused(
      {
          {"a size that is no number", ok + coding + "\r\nxyz\r\n", "%"},
          {"a space behind a size", ok + coding + "\r\n5 \r\nhello\r\n0\r\n\r\n", "%"},
          {"a line feed behind a size", ok + coding + "\r\n5\nhello\r\n0\r\n\r\n", "%"},
          {"a size of 65 bits", ok + coding + "\r\n10000000000000005\r\nhello", "%"},
          {"a size of 64 bits",
           ok + coding + "\r\nffffffffffffffff\r\nhello",
           "the chunk is too large"},
          {"an extension beyond the bound",
           ok + coding + "\r\n5;" + std::string(2000, 'x'),
           "%too long"},
          {"a body that is not chunked at all", ok + coding + "\r\n{\"error\":1}", "%"},
          {"a length in the trailers", ok + coding + "\r\n0\r\n" + length + eol, "%"},
          {"a line feed ends the trailers", ok + coding + "\r\n0\r\n\n", "%"},
          {"a response in the trailers' place", ok + coding + "\r\n0\r\n" + ok + eol, "%"},
      },
      "200 OK % chunked keep; ");
}

}  // namespace
