#include "openai/body_decoder.h"

#include <algorithm>
#include <array>
#include <brotli/decode.h>
#include <limits>
#include <span>
#include <zlib.h>
#include <zstd.h>

#include "base/ascii.h"
#include "base/heap.h"

namespace openai {
namespace {

constexpr size_t piece_bytes_max = 16 * 1024;
// RFC 9659: what a zstd body may ask of who decodes it.
constexpr int zstd_window_log_max = 23;
constexpr int zlib_window_bits = 15;
constexpr int zlib_gzip_alone = 16;

enum class Progress : uint8_t { more, end, malformed };

struct CodingName {
  std::string_view name;
  Coding coding;
};
constexpr CodingName coding_names[] = {
    {"identity", Coding::identity},
    {"gzip", Coding::gzip},
    {"deflate", Coding::deflate},
    {"zstd", Coding::zstd},
    {"br", Coding::br},
    {"x-gzip", Coding::gzip},  // RFC 9110, 8.4.1.3
};

// What the libraries take is counted as ours is: the limit of memory knows of it.
void* take(void* /*ours*/, size_t size) {
  return base::heap_calloc(1, size);
}
void* take_items(void* /*ours*/, uInt count, uInt size) {
  return base::heap_calloc(count, size);
}
void give_back(void* /*ours*/, void* memory) {
  base::heap_free(memory);
}

const uint8_t* bytes_of(base::Bytes bytes) {
  return reinterpret_cast<const uint8_t*>(bytes.data());
}

}  // namespace

Coding coding_of(std::string_view content_encoding) {
  while (content_encoding.starts_with(' ') || content_encoding.starts_with('\t'))
    content_encoding.remove_prefix(1);
  while (content_encoding.ends_with(' ') || content_encoding.ends_with('\t'))
    content_encoding.remove_suffix(1);
  if (content_encoding.empty()) return Coding::identity;
  const auto is_it = [&](const CodingName& known) {
    return std::equal(known.name.begin(),
                      known.name.end(),
                      content_encoding.begin(),
                      content_encoding.end(),
                      [](char a, char b) { return a == base::to_lower(b); });
  };
  const auto* found = std::find_if(std::begin(coding_names), std::end(coding_names), is_it);
  return found == std::end(coding_names) ? Coding::unsupported : found->coding;
}

std::string_view to_text(Coding coding) {
  const auto* found = std::find_if(std::begin(coding_names),
                                   std::end(coding_names),
                                   [&](const CodingName& known) { return known.coding == coding; });
  return found == std::end(coding_names) ? "unsupported" : found->name;
}

// The stream of one of the libraries.
struct BodyDecoder::Engine {
  explicit Engine(Coding coding_to_undo);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  Engine(Engine&&) = delete;
  Engine& operator=(Engine&&) = delete;

  // Reads `input` and writes `output` as far as both reach, and shortens them.
  Progress decode(base::Bytes& input, std::span<std::byte>& output);
  Progress inflate_some(base::Bytes& input, std::span<std::byte>& output);
  Progress decode_zstd(base::Bytes& input, std::span<std::byte>& output);
  Progress decode_brotli(base::Bytes& input, std::span<std::byte>& output);

