// Requests the parser accepts, and what it makes of them.
#include <doctest/doctest.h>

#include "h1_case.h"

namespace {

using namespace std::string_literals;
using http_test::Case;

const std::string eol = "\r\n";
const std::string host = "Host: h\r\n";
const std::string get = "GET / HTTP/1.1\r\nHost: h\r\n";
const std::string post = "POST / HTTP/1.1\r\nHost: h\r\n";
const std::string ten = "GET / HTTP/1.0\r\n";

void check(const std::vector<Case>& cases) {
  for (const Case& one : cases)
    http_test::check_case(one, {});
}

TEST_CASE("h1 request: start lines and fields as they come") {
  check({
      {"nothing at all", "", ""},
      {"the least of HTTP/1.1", get + eol, "GET / 1.1 [Host=h] none keep; end"},
      {"one empty line first (RFC 9112 2.2)", eol + get + eol, "GET / 1.1 [Host=h] none keep; end"},
      {"four empty lines first", eol + eol + eol + eol + get + eol, "GET /%end"},
      {"an empty line alone is no message", eol, ""},
      {"half an empty line alone is no message", "\r", ""},
      {"a method of the standard set",
       "DELETE /x HTTP/1.1\r\n" + host + eol,
       "DELETE /x 1.1 [Host=h] none keep; end"},
      {"a method llhttp does not know",
       "BREW /pot HTTP/1.1\r\n" + host + eol,
       "BREW /pot 1.1 [Host=h] none keep; end"},
      {"a method that begins like another", "GETX / HTTP/1.1\r\n" + host + eol, "GETX / %end"},
      {"a method of one byte", "X / HTTP/1.1\r\n" + host + eol, "X / %end"},
      {"methods are case-sensitive: passed as they are",
       "get / HTTP/1.1\r\n" + host + eol,
       "get / %end"},
      {"every kind of token byte in a method",
       "a!#$%&'*+-.^_`|~9 / HTTP/1.1\r\n" + host + eol,
       "a!#$%"},
      {"a method RTSP shares", "DESCRIBE / HTTP/1.1\r\n" + host + eol, "DESCRIBE / %end"},
      {"TRACE is the upstream's to judge", "TRACE / HTTP/1.1\r\n" + host + eol, "TRACE / %end"},
      {"QUERY, newer than most parsers", "QUERY / HTTP/1.1\r\n" + host + eol, "QUERY / %end"},
      {"PRI with another version is just a method",
       "PRI / HTTP/1.1\r\n" + host + eol,
       "PRI / %end"},
      {"a query", "GET /a?b=c&d=%20 HTTP/1.1\r\n" + host + eol, "GET /a?b=c&d=%20 1.1%end"},
      {"question marks in a query", "GET /a?b?c?? HTTP/1.1\r\n" + host + eol, "GET /a?b?c?? 1.1%"},
      {"dot segments stay", "GET /a/../b/./c HTTP/1.1\r\n" + host + eol, "GET /a/../b/./c 1.1%end"},
      {"empty segments stay", "GET //a///b HTTP/1.1\r\n" + host + eol, "GET //a///b 1.1%end"},
      {"percent-encoding stays, odd ones too",
       "GET /%2e%2F%zz% HTTP/1.1\r\n" + host + eol,
       "GET /%2e%2F%zz% 1.1%end"},
      {"bytes RFC 3986 would have encoded",
       "GET /a\"b|c{d}^e`f\\g HTTP/1.1\r\n" + host + eol,
       "GET /a\"b|c{d}^e`f\\g 1.1%end"},
      {"UTF-8 unencoded in a path",
       "GET /\xc3\xa9 HTTP/1.1\r\n" + host + eol,
       "GET /\xc3\xa9 1.1%end"},
      {"a colon in a path", "GET /v1/models/a:b HTTP/1.1\r\n" + host + eol, "GET /v1/models/a:b %"},
      {"asterisk-form",
       "OPTIONS * HTTP/1.1\r\n" + host + eol,
       "OPTIONS * 1.1 [Host=h] none keep; end"},
      {"absolute-form, same authority",
       "GET http://h/x HTTP/1.1\r\n" + host + eol,
       "GET http://h/x 1.1 [Host=h] none keep; end"},
      {"absolute-form, other case", "GET HTTP://H/x HTTP/1.1\r\n" + host + eol, "GET HTTP://H/x %"},
      {"absolute-form, default port implied",
       "GET http://h:80/ HTTP/1.1\r\n" + host + eol,
       "GET http://h:80/ %end"},
      {"absolute-form, https and its port",
       "GET https://h/ HTTP/1.1\r\nHost: h:443\r\n\r\n",
       "GET https://h/ %end"},
      {"absolute-form without a path", "GET http://h HTTP/1.1\r\n" + host + eol, "GET http://h %"},
      {"absolute-form, query only", "GET http://h?q HTTP/1.1\r\n" + host + eol, "GET http://h?q %"},
      {"absolute-form in HTTP/1.0 needs no Host",
       "GET http://h/ HTTP/1.0\r\n\r\n",
       "GET http://h/ 1.0 [] none; end"},
      {"case and order of names stay, values are trimmed",
       get + "x-B:1\r\nX-a: \t 2 \t\r\nX-A:3\r\n" + eol,
       "GET / 1.1 [Host=h|x-B=1|X-a=2|X-A=3] none keep; end"},
      {"white space within a value stays", get + "A: b \t c\r\n" + eol, "% [Host=h|A=b \t c]%end"},
      {"an empty value", get + "A:\r\nB: \t \r\n" + eol, "% [Host=h|A=|B=]%end"},
      {"the same name often", get + "A: 1\r\na: 2\r\nA: 1\r\n" + eol, "% [Host=h|A=1|a=2|A=1]%"},
      {"every kind of token byte in a name",
       get + "a!#$&'*+-.^_`|~9Z: v\r\n" + eol,
       "% [Host=h|a!#$&'*+-.^_`|~9Z=v]%end"},
      {"a name of one byte", get + "A: v\r\n" + eol, "% [Host=h|A=v]%end"},
      {"a value with colons and commas", get + "A: b:c, d:e\r\n" + eol, "% [Host=h|A=b:c, d:e]%"},
      {"a value with quotes left open", get + "A: \"b\r\n" + eol, "% [Host=h|A=\"b]%end"},
      {"obs-text in a value (RFC 9110 5.5)", get + "A: \x80\xff\r\n" + eol, "%|A=\x80\xff]%end"},
      {"a name that begins like a known one",
       get + "Content-Lengthy: x\r\n" + eol,
       "% [Host=h|Content-Lengthy=x] none keep; end"},
      {"a known name cut short", get + "Content-Lengt: x\r\n" + eol, "% none keep; end"},
      {"a field no one may trust: underscore is not a hyphen",
       get + "Content_Length: 5\r\n" + eol,
       "% none keep; end"},
  });
}

TEST_CASE("h1 request: Host") {
  const std::string line = "GET / HTTP/1.1\r\n";
  check({
      {"with a port", line + "Host: h:8080\r\n\r\n", "% [Host=h:8080]%end"},
      {"with an empty port", line + "Host: h:\r\n\r\n", "% [Host=h:]%end"},
      {"an IPv4 address", line + "Host: 127.0.0.1:1\r\n\r\n", "%[Host=127.0.0.1:1]%end"},
      {"an IPv6 address", line + "Host: [::1]\r\n\r\n", "% [Host=[::1]]%end"},
      {"an IPv6 address with a port", line + "Host: [fe80::a.b]:65535\r\n\r\n", "%65535]%end"},
      {"any case of the name", line + "hOST: h\r\n\r\n", "% [hOST=h]%end"},
      {"white space around it", line + "Host: \t h \t\r\n\r\n", "% [Host=h]%end"},
      {"underscores and a last dot", line + "Host: a_b.c.\r\n\r\n", "% [Host=a_b.c.]%end"},
      {"none in HTTP/1.0", ten + eol, "GET / 1.0 [] none; end"},
      {"one in HTTP/1.0", ten + host + eol, "GET / 1.0 [Host=h] none; end"},
      {"not first", line + "A: b\r\nHost: h\r\n\r\n", "% [A=b|Host=h]%end"},
  });
}

TEST_CASE("h1 request: bodies of known length") {
  check({
      {"tabs around a length",
       "POST / HTTP/1.1\r\nHost:\th\t\r\nContent-Length:\t5\t \r\n\r\nhello",
       "POST / 1.1 [Host=h|Content-Length=5] length=5 keep; 'hello'; end"},
      {"tabs around a coding",
       "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\tchunked\t\r\n\r\n0\r\n\r\n",
       "POST / 1.1 [Host=h|Transfer-Encoding=chunked] chunked keep; end"},
      {"tabs around an expectation",
       "POST / HTTP/1.1\r\nHost: h\r\nExpect:\t100-continue\t\r\nContent-Length: 1\r\n\r\na",
       "% length=1 keep continue; 'a'; end"},
      {"tabs around options and protocols",
       "GET / HTTP/1.1\r\nHost: h\r\nConnection:\tx\t,\tupgrade\t\r\nUpgrade:\tx\t\r\n\r\n",
       "% none keep upgrade; end; end"},
      {"a body",
       post + "Content-Length: 5\r\n\r\nhello",
       "POST / 1.1 [Host=h|Content-Length=5] length=5 keep; 'hello'; end"},
      {"an empty body", post + "Content-Length: 0\r\n\r\n", "% length=0 keep; end"},
      {"no length is no body", post + eol, "POST / 1.1 [Host=h] none keep; end"},
      {"a body with GET", get + "Content-Length: 2\r\n\r\nab", "GET %length=2 keep; 'ab'; end"},
      {"leading zeros are digits", post + "Content-Length: 005\r\n\r\nhello", "%length=5%end"},
      {"any case of the name", post + "content-LENGTH: 1\r\n\r\na", "%length=1 keep; 'a'; end"},
      {"white space around the number", post + "Content-Length: \t1  \r\n\r\na", "%length=1%end"},
      {"the largest length, cut",
       post + "Content-Length: 9223372036854775807\r\n\r\na",
       "%length=9223372036854775807 keep; 'a'; !400 the connection ended inside a message"},
      {"any bytes in a body", post + "Content-Length: 5\r\n\r\n\r\n\x01\xff" + "\0"s, "%; end"},
      {"a body that looks like a request",
       post + "Content-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n",
       "%; 'GET / HTTP/1.1\r\n\r\n'; end"},
      {"cut in the body",
       post + "Content-Length: 5\r\n\r\nhell",
       "%'hell'; !400 the connection ended inside a message"},
      {"cut before the body",
       post + "Content-Length: 5\r\n\r\n",
       "%keep; !400 the connection ended%"},
      {"HTTP/1.0 with a length",
       "POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nab",
       "POST / 1.0 [Content-Length=2] length=2; 'ab'; end"},
  });
}

TEST_CASE("h1 request: chunked bodies") {
  const std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n";
  const std::string last = "0\r\n\r\n";
  check({
      {"one chunk",
       chunked + "5\r\nhello\r\n" + last,
       "POST / 1.1 [Host=h|Transfer-Encoding=chunked] chunked keep; 'hello'; end"},
      {"several chunks", chunked + "1\r\na\r\n2\r\nbc\r\n" + last, "%; 'abc'; end"},
      {"no chunk but the last", chunked + last, "%chunked keep; end"},
      {"hex digits of both cases",
       chunked + "a\r\n0123456789\r\nA\r\nabcdefghij\r\n" + last,
       "%'0123456789abcdefghij'; end"},
      {"two digits", chunked + "10\r\n0123456789abcdef\r\n" + last, "%'0123456789abcdef'; end"},
      {"leading zeros", chunked + "0005\r\nhello\r\n000\r\n\r\n", "%'hello'; end"},
      {"any bytes in a chunk", chunked + "4\r\n\r\n0\r\r\n" + last, "%'\r\n0\r'; end"},
      {"any case of the coding", post + "transfer-encoding: CHUNKED\r\n\r\n" + last, "%keep; end"},
      {"white space behind the coding",
       post + "Transfer-Encoding: chunked  \r\n\r\n" + last,
       "%[Host=h|Transfer-Encoding=chunked] chunked keep; end"},
      {"an extension", chunked + "5;a=b\r\nhello\r\n0;c\r\n\r\n", "%'hello'; end"},
      {"a quoted extension", chunked + "5;a=\"b;\\\"c\"\r\nhello\r\n" + last, "%'hello'; end"},
      {"several extensions", chunked + "1;a;b=c;d=\"e\"\r\nx\r\n" + last, "%'x'; end"},
      {"a trailer", chunked + "1\r\na\r\n0\r\nT: v\r\n\r\n", "%'a'; end [T=v]"},
      {"trailers, trimmed, in order", chunked + "0\r\nA:  1 \r\nb:2\r\n\r\n", "%end [A=1|b=2]"},
      {"an empty trailer", chunked + "0\r\nA:\r\n\r\n", "%end [A=]"},
      {"framing, routing and credentials in trailers are dropped",
       chunked + "0\r\nHost: x\r\nA: 1\r\nConnection: close\r\nAuthorization: y\r\nB: 2\r\n\r\n",
       "%keep; end [A=1|B=2]"},
      {"only trailers that are dropped", chunked + "0\r\nTrailer: a\r\n\r\n", "%keep; end"},
      {"cut in a chunk", chunked + "5\r\nhel", "%'hel'; !400 the connection ended%"},
      {"cut behind a chunk", chunked + "5\r\nhello", "%'hello'; !400 the connection ended%"},
      {"cut before the last chunk", chunked + "5\r\nhello\r\n", "%'hello'; !400 the connection%"},
      {"cut in the last chunk", chunked + "0\r\n", "%keep; !400 the connection ended%"},
      {"cut in a trailer", chunked + "0\r\nA: b\r\n", "%keep; !400 the connection ended%"},
  });
}

TEST_CASE("h1 request: one after the other") {
  const std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n";
  check({
      {"pipelined",
       get + eol + "HEAD /2 HTTP/1.1\r\n" + host + eol,
       "GET / %; end; HEAD /2 1.1 [Host=h] none keep; end"},
      {"behind a body", post + "Content-Length: 1\r\n\r\na" + get + eol, "%'a'; end; GET /%end"},
      {"behind a chunked body", chunked + chunked, "POST%'a'; end; POST%'a'; end"},
      {"an empty line between (old browsers)",
       post + "Content-Length: 1\r\n\r\na\r\n" + get + eol,
       "%'a'; end; GET /%end"},
      {"behind an upgrade declined",
       get + "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n",
       "%none keep upgrade; end; end"},
      {"the second is cut", get + eol + "GE", "%end; !400 the connection ended inside a message"},
      {"the second is bad", get + eol + "GET\r\n", "%end; !400 malformed method"},
  });
  http_test::TranscriptOptions declined;
  declined.take_upgrade = false;
  http_test::check_case({"an upgrade the upstream declines: HTTP goes on",
                         get + "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n" + get + eol,
                         "%none keep upgrade; end; GET / 1.1 [Host=h] none keep; end"},
                        declined);
}

TEST_CASE("h1 request: keep-alive, upgrade, expect") {
  const std::string websocket = "Upgrade: websocket\r\n";
  check({
      {"close", get + "Connection: close\r\n\r\n", "% none; end"},
      {"what follows close is not read",
       get + "Connection: close\r\n\r\n\r\nGARBAGE",
       "% none; end"},
      {"Close among others", get + "Connection: foo , CLOSE,\r\n\r\n", "% none; end"},
      {"close in a second field", get + "Connection: a\r\nConnection: close\r\n\r\n", "%none; end"},
      {"close wins over keep-alive", get + "Connection: keep-alive, close\r\n\r\n", "% none; end"},
      {"a name that only begins so", get + "Connection: closed\r\n\r\n", "% none keep; end"},
      {"keep-alive in HTTP/1.0", ten + "Connection: Keep-Alive\r\n\r\n", "% none keep; end"},
      {"keep-alive and close in HTTP/1.0",
       ten + "Connection: keep-alive\r\nConnection: close\r\n\r\n",
       "% none; end"},
      {"an upgrade, and bytes behind it",
       get + "Connection: Upgrade\r\n" + websocket + "\r\n\x81\x05",
       "% none keep upgrade; end; '\x81\x05'; end"},
      {"an upgrade among options",
       get + "Connection: keep-alive, Upgrade\r\n" + websocket + eol,
       "% none keep upgrade; end; end"},
      {"Upgrade that Connection does not name", get + websocket + eol, "% none keep; end"},
      {"Connection: upgrade without Upgrade",
       get + "Connection: upgrade\r\n\r\n",
       "%none keep; end"},
      {"an empty Upgrade", get + "Connection: upgrade\r\nUpgrade:\r\n\r\n", "%none keep; end"},
      {"an upgrade in HTTP/1.0 is ignored (RFC 9110 7.8)",
       ten + "Connection: upgrade, keep-alive\r\n" + websocket + eol,
       "% none keep; end"},
      {"h2c is not taken: it would tunnel HTTP past us",
       get + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
       "% none keep; end"},
      {"h2c hidden behind another",
       get + "Connection: upgrade\r\nUpgrade: websocket, H2C\r\n\r\n",
       "% none keep; end"},
      {"HTTP/2.0 and TLS are not taken",
       get + "Connection: upgrade\r\nUpgrade: TLS/1.0\r\n\r\n",
       "% none keep; end"},
      {"an upgrade with a body is not taken",
       post + "Connection: upgrade\r\n" + websocket + "Content-Length: 1\r\n\r\na",
       "%keep; 'a'; end"},
      {"an upgrade with an empty body",
       get + "Connection: upgrade\r\n" + websocket + "Content-Length: 0\r\n\r\n",
       "% length=0 keep upgrade; end; end"},
      {"Expect",
       post + "Expect: 100-continue\r\nContent-Length: 1\r\n\r\na",
       "% length=1 keep continue; 'a'; end"},
      {"Expect in any case",
       post + "expect: 100-Continue\r\nContent-Length: 1\r\n\r\na",
       "% continue;%"},
      {"Expect with chunks",
       post + "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       "% chunked keep continue; end"},
      {"Expect without a body", get + "Expect: 100-continue\r\n\r\n", "% none keep; end"},
      {"Expect in HTTP/1.0 is ignored (RFC 9110 10.1.1)",
       "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na",
       "%length=1; 'a'; end"},
      {"another expectation",
       post + "Expect: 200-ok\r\nContent-Length: 1\r\n\r\na",
       "%1 keep; 'a'%"},
  });
}

}  // namespace
