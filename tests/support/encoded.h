#pragma once

// Bodies under the content codings that the proxy looks into.

#include <string>
#include <string_view>

#include "openai/body_decoder.h"

namespace support {

enum class Deflate { zlib, bare };

// `text` under `coding`, as libraries write it by default; `deflate` is how that one is wrapped.
std::string encoded(openai::Coding coding, std::string_view text, Deflate deflate = Deflate::zlib);

// A zstd frame whose window is 2^log bytes.
std::string zstd_with_window(std::string_view text, int log);

}  // namespace support
