// Responses the parser accepts, and what it makes of them.
#include <doctest/doctest.h>

#include "h1_case.h"

namespace {

using namespace std::string_literals;
using http_test::answers;
using http_test::Case;
using http_test::TranscriptOptions;

const std::string eol = "\r\n";
const std::string ok = "HTTP/1.1 200 OK\r\n";
const std::string coding = "Transfer-Encoding: chunked\r\n";
const std::string none = "Content-Length: 0\r\n\r\n";

void check(const std::vector<Case>& cases, std::string_view method = "GET") {
  for (const Case& one : cases)
    http_test::check_case(one, answers(method));
}

TEST_CASE("h1 response: status lines") {
  check({
      {"nothing at all", "", ""},
      {"the usual", ok + none, "200 OK 1.1 [Content-Length=0] length=0 keep; end"},
      {"no reason phrase", "HTTP/1.1 200 \r\n" + none, "200  1.1 %; end"},
      {"no reason phrase and no space, common", "HTTP/1.1 200\r\n" + none, "200  1.1 %; end"},
      {"a reason of several words", "HTTP/1.1 404 Not  Found \r\n" + none, "404 Not  Found  1.1%"},
      {"a reason in UTF-8", "HTTP/1.1 200 \xc3\xa9\r\n" + none, "200 \xc3\xa9 1.1%"},
      {"a reason with a tab", "HTTP/1.1 200 a\tb\r\n" + none, "200 a\tb 1.1%"},
      {"a status nobody defined", "HTTP/1.1 299 X\r\n" + none, "299 X%end"},
      {"the largest status", "HTTP/1.1 599 X\r\n" + none, "599 X%end"},
      {"no status, read as a server's error", "HTTP/1.1 600 X\r\n" + none, "600 X%end"},
      {"the largest of those", "HTTP/1.1 999\r\n" + none, "999 %end"},
      {"a later minor version", "HTTP/1.2 200 OK\r\n" + none, "200 OK 1.1 % keep; end"},
      {"the last of them",
       "HTTP/1.9 200 OK\r\n" + coding + "\r\n0\r\n\r\n",
       "%1.1%chunked keep; end"},
      {"HTTP/1.0", "HTTP/1.0 200 OK\r\n" + none, "200 OK 1.0 [Content-Length=0] length=0; end"},
      {"fields in order",
       ok + "Set-Cookie: a\r\nset-cookie: b\r\n" + none,
       "% [Set-Cookie=a|set-cookie=b|Content-Length=0]%"},
      {"values trimmed", ok + "A: \t b \t\r\n" + none, "% [A=b|Content-Length=0]%"},
      {"fields of the API",
       ok + "x-ratelimit-reset-tokens: 6m0s\r\nopenai-version:2020-10-01\r\n" + none,
       "% [x-ratelimit-reset-tokens=6m0s|openai-version=2020-10-01|Content-Length=0]%"},
  });
}

TEST_CASE("h1 response: bodies") {
  check({
      {"of known length", ok + "Content-Length: 5\r\n\r\nhello", "% length=5 keep; 'hello'; end"},
      {"cut short", ok + "Content-Length: 5\r\n\r\nhell", "%'hell'; !400 the connection ended%"},
      {"cut before it began",
       ok + "Content-Length: 5\r\n\r\n",
       "%keep; !400 the connection ended%"},
      {"chunked", ok + coding + "\r\n5\r\nhello\r\n0\r\n\r\n", "% chunked keep; 'hello'; end"},
      {"chunked, several", ok + coding + "\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n", "%; 'ab'; end"},
      {"chunked with trailers", ok + coding + "\r\n0\r\nA: b\r\n\r\n", "%keep; end [A=b]"},
      {"chunked, framing fields in trailers dropped",
       ok + coding + "\r\n0\r\n" + "Connection: close\r\nA: b\r\n\r\n",
       "%keep; end [A=b]"},
      {"chunked, a coding in trailers dropped",
       ok + coding + "\r\n0\r\n" + coding + eol,
       "%keep; end"},
      {"a tab behind a length",
       ok + "Content-Length: 5\t\r\n\r\nhello",
       "%length=5 keep; 'hello'; end"},
      {"tabs around a length",
       ok + "Content-Length:\t5 \t\r\n\r\nhello",
       "%length=5 keep; 'hello'; end"},
      {"tabs around a coding",
       ok + "Transfer-Encoding:\t chunked\t\r\n\r\n0\r\n\r\n",
       "% [Transfer-Encoding=chunked] chunked keep; end"},
      {"tabs in a list of options",
       ok + "Connection:\tx\t,\tclose\t\r\n" + none,
       "% length=0; end"},
      {"the same length twice",
       ok + "Content-Length: 5\r\ncontent-length: 5\r\n\r\nhello",
       "%length=5 keep; 'hello'; end"},
      {"the same length in a list",
       ok + "Content-Length: 5, 5\t,5\r\n\r\nhello",
       "%length=5 keep; 'hello'; end"},
      {"the same length, written otherwise",
       ok + "Content-Length: 5, 05\r\n\r\nhello",
       "%length=5 keep; 'hello'; end"},
      {"chunked, cut in a chunk",
       ok + coding + "\r\n5\r\nhel",
       "%'hel'; !400 the connection ended%"},
      {"chunked, cut before the last chunk",
       ok + coding + "\r\n5\r\nhello\r\n",
       "%; !400 the conn%"},
      {"chunked, cut before the last line",
       ok + coding + "\r\n5\r\nhello\r\n0\r\n",
       "%; !400 the%"},
      {"up to the connection's end", ok + "\r\nhello", "200 OK 1.1 [] until_close; 'hello'; end"},
      {"empty up to the connection's end", ok + eol, "200 OK 1.1 [] until_close; end"},
      {"up to the end, though keep-alive is claimed",
       ok + "Connection: keep-alive\r\n\r\nhi",
       "% until_close; 'hi'; end"},
      {"up to the end looks like a response",
       ok + eol + ok + eol,
       "% until_close; 'HTTP/1.1 200 OK\r\n\r\n'; end"},
      {"up to the end in HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nhi", "% until_close; 'hi'; end"},
      {"NULs in a body", ok + "Content-Length: 2\r\n\r\n\0\0"s, "%; '\0\0'; end"s},
      {"an error with a body",
       "HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno",
       "500 No %'no'; end"},
      {"a redirect with a body",
       "HTTP/1.1 302 F\r\nLocation: /\r\nContent-Length: 1\r\n\r\na",
       "302 F %'a'; end"},
      {"205 is framed as any other", "HTTP/1.1 205 R\r\n" + none, "205 R %length=0 keep; end"},
  });
}

TEST_CASE("h1 response: no body, whatever the fields say") {
  check({
      {"204", "HTTP/1.1 204 N\r\n\r\n", "204 N 1.1 [] none keep; end"},
      {"204 with a length of 0, common", "HTTP/1.1 204 N\r\n" + none, "204 N % none keep; end"},
      {"304", "HTTP/1.1 304 N\r\n\r\n", "304 N 1.1 [] none keep; end"},
      {"304 with the length it would have had",
       "HTTP/1.1 304 N\r\nContent-Length: 5\r\n\r\n",
       "304 N 1.1 [Content-Length=5] none keep; end"},
      {"304 with the coding it would have had",
       "HTTP/1.1 304 N\r\n" + coding + eol,
       "304 N % none keep; end"},
      {"304 with a length twice",
       "HTTP/1.1 304 N\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
       "304 N % none keep; end"},
      // What is behind it is nobody's response: the connection ends.
      {"204 with a length", "HTTP/1.1 204 N\r\nContent-Length: 5\r\n\r\n", "204 N % none; end"},
      {"204 with a coding", "HTTP/1.1 204 N\r\n" + coding + eol, "204 N % none; end"},
      {"204 with a length that is none",
       "HTTP/1.1 204 N\r\nContent-Length: x\r\n\r\n",
       "204 N % none; end"},
      {"304 with length and coding",
       "HTTP/1.1 304 N\r\nContent-Length: 5\r\n" + coding + eol,
       "304 N % none; end"},
      {"304 with two lengths",
       "HTTP/1.1 304 N\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
       "304 N % none; end"},
      {"103 with a coding", "HTTP/1.1 103 E\r\n" + coding + eol + ok + none, "103 E % none; end"},
      {"102 with a length",
       "HTTP/1.1 102 P\r\nContent-Length: 5\r\n\r\n" + ok + none,
       "102 P % none; end"},
      {"101 with a length",
       "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 5\r\n\r\nab",
       "101 S % tunnel%; 'ab'; end"},
      {"204, then another response", "HTTP/1.1 204 N\r\n\r\n" + ok + none, "204%end; 200%end"},
  });
  check(
      {
          {"to HEAD, with a length",
           ok + "Content-Length: 5\r\n\r\n",
           "200 OK 1.1 [Content-Length=5] none keep; end"},
          {"to HEAD, chunked", ok + coding + eol, "% none keep; end"},
          {"to HEAD, with neither", ok + eol, "200 OK 1.1 [] none keep; end"},
          {"to HEAD, an error",
           "HTTP/1.1 404 N\r\nContent-Length: 9\r\n\r\n",
           "404 N%none keep; end"},
          {"to HEAD, bytes behind it are another response",
           ok + "Content-Length: 5\r\n\r\nhello",
           "%none keep; end; !400 not HTTP"},
      },
      "HEAD");
  check({{"the method is case-sensitive",
          ok + "Content-Length: 1\r\n\r\na",
          "%length=1 keep; 'a'; end"}},
        "head");
}

TEST_CASE("h1 response: interim responses") {
  const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  check({
      {"100, then the final one",
       go_on + ok + none,
       "100 Continue 1.1 [] none keep; end; 200 OK %end"},
      {"103 with fields",
       "HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n" + ok + none,
       "103 Early 1.1 [Link=</a>] none keep; end; 200%end"},
      {"102", "HTTP/1.1 102 P\r\n\r\n" + ok + none, "102 P%end; 200%end"},
      {"several", go_on + go_on + ok + "Content-Length: 1\r\n\r\na", "100%100%200%'a'; end"},
      {"100 with a length of 0", "HTTP/1.1 100 C\r\n" + none, "100 C % none keep; end"},
      {"100, then nothing", go_on, "100%end"},
      {"100, then cut", go_on + "HTTP/1", "100%end; !400 the connection ended%"},
  });
  check({{"to HEAD", go_on + ok + "Content-Length: 5\r\n\r\n", "100%end; 200% none keep; end"}},
        "HEAD");
}

TEST_CASE("h1 response: keep-alive") {
  check({
      {"close", ok + "Connection: close\r\n" + none, "% length=0; end"},
      {"close among others", ok + "Connection: a, Close\r\n" + none, "% length=0; end"},
      {"keep-alive",
       ok + "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n" + none,
       "%0 keep; end"},
      {"HTTP/1.0 keep-alive",
       "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + none,
       "%0 keep; end"},
      {"what follows close is not read",
       ok + "Connection: close\r\n" + none + ok,
       "% length=0; end"},
      {"what follows otherwise is", ok + none + ok + none, "200%end; 200%end"},
      {"bytes between two responses", ok + none + "X" + ok, "200%end; !400 not HTTP"},
      {"a line break between two responses", ok + none + eol + ok, "200%end; !400 not HTTP"},
      {"a body longer than its length",
       ok + "Content-Length: 1\r\n\r\nab",
       "%'a'; end; !400 not HTTP"},
  });
}

TEST_CASE("h1 response: switching protocols") {
  const std::string switching =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  check({
      {"101", switching, "101 Switching Protocols 1.1 % tunnel upgrade; end"},
      {"101 with bytes behind it",
       switching + "\x81\x01X",
       "101 % tunnel upgrade; '\x81\x01X'; end"},
      {"101 with what looks like HTTP behind it",
       switching + ok + eol,
       "101 % tunnel upgrade; 'HTTP/1.1 200 OK\r\n\r\n'; end"},
      {"100, then 101",
       "HTTP/1.1 100 C\r\n\r\n" + switching + "ab",
       "100%end; 101%tunnel%'ab'; end"},
      {"declined",
       "HTTP/1.1 200 OK\r\nUpgrade: websocket\r\nConnection: upgrade\r\n" + none,
       "200 % length=0 keep; end"},
      {"426 names what it would take",
       "HTTP/1.1 426 U\r\nUpgrade: websocket\r\nConnection: upgrade\r\n" + none,
       "426%keep; end"},
  });
  TranscriptOptions unasked = answers("GET");
  unasked.take_upgrade = false;
  http_test::check_case({"101 that was not asked for gives no byte",
                         switching + "ab",
                         "101 % tunnel upgrade; !400 101 that was not asked for"},
                        unasked);
}

}  // namespace
