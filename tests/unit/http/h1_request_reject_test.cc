// Requests the parser refuses: malformed, ambiguous, or a means of smuggling another one past us.
#include <doctest/doctest.h>

#include "h1_case.h"

namespace {

using namespace std::string_literals;
using http_test::Case;

const std::string eol = "\r\n";
const std::string host = "Host: h\r\n";
const std::string get = "GET / HTTP/1.1\r\nHost: h\r\n";
const std::string post = "POST / HTTP/1.1\r\nHost: h\r\n";

void check(const std::vector<Case>& cases) {
  for (const Case& one : cases)
    http_test::check_case(one, {});
}

// Each is `bytes` and must be refused before its head is out.
void check_refused(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    http_test::check_case({one.what, one.bytes, "!400 " + one.expected}, {});
  }
}

std::string with_target(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n";
}

TEST_CASE("h1 request refused: the request line") {
  check_refused({
      {"a line feed before the method", "\n" + get + eol, "malformed method"},
      {"a carriage return without line feed", "\rGET / HTTP/1.1\r\n", "malformed line before%"},
      {"more than four empty lines", eol + eol + eol + eol + eol + get, "malformed line before%"},
      {"a space first", " GET / HTTP/1.1\r\n", "malformed method"},
      {"a tab behind the method", "GET\t/ HTTP/1.1\r\n", "malformed method"},
      {"two spaces behind the method",
       "GET  / HTTP/1.1\r\n" + host + eol,
       "malformed request line"},
      {"a method with a colon", "GET: / HTTP/1.1\r\n", "malformed method"},
      {"a method with a NUL", "GE\0T / HTTP/1.1\r\n"s, "malformed method"},
      {"a method with an eighth bit", "G\xc3\x89T / HTTP/1.1\r\n", "malformed method"},
      {"a method without end", std::string(65, 'A') + " / HTTP/1.1\r\n", "the method is too long"},
      {"TLS on a plain port", "\x16\x03\x01\x02" + "\0"s, "malformed method"},
      {"two spaces behind the target", "GET /  HTTP/1.1\r\n" + host + eol, "more than one space%"},
      {"a tab behind the target", "GET /\tHTTP/1.1\r\n" + host + eol, "%"},
      {"a space behind the version", "GET / HTTP/1.1 \r\n" + host + eol, "%"},
      {"a target with a space", "GET /a b HTTP/1.1\r\n" + host + eol, "%"},
      {"no target", "GET HTTP/1.1\r\n" + host + eol, "%"},
      {"no target, two spaces", "GET  HTTP/1.1\r\n" + host + eol, "malformed request line"},
      {"only a method", "GET\r\n\r\n", "malformed method"},
      {"HTTP/0.9", "GET /\r\n" + host + eol, "HTTP/0.9%"},
      {"HTTP/0.9, nothing behind it", "GET /\r\n", "HTTP/0.9%"},
      {"HTTP/0.9 with a line feed", "GET /\n" + host + eol, "%"},
      {"HTTP/0.9 spelt out", "GET / HTTP/0.9\r\n" + host + eol, "%version"},
      {"HTTP/1.2", "GET / HTTP/1.2\r\n" + host + eol, "%version"},
      {"HTTP/1.10", "GET / HTTP/1.10\r\n" + host + eol, "%"},
      {"HTTP/3.0", "GET / HTTP/3.0\r\n" + host + eol, "%version"},
      {"HTTP/01.1", "GET / HTTP/01.1\r\n" + host + eol, "%"},
      {"HTTP/1", "GET / HTTP/1\r\n" + host + eol, "%"},
      {"HTTP/1,1", "GET / HTTP/1,1\r\n" + host + eol, "%"},
      {"http in lower case", "GET / http/1.1\r\n" + host + eol, "%"},
      {"HTTP without a slash", "GET / HTTP 1.1\r\n" + host + eol, "%"},
      {"another protocol", "GET / RTSP/1.0\r\n" + host + eol, "%"},
      {"a shorter protocol", "SOURCE / ICE/1.0\r\n" + host + eol, "%"},
      {"words behind the version", "GET / HTTP/1.1 HTTP/1.1\r\n" + host + eol, "%"},
      {"a line feed ends the line", "GET / HTTP/1.1\n" + host + eol, "%"},
      {"a carriage return ends the line", "GET / HTTP/1.1\r" + host + eol, "%"},
      {"a line feed and a carriage return", "GET / HTTP/1.1\n\r" + host + eol, "%"},
      {"two carriage returns", "GET / HTTP/1.1\r\r\n" + host + eol, "%"},
      {"CONNECT", "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", "%"},
      {"CONNECT with a path", "CONNECT / HTTP/1.1\r\n" + host + eol, "CONNECT is not served here"},
  });
  check({
      {"the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "!505 HTTP/2 is not spoken here"},
      {"HTTP/2.0 in a request line", "GET / HTTP/2.0\r\n" + host + eol, "!505 HTTP/2%"},
  });
}

TEST_CASE("h1 request refused: targets") {
  check_refused({
      {"a relative path", with_target("a/b"), "%"},
      {"a query alone", with_target("?a"), "%"},
      {"a fragment", with_target("/a#b"), "malformed request target"},
      {"a fragment behind a query", with_target("/a?b#c"), "malformed request target"},
      {"asterisk-form but for OPTIONS", with_target("*"), "the target * is for OPTIONS only"},
      {"more than an asterisk", "OPTIONS *x HTTP/1.1\r\n" + host + eol, "malformed request target"},
      {"authority-form", with_target("h:80"), "%"},
      {"userinfo", with_target("http://u@h/"), "malformed request target"},
      {"userinfo with a password", with_target("http://u:p@h/"), "malformed request target"},
      {"an empty authority", with_target("http:///a"), "%"},
      {"a scheme without slashes", with_target("http:/a"), "%"},
      {"another scheme", with_target("ftp://h/a"), "malformed request target"},
      {"a scheme of scripts", with_target("javascript://h/a"), "malformed request target"},
      {"an authority that Host contradicts", with_target("http://evil/"), "Host differs%"},
      {"a port that Host contradicts", with_target("http://h:81/"), "Host differs%"},
      {"the other scheme's port", with_target("https://h:80/"), "Host differs%"},
      {"a malformed port", with_target("http://h:8a/"), "malformed request target"},
      {"a port too large", with_target("http://h:65536/"), "malformed request target"},
      {"an IPv6 address left open", with_target("http://[::1/"), "malformed request target"},
      {"a backslash for a slash", with_target("http://h\\a/"), "%"},
      {"percent-encoding in an authority", with_target("http://%68/"), "malformed request target"},
      {"a fragment behind an authority", with_target("http://h#a"), "%"},
      {"a NUL", with_target("/a\0b"s), "%"},
      {"a tab", with_target("/a\tb"), "%"},
      {"a form feed", with_target("/a\fb"), "%"},
      {"a carriage return", with_target("/a\rb"), "%"},
      {"a line feed", with_target("/a\nb"), "%"},
      {"a DEL", with_target("/a\x7f"), "%"},
  });
}

TEST_CASE("h1 request refused: Host") {
  const std::string line = "GET / HTTP/1.1\r\n";
  check_refused({
      {"missing", line + eol, "Host is missing"},
      {"missing, other fields there", line + "A: b\r\n\r\n", "Host is missing"},
      {"twice", line + host + "Host: i\r\n\r\n", "more than one Host"},
      {"twice the same", line + host + host + eol, "more than one Host"},
      {"twice in HTTP/1.0", "GET / HTTP/1.0\r\n" + host + host + eol, "more than one Host"},
      {"empty", line + "Host:\r\n\r\n", "malformed Host"},
      {"a list", line + "Host: a, b\r\n\r\n", "malformed Host"},
      {"a list without space", line + "Host: a,b\r\n\r\n", "malformed Host"},
      {"a URL", line + "Host: http://h\r\n\r\n", "malformed Host"},
      {"a path", line + "Host: h/a\r\n\r\n", "malformed Host"},
      {"userinfo", line + "Host: u@h\r\n\r\n", "malformed Host"},
      {"a space", line + "Host: a b\r\n\r\n", "malformed Host"},
      {"a query", line + "Host: h?x\r\n\r\n", "malformed Host"},
      {"a fragment", line + "Host: h#x\r\n\r\n", "malformed Host"},
      {"only a port", line + "Host: :80\r\n\r\n", "malformed Host"},
      {"a port of letters", line + "Host: h:http\r\n\r\n", "malformed Host"},
      {"a negative port", line + "Host: h:-1\r\n\r\n", "malformed Host"},
      {"a port too large", line + "Host: h:65536\r\n\r\n", "malformed Host"},
      {"two ports", line + "Host: h:1:2\r\n\r\n", "malformed Host"},
      {"a bare IPv6 address", line + "Host: ::1\r\n\r\n", "malformed Host"},
      {"an IPv6 address left open", line + "Host: [::1\r\n\r\n", "malformed Host"},
      {"words behind an IPv6 address", line + "Host: [::1]x\r\n\r\n", "malformed Host"},
      {"empty brackets", line + "Host: []\r\n\r\n", "malformed Host"},
      {"an IPv6 zone", line + "Host: [fe80::1%25eth0]\r\n\r\n", "malformed Host"},
      {"percent-encoding", line + "Host: %68\r\n\r\n", "malformed Host"},
      {"a quote", line + "Host: \"h\"\r\n\r\n", "malformed Host"},
      {"an eighth bit", line + "Host: \xc3\xa9\r\n\r\n", "malformed Host"},
      {"a backslash", line + "Host: h\\\r\n\r\n", "malformed Host"},
      {"malformed in HTTP/1.0 too", "GET / HTTP/1.0\r\nHost: a b\r\n\r\n", "malformed Host"},
  });
}

TEST_CASE("h1 request refused: fields") {
  check_refused({
      {"a space before the colon", get + "A : b\r\n\r\n", "%"},
      {"a tab before the colon", get + "A\t: b\r\n\r\n", "%"},
      {"a space before the colon of a length", post + "Content-Length : 5\r\n\r\nhello", "%"},
      {"a space before the colon of a coding", post + "Transfer-Encoding : chunked\r\n\r\n", "%"},
      {"a line folded (obs-fold)", get + "A: b\r\n c\r\n\r\n", "%"},
      {"a line folded with a tab", get + "A: b\r\n\tc\r\n\r\n", "%"},
      {"an empty value folded", get + "A:\r\n b\r\n\r\n", "%"},
      {"a coding folded", post + "Transfer-Encoding:\r\n chunked\r\n\r\n", "%"},
      {"a space before the first name", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", "%"},
      {"a tab before the first name", "GET / HTTP/1.1\r\n\tHost: h\r\n\r\n", "%"},
      {"a blank line of a space", get + " \r\n\r\n", "%"},
      {"no name", get + ": b\r\n\r\n", "%"},
      {"no colon", get + "A\r\n\r\n", "%"},
      {"a name with a space", get + "A b: c\r\n\r\n", "%"},
      {"a name in quotes", get + "\"A\": b\r\n\r\n", "%"},
      {"a name in brackets", get + "A[0]: b\r\n\r\n", "%"},
      {"a name with an eighth bit", get + "\xc3\xa9: b\r\n\r\n", "%"},
      {"a name with a NUL", get + "A\0: b\r\n\r\n"s, "%"},
      {"a name with a vertical tab before the colon",
       get + "Transfer-Encoding\v: chunked\r\n\r\n",
       "%"},
      {"a NUL in a value", get + "A: b\0c\r\n\r\n"s, "%"},
      {"a DEL in a value", get + "A: b\x7f\r\n\r\n", "%"},
      {"an escape in a value", get + "A: \x1b[0m\r\n\r\n", "%"},
      {"a line feed ends a field", get + "A: b\nC: d\r\n\r\n", "%"},
      {"a carriage return ends a field", get + "A: b\rC: d\r\n\r\n", "%"},
      {"a carriage return in an empty value", get + "A:\rB: c\r\n\r\n", "%"},
      {"a carriage return at a value's end", get + "A: b\r\r\n\r\n", "%"},
      {"a line feed ends the head", get + "\n", "%"},
      {"a line feed ends field and head", get + "A: b\n\n", "%"},
      {"a carriage return ends the head", get + "\rX", "%"},
      {"the head's end without line feed", get + "\r\r\n", "%"},
      {"a request hidden behind a bare line feed",
       get + "A: b\n\nGET /hidden HTTP/1.1\r\nHost: h\r\n\r\n",
       "%"},
  });
}

TEST_CASE("h1 request refused: two lengths for one body") {
  const std::string coding = "Transfer-Encoding: chunked\r\n";
  const std::string length = "Content-Length: 5\r\n";
  check_refused({
      {"length, then coding (CL.TE)", post + length + coding + "\r\n0\r\n\r\nG", "%"},
      {"coding, then length (TE.CL)", post + coding + length + "\r\n0\r\n\r\nG", "%"},
      {"a length of 0 with a coding",
       post + "Content-Length: 0\r\n" + coding + "\r\n0\r\n\r\n",
       "%"},
      {"two lengths", post + length + "Content-Length: 6\r\n\r\nhello", "%"},
      {"two equal lengths", post + length + length + "\r\nhello", "%"},
      {"a list of lengths", post + "Content-Length: 5, 6\r\n\r\nhello", "%"},
      {"a list of equal lengths", post + "Content-Length: 5,5\r\n\r\nhello", "%"},
      {"a negative length", post + "Content-Length: -5\r\n\r\n", "%"},
      {"a signed length", post + "Content-Length: +5\r\n\r\nhello", "%"},
      {"a hex length", post + "Content-Length: 0x5\r\n\r\nhello", "%"},
      {"a length with a fraction", post + "Content-Length: 5.0\r\n\r\nhello", "%"},
      {"a length with an exponent", post + "Content-Length: 1e1\r\n\r\nhello", "%"},
      {"a length in quotes", post + "Content-Length: \"5\"\r\n\r\nhello", "%"},
      {"a length with a space within", post + "Content-Length: 1 0\r\n\r\nhello", "%"},
      {"a length with an underscore", post + "Content-Length: 1_0\r\n\r\nhello", "%"},
      {"a length with a semicolon", post + "Content-Length: 5;\r\n\r\nhello", "%"},
      {"an empty length", post + "Content-Length:\r\n\r\n", "%"},
      {"a length of white space", post + "Content-Length: \t\r\n\r\n", "%"},
      {"an empty length, then one", post + "Content-Length:\r\n" + length + "\r\nhello", "%"},
      {"a length beyond 63 bits", post + "Content-Length: 9223372036854775808\r\n\r\n", "%"},
      {"a length beyond 64 bits", post + "Content-Length: 18446744073709551621\r\n\r\nhello", "%"},
      {"a length of a hundred digits",
       post + "Content-Length: " + std::string(100, '1') + "\r\n\r\n",
       "%"},
      {"a tab behind a length", post + "Content-Length: 5\t\r\n\r\nhello", "%"},
      {"a length of Arabic digits", post + "Content-Length: \xd9\xa5\r\n\r\nhello", "%"},
  });
}

TEST_CASE("h1 request refused: transfer codings") {
  const std::string coding = "Transfer-Encoding: chunked\r\n";
  const std::string last = "\r\n0\r\n\r\n";
  check_refused({
      {"in HTTP/1.0", "POST / HTTP/1.0\r\n" + coding + last, "Transfer-Encoding in HTTP/1.0"},
      {"in HTTP/1.0 with keep-alive",
       "POST / HTTP/1.0\r\nConnection: keep-alive\r\n" + coding + last,
       "Transfer-Encoding in%"},
      {"twice", post + coding + coding + last, "%"},
      {"twice, one unknown", post + coding + "Transfer-Encoding: x\r\n" + last, "%"},
      {"identity", post + "Transfer-Encoding: identity\r\n" + last, "%"},
      {"identity, then chunked", post + "Transfer-Encoding: identity\r\n" + coding + last, "%"},
      {"gzip", post + "Transfer-Encoding: gzip\r\n" + last, "%"},
      {"gzip, chunked", post + "Transfer-Encoding: gzip, chunked\r\n" + last, "%"},
      {"chunked, gzip", post + "Transfer-Encoding: chunked, gzip\r\n" + last, "%"},
      {"chunked twice in a list", post + "Transfer-Encoding: chunked, chunked\r\n" + last, "%"},
      {"a list with an empty element", post + "Transfer-Encoding: ,chunked\r\n" + last, "%"},
      {"a list that ends with a comma", post + "Transfer-Encoding: chunked,\r\n" + last, "%"},
      {"a parameter", post + "Transfer-Encoding: chunked;q=1\r\n" + last, "%"},
      {"in quotes", post + "Transfer-Encoding: \"chunked\"\r\n" + last, "%"},
      {"a prefix", post + "Transfer-Encoding: xchunked\r\n" + last, "%"},
      {"a suffix", post + "Transfer-Encoding: chunkedx\r\n" + last, "%"},
      {"a vertical tab before", post + "Transfer-Encoding: \vchunked\r\n" + last, "%"},
      {"a tab behind, which llhttp reads otherwise",
       post + "Transfer-Encoding: chunked\t\r\n" + last,
       "malformed Transfer-Encoding"},
      {"words behind", post + "Transfer-Encoding: chunked foo\r\n" + last, "%"},
      {"empty", post + "Transfer-Encoding:\r\n" + last, "%"},
      {"empty, then chunked", post + "Transfer-Encoding:\r\n" + coding + last, "%"},
      {"a long s for an s",
       post +
           "Tran\xc5\xbf"
           "fer-Encoding: chunked\r\n" +
           last,
       "%"},
  });
}

TEST_CASE("h1 request refused: chunks") {
  const std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n";
  const std::string tail = "\r\nhello\r\n0\r\n\r\n";
  const std::vector<Case> cases = {
      {"a size of nothing", chunked + tail, "%"},
      {"a size that is no number", chunked + "g" + tail, "%"},
      {"0x before a size", chunked + "0x5" + tail, "%"},
      {"a signed size", chunked + "+5" + tail, "%"},
      {"a negative size", chunked + "-5" + tail, "%"},
      {"a space before a size", chunked + " 5" + tail, "%"},
      {"a space behind a size", chunked + "5 " + tail, "%"},
      {"a tab behind a size", chunked + "5\t" + tail, "%"},
      {"a size of 65 bits", chunked + "10000000000000005" + tail, "%"},
      {"a size of 64 bits", chunked + "8000000000000000" + tail, "the chunk is too large"},
      {"a line feed behind a size", chunked + "5\nhello\r\n0\r\n\r\n", "%"},
      {"a carriage return behind a size", chunked + "5\rhello\r\n0\r\n\r\n", "%"},
      {"two carriage returns behind a size", chunked + "5\r\r\nhello\r\n0\r\n\r\n", "%"},
      {"zeros without end", chunked + std::string(2000, '0') + "5" + tail, "%too long"},
      {"an extension without a name", chunked + "5;" + tail, "%"},
      {"a space before an extension", chunked + "5 ;a" + tail, "%"},
      {"a space in an extension", chunked + "5; a" + tail, "%"},
      {"a NUL in an extension", chunked + "5;a\0"s + tail, "%"},
      {"a line feed in an extension", chunked + "5;a\n" + tail, "%"},
      {"a line feed in an extension's value", chunked + "5;a=b\nhello\r\n0\r\n\r\n", "%"},
      {"a line feed in quotes", chunked + "5;a=\"\n\"" + tail, "%"},
      {"a line feed escaped in quotes", chunked + "5;a=\"\\\n\"" + tail, "%"},
      {"a carriage return in an extension", chunked + "5;a=b\rX" + tail, "%"},
      {"quotes left open", chunked + "5;a=\"b" + tail, "%"},
      {"words behind quotes", chunked + "5;a=\"b\"c" + tail, "%"},
      {"an extension beyond the bound",
       chunked + "5;" + std::string(1100, 'a') + tail,
       "%too long"},
      {"extensions without end",
       chunked + "5;" + std::string(600, 'a') + "=" + std::string(600, 'b') + tail,
       "%too long"},
  };
  for (const Case& one : cases) {
    http_test::check_case({one.what, one.bytes, "POST % chunked keep; !400 " + one.expected}, {});
  }
  check({
      {"no line end behind a chunk", chunked + "5\r\nhello0\r\n\r\n", "%'hello'; !400 %"},
      {"a line feed behind a chunk", chunked + "5\r\nhello\n0\r\n\r\n", "%'hello'; !400 %"},
      {"a chunk longer than its size", chunked + "4\r\nhello\r\n0\r\n\r\n", "%'hell'; !400 %"},
      {"a chunk shorter than its size", chunked + "6\r\nhello\r\n0\r\n\r\n", "%'hello\r'; !400 %"},
      {"a bad second size", chunked + "1\r\na\r\nx\r\n", "%'a'; !400 %"},
  });
}

TEST_CASE("h1 request refused: trailers") {
  const std::string last = post + "Transfer-Encoding: chunked\r\n\r\n0\r\n";
  const std::vector<Case> cases = {
      {"a line feed ends them", last + "\n", "%"},
      {"a carriage return ends them", last + "\rX", "%"},
      {"a line feed ends one", last + "A: b\n\r\n", "%"},
      {"one is folded", last + "A: b\r\n c\r\n\r\n", "%"},
      {"a space before the colon", last + "A : b\r\n\r\n", "%"},
      {"a space before the name", last + " A: b\r\n\r\n", "%"},
      {"no name", last + ": b\r\n\r\n", "%"},
      {"no colon", last + "A\r\n\r\n", "%"},
      {"a NUL", last + "A: \0\r\n\r\n"s, "%"},
      {"a length", last + "Content-Length: 5\r\n\r\n", "%"},
      {"a coding", last + "Transfer-Encoding: chunked\r\n\r\n", "%"},
      {"a request in their place", last + "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "%"},
  };
  for (const Case& one : cases) {
    http_test::check_case({one.what, one.bytes, "POST % chunked keep; !400 " + one.expected}, {});
  }
}

}  // namespace
