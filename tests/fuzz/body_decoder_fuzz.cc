// Content codings: whatever comes is decoded the same however it is cut, within its limits; and
// what was encoded comes back. The first byte says which coding and which of the two.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "openai/body_decoder.h"
#include "support/encoded.h"

namespace {

using openai::BodyDecoder;
using openai::Coding;

void require(bool holds) {
  if (!holds) std::abort();
}

constexpr openai::DecodeLimits limits{
    .bytes_max = 1 << 20, .ratio_max = 100, .ratio_free_bytes = 1 << 16};

struct Decoded {
  std::string text;
  BodyDecoder::State state;
  bool may_end;
};

Decoded decoded(Coding coding, std::string_view bytes, size_t longest) {
  std::minstd_rand random(static_cast<uint32_t>(bytes.size()));
  BodyDecoder decoder(coding, limits);
  std::string text;
  while (!bytes.empty()) {
    const size_t size = std::min<size_t>(bytes.size(), 1 + random() % longest);
    const std::vector<char> piece(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
    bytes.remove_prefix(size);
    base::Bytes input = base::as_bytes({piece.data(), piece.size()});
    for (base::Bytes out; !(out = decoder.next(input)).empty();)
      text.append(base::as_text(out));
    require(input.empty());
  }
  require(text.size() <= limits.bytes_max);
  return {text, decoder.state(), decoder.may_end()};
}

// Where a body is refused, how much of it came before that depends on how it was cut.
void check_cuts(Coding coding, std::string_view bytes) {
  const Decoded whole = decoded(coding, bytes, size_t{1} << 30);
  const bool is_refused = whole.state == BodyDecoder::State::too_large;
  for (const size_t longest : {size_t{1}, size_t{7}, size_t{100}}) {
    const Decoded cut = decoded(coding, bytes, longest);
    if (is_refused || cut.state == BodyDecoder::State::too_large) continue;
    require(cut.state == whole.state && cut.may_end == whole.may_end);
    const size_t common = std::min(cut.text.size(), whole.text.size());
    require(cut.text.compare(0, common, whole.text, 0, common) == 0);
    if (whole.state != BodyDecoder::State::malformed) require(cut.text == whole.text);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr Coding codings[] = {Coding::identity,
                                Coding::gzip,
                                Coding::deflate,
                                Coding::zstd,
                                Coding::br,
                                Coding::unsupported};
  const Coding coding = codings[data[0] % std::size(codings)];
  check_cuts(coding, bytes);
  if (data[0] < 128 || coding == Coding::unsupported) return 0;
  const auto wrapping = data[0] < 192 ? support::Deflate::zlib : support::Deflate::bare;
  const std::string body = support::encoded(coding, bytes, wrapping);
  for (const size_t longest : {size_t{1}, size_t{64}, size_t{1} << 30}) {
    const Decoded back = decoded(coding, body, longest);
    if (back.state == BodyDecoder::State::too_large) continue;  // a body of one letter
    require(back.text == bytes && back.may_end);
  }
  return 0;
}