  const Coding coding;
  bool is_ready = false;
  bool is_begun = false;
  bool is_at_end = false;  // of a gzip member or zstd frame; another may follow
  z_stream zlib{};
  ZSTD_DCtx* zstd = nullptr;
  BrotliDecoderState* brotli = nullptr;
};

BodyDecoder::Engine::Engine(Coding coding_to_undo) : coding(coding_to_undo) {
  switch (coding) {
    case Coding::zstd:
      zstd = ZSTD_createDCtx_advanced({take, give_back, nullptr});
      is_ready = zstd != nullptr && ZSTD_isError(ZSTD_DCtx_setParameter(
                                        zstd, ZSTD_d_windowLogMax, zstd_window_log_max)) == 0;
      break;
    case Coding::br:
      brotli = BrotliDecoderCreateInstance(take, give_back, nullptr);
      is_ready = brotli != nullptr;
      break;
    default:
      zlib.zalloc = take_items;
      zlib.zfree = give_back;
      is_ready = inflateInit2(&zlib,
                              coding == Coding::gzip ? zlib_window_bits + zlib_gzip_alone
                                                     : zlib_window_bits) == Z_OK;
      break;
  }
}

BodyDecoder::Engine::~Engine() {
  if (coding == Coding::gzip || coding == Coding::deflate) inflateEnd(&zlib);
  ZSTD_freeDCtx(zstd);
  if (brotli != nullptr) BrotliDecoderDestroyInstance(brotli);
}

Progress BodyDecoder::Engine::decode(base::Bytes& input, std::span<std::byte>& output) {
  switch (coding) {
    case Coding::zstd:
      return decode_zstd(input, output);
    case Coding::br:
      return decode_brotli(input, output);
    default:
      return inflate_some(input, output);
  }
}

Progress BodyDecoder::Engine::inflate_some(base::Bytes& input, std::span<std::byte>& output) {
  constexpr auto gzip_magic = std::byte{0x1f};
  constexpr auto method_mask = std::byte{0x0f};
  constexpr auto method_deflate = std::byte{0x08};
  if (!is_begun && !input.empty()) {
    is_begun = true;
    // "deflate" is zlib's format, but some send it bare (RFC 9110, 8.4.1.2). No encoder's bare
    // stream begins with the method of zlib's header.
    if (coding == Coding::deflate && (input.front() & method_mask) != method_deflate) {
      inflateReset2(&zlib, -zlib_window_bits);
    }
  }
  if (is_at_end) {
    if (input.empty()) return Progress::more;
    if (coding != Coding::gzip || input.front() != gzip_magic) return Progress::end;
    inflateReset(&zlib);
    is_at_end = false;
  }
  const auto size_max = size_t{std::numeric_limits<uInt>::max()};
  const size_t input_bytes = std::min(input.size(), size_max);
  zlib.next_in = const_cast<Bytef*>(bytes_of(input));
  zlib.avail_in = static_cast<uInt>(input_bytes);
  zlib.next_out = reinterpret_cast<Bytef*>(output.data());
  zlib.avail_out = static_cast<uInt>(output.size());
  const int result = inflate(&zlib, Z_NO_FLUSH);
  input = input.subspan(input_bytes - zlib.avail_in);
  output = output.last(zlib.avail_out);
  is_at_end = result == Z_STREAM_END;
  const bool is_fine = result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR;
  return is_fine ? Progress::more : Progress::malformed;
}

Progress BodyDecoder::Engine::decode_zstd(base::Bytes& input, std::span<std::byte>& output) {
  if (is_at_end && input.empty()) return Progress::more;
  ZSTD_inBuffer in{input.data(), input.size(), 0};
  ZSTD_outBuffer out{output.data(), output.size(), 0};
  const size_t result = ZSTD_decompressStream(zstd, &out, &in);
  input = input.subspan(in.pos);
  output = output.subspan(out.pos);
  if (ZSTD_isError(result) != 0) return is_at_end ? Progress::end : Progress::malformed;
  is_at_end = result == 0;
  return Progress::more;
}

Progress BodyDecoder::Engine::decode_brotli(base::Bytes& input, std::span<std::byte>& output) {
  if (is_at_end) return input.empty() ? Progress::more : Progress::end;
  size_t input_left = input.size();
  const uint8_t* next_input = bytes_of(input);
  size_t output_left = output.size();
  auto* next_output = reinterpret_cast<uint8_t*>(output.data());
  const BrotliDecoderResult result = BrotliDecoderDecompressStream(
      brotli, &input_left, &next_input, &output_left, &next_output, nullptr);
  input = input.last(input_left);
  output = output.last(output_left);
  is_at_end = result == BROTLI_DECODER_RESULT_SUCCESS;
  return result == BROTLI_DECODER_RESULT_ERROR ? Progress::malformed : Progress::more;
}

BodyDecoder::BodyDecoder(Coding coding, DecodeLimits limits)
    : limits_(limits),
      coding_(coding),
      state_(coding == Coding::unsupported ? State::unsupported : State::decoding) {}

BodyDecoder::~BodyDecoder() = default;
BodyDecoder::BodyDecoder(BodyDecoder&&) noexcept = default;
BodyDecoder& BodyDecoder::operator=(BodyDecoder&&) noexcept = default;

base::Bytes BodyDecoder::next(base::Bytes& input) {
  base::Bytes piece;
  if (state_ == State::decoding) {
    if (coding_ == Coding::identity) {
      piece = input;
      encoded_bytes_ += input.size();
      decoded_bytes_ += input.size();
      input = {};
    } else {
      piece = decode(input);
    }
    if (is_too_large()) {
      state_ = State::too_large;
      piece = {};
    }
  }
  if (state_ != State::decoding) {
    input = {};
    engine_.reset();
  }
  return piece;
}

base::Bytes BodyDecoder::decode(base::Bytes& input) {
  thread_local std::array<std::byte, piece_bytes_max> buffer;
  if (engine_ == nullptr) {
    if (input.empty()) return {};
    engine_ = std::make_unique<Engine>(coding_);
    if (!engine_->is_ready) {
      state_ = State::malformed;
      return {};
    }
  }
  for (;;) {
    const size_t before = input.size();
    std::span<std::byte> room(buffer);
    const Progress progress = engine_->decode(input, room);
    const size_t written = buffer.size() - room.size();
    encoded_bytes_ += before - input.size();
    decoded_bytes_ += written;
    if (progress != Progress::more) {
      state_ = progress == Progress::end ? State::complete : State::malformed;
    } else if (written == 0 && !input.empty() && before == input.size() && !engine_->is_at_end) {
      state_ = State::malformed;  // neither reads nor writes: it never will
    }
    if (written != 0) return base::Bytes(buffer).first(written);
    if (input.empty() || state_ != State::decoding) return {};
  }
}

bool BodyDecoder::may_end() const {
  if (state_ == State::decoding) {
    return coding_ == Coding::identity || engine_ == nullptr || engine_->is_at_end;
  }
  return state_ == State::complete;
}

bool BodyDecoder::is_too_large() const {
  if (decoded_bytes_ > limits_.bytes_max) return true;
  return decoded_bytes_ > limits_.ratio_free_bytes &&
         decoded_bytes_ / limits_.ratio_max > encoded_bytes_;
}

}  // namespace openai
