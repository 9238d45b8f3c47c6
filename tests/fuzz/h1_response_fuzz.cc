// Responses: the input is what an upstream sends on one connection.
#include "h1_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  http_test::TranscriptOptions options;
  options.role = http::H1Parser::Role::response;
  for (const std::string_view method : {"GET", "HEAD"}) {
    options.request_method = method;
    h1_check::same_events_however_cut(bytes, options);
    h1_check::RoundTrip(options).run(bytes);
  }
  options.take_upgrade = false;
  options.limits = {300, 8, 60};
  h1_check::same_events_however_cut(bytes, options);
  return 0;
}
