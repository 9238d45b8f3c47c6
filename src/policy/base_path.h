#pragma once

// The path of an upstream's URL, and what of it a request has in its own path already.

#include <string_view>

namespace policy {

// What of `base` stands in front of `path`, which begins with '/', on the way up: `base` without
// its slashes at the end, or without what the path repeats of it. Users copy an SDK's base URL,
// with its version at the end, into both places: "https://h/v1" with "/v1/models" is meant to be
// "https://h/v1/models", and so is "https://h/openai/v1" with either "/v1/models" or
// "/openai/v1/models". A base without a version (v1, v1beta …) is put in front of every path.
// Borrows `base`.
[[nodiscard]] std::string_view base_in_front(std::string_view base, std::string_view path);

// Whether a segment of `base` is a version.
[[nodiscard]] bool has_version(std::string_view base);

}  // namespace policy
