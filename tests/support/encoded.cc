#include "support/encoded.h"

#include <brotli/encode.h>
#include <cstdint>
#include <stdexcept>
#include <zlib.h>
#include <zstd.h>

namespace support {
namespace {

constexpr int window_bits = 15;
constexpr int gzip_alone = 16;
constexpr int memory_level = 8;

void require(bool holds) {
  if (!holds) throw std::runtime_error("the encoder failed");
}

std::string deflated(std::string_view text, int bits) {
  z_stream stream{};
  require(deflateInit2(
              &stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, bits, memory_level, Z_DEFAULT_STRATEGY) ==
          Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  require(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string brotli(std::string_view text) {
  std::string out(BrotliEncoderMaxCompressedSize(text.size()) + 64, '\0');
  size_t size = out.size();
  constexpr int quality = 5;
  require(BrotliEncoderCompress(quality,
                                BROTLI_DEFAULT_WINDOW,
                                BROTLI_MODE_TEXT,
                                text.size(),
                                reinterpret_cast<const uint8_t*>(text.data()),
                                &size,
                                reinterpret_cast<uint8_t*>(out.data())) == BROTLI_TRUE);
  out.resize(size);
  return out;
}

}  // namespace

std::string zstd_with_window(std::string_view text, int log) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  std::string out(ZSTD_compressBound(text.size()) + 64, '\0');
  if (log != 0) ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, log);
  // As a stream: the frame then has a window of its own and not the text's size.
  ZSTD_inBuffer in{text.data(), text.size(), 0};
  ZSTD_outBuffer buffer{out.data(), out.size(), 0};
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  ZSTD_compressStream2(context, &buffer, &in, ZSTD_e_flush);
  require(ZSTD_compressStream2(context, &buffer, &in, ZSTD_e_end) == 0);
  ZSTD_freeCCtx(context);
  out.resize(buffer.pos);
  return out;
}

std::string encoded(openai::Coding coding, std::string_view text, Deflate deflate) {
  switch (coding) {
    case openai::Coding::gzip:
      return deflated(text, window_bits + gzip_alone);
    case openai::Coding::deflate:
      return deflated(text, deflate == Deflate::bare ? -window_bits : window_bits);
    case openai::Coding::zstd:
      return zstd_with_window(text, 0);
    case openai::Coding::br:
      return brotli(text);
    default:
      return std::string(text);
  }
}

}  // namespace support
