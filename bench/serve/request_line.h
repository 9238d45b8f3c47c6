#pragma once

// What a request line asks for.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "bench/serve/reply.h"
#include "bench/serve/serve.h"

namespace bench::serve {

enum class Route : uint8_t {
  reply,  // one of Api
  models,
  bytes,  // wanted.bytes of them
  counts,
  file,    // an upload to /v1/files
  upload,  // any other
  not_found,
  wrong_method,  // wanted.allow has the right ones
};

// Value: the options of a server with what one request says instead.
struct Wanted {
  Route route = Route::not_found;
  Api api = Api::chat;
  bool hash = true;
  std::optional<FaultKind> fault;
  std::optional<uint64_t> fault_after;
  std::string_view allow;  // static text
  uint64_t bytes = 0;
  uint64_t reply_bytes = 0;
  uint64_t tokens = 0;
  uint64_t token_bytes = 0;
  uint64_t gap_us = 0;
  uint64_t jitter_us = 0;
  uint64_t think_us = 0;
};

// What one request may ask for at most: an hour, a GiB.
struct WantedMax {
  static constexpr uint64_t bytes = uint64_t{1} << 40U;
  static constexpr uint64_t reply_bytes = uint64_t{1} << 30U;
  static constexpr uint64_t tokens = 10'000'000;
  static constexpr uint64_t token_bytes = 65'536;
  static constexpr uint64_t time_us = 3'600'000'000;
};

// Why a request line was refused.
struct BadWish {
  std::string message;
  std::string param;
};

// Reads method and target (origin-form or absolute-form). Parameters of other names are left to
// the API; of two with one name the last counts.
[[nodiscard]] base::Result<Wanted, BadWish> read_request(std::string_view method,
                                                         std::string_view target,
                                                         const Options& options);

// Whether the options themselves are within bounds; the error names the one that is not.
[[nodiscard]] std::optional<std::string> refuse_options(const Options& options);

}  // namespace bench::serve
