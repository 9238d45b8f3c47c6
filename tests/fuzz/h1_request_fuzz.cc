// Requests: the input is what a client sends on one connection.
#include "h1_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  http_test::TranscriptOptions options;
  h1_check::same_events_however_cut(bytes, options);
  options.take_upgrade = false;
  h1_check::same_events_however_cut(bytes, options);
  h1_check::RoundTrip(options).run(bytes);
  options.limits = {300, 8, 60};
  h1_check::same_events_however_cut(bytes, options);
  return 0;
}
