#include "openai/usage.h"

#include <algorithm>

namespace openai {

void add(Usage& sum, const Usage& part) {
  constexpr int64_t Usage::*fields[] = {&Usage::input,
                                        &Usage::cached,
                                        &Usage::cache_written,
                                        &Usage::output,
                                        &Usage::reasoning,
                                        &Usage::audio_input,
                                        &Usage::audio_cached,
                                        &Usage::audio_output,
                                        &Usage::image_input,
                                        &Usage::image_cached,
                                        &Usage::image_output,
                                        &Usage::audio_ms};
  for (const auto field : fields)
    sum.*field = std::min(tokens_max, sum.*field + part.*field);
}

}  // namespace openai
