#include <string>
#include <utility>

#include "support/refused_messages.h"

namespace test {
namespace {

using namespace std::string_literals;

const std::string post = "POST / HTTP/1.1\r\nHost: h\r\n";

RefusedMessages chunks() {
  const std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n";
  const std::string tail = "\r\nhello\r\n0\r\n\r\n";
  return {
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
      {"a size with an underscore", chunked + "5_0" + tail, "%"},
      {"a size of full-width digits", chunked + "\xef\xbc\x95" + tail, "%"},
      {"a size with a fraction", chunked + "5.0" + tail, "%"},
      {"a size in quotes", chunked + "\"5\"" + tail, "%"},
      {"a NUL behind a size", chunked + "5\0"s + tail, "%"},
      {"a vertical tab behind a size", chunked + "5\v" + tail, "%"},
      {"a comma behind a size", chunked + "5,5" + tail, "%"},
      {"a line feed before a size", chunked + "\n5" + tail, "%"},
      {"a tab before an extension", chunked + "5\t;a" + tail, "%"},
      {"two semicolons", chunked + "5;;a" + tail, "%"},
      {"an extension's value without a name", chunked + "5;=b" + tail, "%"},
      {"a carriage return and no line feed in an extension", chunked + "5;a\rb" + tail, "%"},
      {"a line feed ends an extension without a name", chunked + "5;\nhello\r\n0\r\n\r\n", "%"},
      {"a DEL in an extension", chunked + "5;a=\x7f" + tail, "%"},
      {"a signed last size", chunked + "+0\r\n\r\n", "%"},
      {"a negative last size", chunked + "-0\r\n\r\n", "%"},
      {"a last size in hex", chunked + "0x0\r\n\r\n", "%"},
      {"a space behind the last size", chunked + "0 \r\n\r\n", "%"},
      {"a line feed behind the last size", chunked + "0\n\r\n", "%"},
      {"zeros without end for a last size",
       chunked + std::string(2000, '0') + "\r\n\r\n",
       "%too long"},
      {"a request in a size's place", chunked + "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "%"},
      {"no line end behind a chunk", chunked + "5\r\nhello0\r\n\r\n", "'hello'; !400 %"},
      {"a line feed behind a chunk", chunked + "5\r\nhello\n0\r\n\r\n", "'hello'; !400 %"},
      {"a chunk longer than its size", chunked + "4\r\nhello\r\n0\r\n\r\n", "'hell'; !400 %"},
      {"a chunk shorter than its size", chunked + "6\r\nhello\r\n0\r\n\r\n", "'hello\r'; !400 %"},
      {"a bad second size", chunked + "1\r\na\r\nx\r\n", "'a'; !400 %"},
      {"two other bytes behind a chunk (TWO.ONE)",
       chunked + "5\r\nhelloXX0\r\n\r\n",
       "'hello'; !400 %"},
      {"two line feeds behind a chunk", chunked + "5\r\nhello\n\n0\r\n\r\n", "'hello'; !400 %"},
      {"two carriage returns behind a chunk",
       chunked + "5\r\nhello\r\r0\r\n\r\n",
       "'hello'; !400 %"},
      {"a line feed and a carriage return behind a chunk",
       chunked + "5\r\nhello\n\r0\r\n\r\n",
       "'hello'; !400 %"},
      {"a carriage return alone behind a chunk",
       chunked + "5\r\nhello\r0\r\n\r\n",
       "'hello'; !400 %"},
      {"two line ends behind a chunk", chunked + "5\r\nhello\r\n\r\n0\r\n\r\n", "'hello'; !400 %"},
      {"a space behind a chunk", chunked + "5\r\nhello \r\n0\r\n\r\n", "'hello'; !400 %"},
  };
}

RefusedMessages trailers() {
  const std::string last = post + "Transfer-Encoding: chunked\r\n\r\n0\r\n";
  return {
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
      {"a carriage return ends one", last + "A: b\r\r\n", "%"},
      {"a name with a space", last + "A b: c\r\n\r\n", "%"},
      {"a tab before the name", last + "\tA: b\r\n\r\n", "%"},
      {"a DEL", last + "A: \x7f\r\n\r\n", "%"},
      {"bytes in place of their end", last + "X\r\n\r\n", "%"},
      {"a line feed and a carriage return end them", last + "\n\r\n", "%"},
  };
}

}  // namespace

RefusedMessages refused_request_bodies() {
  RefusedMessages all = chunks();
  for (RefusedMessage& message : trailers())
    all.push_back(std::move(message));
  return all;
}

}  // namespace test
