// Content codings undone on the side, and bombs that are not.
#include "openai/body_decoder.h"

#include <random>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "base/heap.h"
#include "support/encoded.h"

namespace {

using openai::BodyDecoder;
using openai::Coding;
using openai::DecodeLimits;
using State = BodyDecoder::State;

std::string decoded(BodyDecoder& decoder, std::string_view bytes, size_t longest = 1000) {
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += longest) {
    base::Bytes input = base::as_bytes(bytes.substr(at, longest));
    for (base::Bytes piece; !(piece = decoder.next(input)).empty();) {
      if (piece.size() > 16 * 1024) FAIL("a piece that is too large");
      text.append(base::as_text(piece));
    }
    CHECK(input.empty());
  }
  return text;
}

std::string prose(size_t size) {
  std::minstd_rand random(1);
  std::string text;
  while (text.size() < size)
    text += "{\"word\":\"" + std::to_string(random() % 1000) + "\"},";
  return text;
}

constexpr Coding codings[] = {
    Coding::identity, Coding::gzip, Coding::deflate, Coding::zstd, Coding::br};

}  // namespace

TEST_CASE("codings by their names") {
  CHECK(openai::coding_of("") == Coding::identity);
  CHECK(openai::coding_of("identity") == Coding::identity);
  CHECK(openai::coding_of(" GZip ") == Coding::gzip);
  CHECK(openai::coding_of("x-gzip") == Coding::gzip);
  CHECK(openai::coding_of("deflate") == Coding::deflate);
  CHECK(openai::coding_of("br") == Coding::br);
  CHECK(openai::coding_of("zstd") == Coding::zstd);
  CHECK(openai::coding_of("gzip, br") == Coding::unsupported);
  CHECK(openai::coding_of("compress") == Coding::unsupported);
  CHECK(openai::to_text(Coding::br) == "br");
  CHECK(openai::to_text(Coding::unsupported) == "unsupported");
}

TEST_CASE("what was encoded comes back, however it is cut") {
  for (const std::string& text : {std::string(), std::string("x"), prose(300'000)}) {
    for (const Coding coding : codings) {
      for (const auto wrapping : {support::Deflate::zlib, support::Deflate::bare}) {
        const std::string body = support::encoded(coding, text, wrapping);
        CAPTURE(openai::to_text(coding));
        for (const size_t longest : {size_t{1}, size_t{7}, size_t{4096}, size_t{16 * 1024}}) {
          BodyDecoder decoder(coding);
          CHECK(decoded(decoder, body, longest) == text);
          CHECK(decoder.state() == State::decoding);
          CHECK(decoder.may_end());
          CHECK(decoder.decoded_bytes() == text.size());
        }
      }
    }
  }
}

TEST_CASE("a body that is cut short is not complete") {
  const std::string text = prose(10'000);
  for (const Coding coding : {Coding::gzip, Coding::deflate, Coding::zstd, Coding::br}) {
    const std::string body = support::encoded(coding, text);
    BodyDecoder decoder(coding);
    const std::string begin = decoded(decoder, std::string_view(body).substr(0, body.size() - 3));
    CHECK(text.starts_with(begin));
    CHECK_FALSE(decoder.may_end());
  }
}

TEST_CASE(
    "gzip members and zstd frames follow one another; anything else behind the end is ignored") {
  for (const Coding coding : {Coding::gzip, Coding::zstd}) {
    const std::string twice = support::encoded(coding, "one") + support::encoded(coding, "two");
    BodyDecoder decoder(coding);
    CHECK(decoded(decoder, twice) == "onetwo");
    CHECK(decoder.may_end());
  }
  for (const Coding coding : {Coding::gzip, Coding::deflate, Coding::zstd, Coding::br}) {
    CAPTURE(openai::to_text(coding));
    BodyDecoder decoder(coding);
    CHECK(decoded(decoder, support::encoded(coding, "one") + std::string(20, 'x')) == "one");
    CHECK(decoder.state() == State::complete);
    CHECK(decoder.may_end());
  }
}

TEST_CASE("what is no such coding is malformed, and what is unknown unsupported") {
  for (const Coding coding : {Coding::gzip, Coding::zstd, Coding::br, Coding::deflate}) {
    BodyDecoder decoder(coding);
    (void)decoded(decoder, "\x7fno such thing, whichever way one looks at it");
    CHECK(decoder.state() == State::malformed);
    CHECK(decoded(decoder, "more").empty());
    CHECK_FALSE(decoder.may_end());
  }
  BodyDecoder decoder(Coding::unsupported);
  CHECK(decoded(decoder, "x").empty());
  CHECK(decoder.state() == State::unsupported);
}

TEST_CASE("bombs stop at their bounds") {
  const std::string zeros(20'000'000, '\0');
  for (const Coding coding : {Coding::gzip, Coding::deflate, Coding::zstd, Coding::br}) {
    CAPTURE(openai::to_text(coding));
    const std::string bomb = support::encoded(coding, zeros);
    BodyDecoder by_ratio(coding);
    CHECK(decoded(by_ratio, bomb).size() <= size_t{1} << 23);
    CHECK(by_ratio.state() == State::too_large);
    BodyDecoder by_size(coding, {.bytes_max = 100'000, .ratio_max = 1'000'000});
    CHECK(decoded(by_size, bomb).size() <= 100'000);
    CHECK(by_size.state() == State::too_large);
  }
  BodyDecoder plain(Coding::identity, {.bytes_max = 10});
  CHECK(decoded(plain, "0123456789", 3) == "0123456789");
  CHECK(plain.state() == State::decoding);
  CHECK(decoded(plain, "x").empty());
  CHECK(plain.state() == State::too_large);
}

TEST_CASE("a zstd window beyond 8 MiB is refused before memory is taken for it") {
  BodyDecoder fits(Coding::zstd);
  CHECK(decoded(fits, support::zstd_with_window("text", 23)) == "text");
  BodyDecoder decoder(Coding::zstd);
  CHECK(decoded(decoder, support::zstd_with_window("text", 24)).empty());
  CHECK(decoder.state() == State::malformed);
}

TEST_CASE("memory is taken with the first byte, counted and given back") {
  const std::string body = support::zstd_with_window(prose(100'000), 23);
  const uint64_t before = base::heap_bytes();
  {
    BodyDecoder decoder(Coding::zstd);
    CHECK(base::heap_bytes() == before);
    (void)decoded(decoder, std::string_view(body).substr(0, body.size() - 10));
    const uint64_t taken = base::heap_bytes() - before;
    CHECK(taken > (8U << 20));
    CHECK(taken < (9U << 20));
  }
  CHECK(base::heap_bytes() < before + (1U << 20));
}
