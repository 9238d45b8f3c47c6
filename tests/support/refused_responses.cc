#include <string>
#include <utility>

#include "support/refused_messages.h"

namespace test {
namespace {

using namespace std::string_literals;

const std::string eol = "\r\n";
const std::string ok = "HTTP/1.1 200 OK\r\n";
const std::string coding = "Transfer-Encoding: chunked\r\n";
const std::string length = "Content-Length: 5\r\n";

RefusedMessages status_lines() {
  return {
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
      {"HTTP/1", "HTTP/1 200 OK\r\n\r\n", "%"},
      {"HTTP/1.10", "HTTP/1.10 200 OK\r\n\r\n", "%"},
      {"HTTP/1.20", "HTTP/1.20 200 OK\r\n\r\n", "%"},
      {"HTTP/1.", "HTTP/1. 200 OK\r\n\r\n", "%"},
      {"HTTP/1.x", "HTTP/1.x 200 OK\r\n\r\n", "%"},
      {"no space behind the version", "HTTP/1.1200 OK\r\n\r\n", "%"},
      {"two spaces behind the version", "HTTP/1.1  200 OK\r\n\r\n", "%"},
      {"a tab behind the version", "HTTP/1.1\t200 OK\r\n\r\n", "%"},
      {"a status of two digits", "HTTP/1.1 20 OK\r\n\r\n", "%"},
      {"a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", "%"},
      {"a status of letters", "HTTP/1.1 2xx OK\r\n\r\n", "%"},
      {"a signed status", "HTTP/1.1 -20 OK\r\n\r\n", "%"},
      {"status 000", "HTTP/1.1 000 X\r\n\r\n", "status out of range"},
      {"status 099", "HTTP/1.1 099 X\r\n\r\n", "status out of range"},
      {"no status", "HTTP/1.1 OK\r\n\r\n", "%"},
      {"a reason without a space", "HTTP/1.1 200OK\r\n\r\n", "%"},
      {"a NUL in the reason", "HTTP/1.1 200 a\0b\r\n\r\n"s, "control byte in the reason phrase"},
      {"an escape in the reason", "HTTP/1.1 200 \x1b[0m\r\n\r\n", "control byte in the reason%"},
      {"a carriage return in the reason", "HTTP/1.1 200 a\rb\r\n\r\n", "%"},
      {"a line feed ends the line", "HTTP/1.1 200 OK\nA: b\r\n\r\n", "%"},
      {"a line feed behind the status", "HTTP/1.1 200\nA: b\r\n\r\n", "%"},
      {"a signed positive status", "HTTP/1.1 +200 OK\r\n\r\n", "%"},
      {"a status with a leading zero", "HTTP/1.1 0200 OK\r\n\r\n", "%"},
      {"a status in hex", "HTTP/1.1 0xC8 OK\r\n\r\n", "%"},
      {"a status in two parts", "HTTP/1.1 2 00 OK\r\n\r\n", "%"},
      {"a status with a fraction", "HTTP/1.1 200.1 OK\r\n\r\n", "%"},
      {"a semicolon behind the status", "HTTP/1.1 200; OK\r\n\r\n", "%"},
      {"a NUL behind the status", "HTTP/1.1 200\0 OK\r\n\r\n"s, "%"},
      {"a tab behind the status", "HTTP/1.1 200\tOK\r\n\r\n", "%"},
      {"a carriage return behind the status", "HTTP/1.1 200\rOK\r\n\r\n", "%"},
      {"two carriage returns end the line, and a field is hidden behind them",
       "HTTP/1.1 200 OK\r\rContent-Length: 5\r\n\r\n",
       "a bare CR in the start line"},
      {"two carriage returns end a line that has no reason",
       "HTTP/1.1 200\r\rTransfer-Encoding: chunked\r\n\r\n",
       "a bare CR in the start line"},
      {"a DEL in the reason", "HTTP/1.1 200 a\x7f\r\n\r\n", "control byte in the reason phrase"},
      {"two carriage returns end the line", "HTTP/1.1 200 OK\r\r\n\r\n", "%"},
      {"a space within the protocol", "HTTP /1.1 200 OK\r\n\r\n", "not HTTP"},
      {"three parts of a version", "HTTP/1.1.1 200 OK\r\n\r\n", "%"},
      {"a version of two digits", "HTTP/11.1 200 OK\r\n\r\n", "%"},
      {"a version with a sign", "HTTP/+1.1 200 OK\r\n\r\n", "%"},
      {"status 1", "HTTP/1.1 1\r\n\r\n", "%"},
      {"HTTP/2", "HTTP/2.0 200 OK\r\n\r\n", "!505 HTTP/2%"},
      {"HTTP/3", "HTTP/3.0 200 OK\r\n\r\n", "%version"},
  };
}

RefusedMessages fields() {
  return {
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
      {"a tab before the colon", ok + "A\t: b\r\n\r\n", "%"},
      {"a space before a length's colon", ok + "Content-Length : 5\r\n\r\nhello", "%"},
      {"a name with a space", ok + "A b: c\r\n\r\n", "%"},
      {"a name with an eighth bit", ok + "\xc3\xa9: b\r\n\r\n", "%"},
      {"an escape in a value", ok + "A: \x1b[0m\r\n\r\n", "%"},
      {"a DEL in a value", ok + "A: \x7f\r\n\r\n", "%"},
      {"a length folded", ok + "Content-Length: 5\r\n 0\r\n\r\nhello", "%"},
      {"a second head behind a bare line feed",
       ok + "A: b\n\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
       "%"},
      {"a cookie behind a carriage return", ok + "Location: /\rSet-Cookie: a=b\r\n\r\n", "%"},
      {"a body behind a bare line feed", ok + "A: b\n\n<script>", "%"},
  };
}

RefusedMessages framings() {
  return {
      {"length, then coding", ok + length + coding + "\r\n0\r\n\r\n", "%"},
      {"coding, then length", ok + coding + length + "\r\n0\r\n\r\n", "%"},
      {"two lengths", ok + length + "Content-Length: 6\r\n\r\nhello", "%"},
      {"a list of two lengths", ok + "Content-Length: 5, 6\r\n\r\nhello", "several lengths%"},
      {"two like, then another", ok + length + length + "Content-Length: 6\r\n\r\nhello!", "%"},
      {"another, then two like", ok + "Content-Length: 6\r\n" + length + length + eol, "%"},
      {"a list that ends with a comma", ok + "Content-Length: 5,\r\n\r\nhello", "%"},
      {"a list that begins with one", ok + "Content-Length: ,5\r\n\r\nhello", "%"},
      {"a list with nothing within", ok + "Content-Length: 5,,5\r\n\r\nhello", "%"},
      {"alike as numbers alone", ok + length + "Content-Length: 5x\r\n\r\nhello", "%"},
      {"a length, then an empty one", ok + length + "Content-Length:\r\n\r\nhello", "%"},
      {"two like with a coding", ok + length + length + coding + "\r\n0\r\n\r\n", "both%"},
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
      {"a coding in HTTP/1.0",
       "HTTP/1.0 200 OK\r\n" + coding + "\r\n0\r\n\r\n",
       "Transfer-Encoding in HTTP/1.0"},
      {"101 that names no protocol",
       "HTTP/1.1 101 S\r\nConnection: upgrade\r\n\r\n",
       "101 without Upgrade"},
      {"101 without Connection",
       "HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n",
       "101 without Upgrade"},
      {"a signed length", ok + "Content-Length: +5\r\n\r\nhello", "%"},
      {"a hex length", ok + "Content-Length: 0x5\r\n\r\nhello", "%"},
      {"a length with a space within", ok + "Content-Length: 1 0\r\n\r\nhello", "%"},
      {"a length in quotes", ok + "Content-Length: \"5\"\r\n\r\nhello", "%"},
      {"a length with a semicolon", ok + "Content-Length: 5;\r\n\r\nhello", "%"},
      {"a length of a hundred digits",
       ok + "Content-Length: " + std::string(100, '1') + "\r\n\r\n",
       "%"},
      {"an empty length, then one", ok + "Content-Length:\r\n" + length + "\r\nhello", "%"},
      {"chunked, gzip", ok + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", "%"},
      {"identity, chunked", ok + "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n", "%"},
      {"a prefix", ok + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "%"},
      {"a suffix", ok + "Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n", "%"},
      {"a coding in quotes", ok + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", "%"},
      {"an empty coding", ok + "Transfer-Encoding:\r\n\r\nhello", "%"},
      {"a space before a coding's colon", ok + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "%"},
      {"a length of 0 with a coding", ok + "Content-Length: 0\r\n" + coding + "\r\n0\r\n\r\n", "%"},
      {"a coding with a length in HTTP/1.0",
       "HTTP/1.0 200 OK\r\n" + coding + length + "\r\nhello",
       "%"},
  };
}

RefusedMessages chunks() {
  return {
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
      {"0x before a size", ok + coding + "\r\n0x5\r\nhello\r\n0\r\n\r\n", "%"},
      {"a signed size", ok + coding + "\r\n+5\r\nhello\r\n0\r\n\r\n", "%"},
      {"a negative size", ok + coding + "\r\n-5\r\nhello\r\n0\r\n\r\n", "%"},
      {"a space before a size", ok + coding + "\r\n 5\r\nhello\r\n0\r\n\r\n", "%"},
      {"a tab behind a size", ok + coding + "\r\n5\t\r\nhello\r\n0\r\n\r\n", "%"},
      {"a carriage return behind a size", ok + coding + "\r\n5\rhello\r\n0\r\n\r\n", "%"},
      {"an extension without a name", ok + coding + "\r\n5;\r\nhello\r\n0\r\n\r\n", "%"},
      {"a line feed in an extension", ok + coding + "\r\n5;a\nhello\r\n0\r\n\r\n", "%"},
      {"quotes left open", ok + coding + "\r\n5;a=\"b\r\nhello\r\n0\r\n\r\n", "%"},
      {"zeros without end", ok + coding + eol + std::string(2000, '0') + "5\r\nhello", "%too long"},
      {"no line end behind a chunk", ok + coding + "\r\n5\r\nhello0\r\n\r\n", "'hello'; !400 %"},
      {"a line feed behind a chunk", ok + coding + "\r\n5\r\nhello\n0\r\n\r\n", "'hello'; !400 %"},
      {"two other bytes behind a chunk",
       ok + coding + "\r\n5\r\nhelloXX0\r\n\r\n",
       "'hello'; !400 %"},
      {"a chunk longer than its size",
       ok + coding + "\r\n4\r\nhello\r\n0\r\n\r\n",
       "'hell'; !400 %"},
      {"one trailer is folded", ok + coding + "\r\n0\r\nA: b\r\n c\r\n\r\n", "%"},
      {"a trailer without a colon", ok + coding + "\r\n0\r\nA\r\n\r\n", "%"},
      {"a trailer with a NUL", ok + coding + "\r\n0\r\nA: \0\r\n\r\n"s, "%"},
      {"a space before a trailer's colon", ok + coding + "\r\n0\r\nA : b\r\n\r\n", "%"},
  };
}

}  // namespace

RefusedMessages refused_response_heads() {
  RefusedMessages all;
  for (const auto& group : {status_lines(), fields(), framings()})
    all.insert(all.end(), group.begin(), group.end());
  return all;
}

RefusedMessages refused_response_bodies() {
  return chunks();
}

}  // namespace test
