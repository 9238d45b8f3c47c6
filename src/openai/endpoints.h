#pragma once

// What is known of the API's paths: whose cost shows in the answer, whose cannot be known, and what
// is free.

#include <cstdint>
#include <string_view>

namespace openai {

enum class Metering : uint8_t {
  unknown,  // may cost and does not say what: batches, videos, unknown paths …
  usage,    // the answer tells its usage
  session,  // a WebSocket session whose messages tell it: realtime, responses
  free,     // costs nothing, or what it shows was paid for before
};

// Value.
struct Endpoint {
  Metering metering = Metering::unknown;
  // Whether a stream tells its usage only where stream_options.include_usage asks for it.
  bool asks_for_usage = false;
  // Whether the request's body names the model; false also where the path does (Azure, Gemini).
  bool model_in_body = false;
  // The path's model (/deployments/NAME/…, /models/NAME:…), as written, not decoded; else empty.
  // Views the path.
  std::string_view model = {};
};

// Of a request's method and path (no query; with or without /v1, /openai/v1, Azure's deployments,
// or a base path before /v1). `is_upgrade`: it asks for a WebSocket. What is not known exactly, a
// path with empty, dotted or encoded segments among it, is Metering::unknown. Any thread.
[[nodiscard]] Endpoint endpoint_of(std::string_view method, std::string_view path, bool is_upgrade);

// The model that a session's query names (`model`; Azure's `deployment`), as written:
// "a=1&model=x". Empty where it names none, or where another program may read another one in it.
// Views it.
[[nodiscard]] std::string_view model_of_session(std::string_view query);

}  // namespace openai
