// policy/base_path: a version in the upstream's URL and in the request's path counts once.
#include "policy/base_path.h"

#include <doctest/doctest.h>

using policy::base_in_front;

TEST_CASE("a version is not given twice, whatever else the base holds") {
  CHECK(base_in_front("/v1", "/v1/models").empty());
  CHECK(base_in_front("/v1/", "/v1?x=/v1").empty());
  CHECK(base_in_front("/v1", "/models") == "/v1");
  CHECK(base_in_front("/v1", "/v1x/models") == "/v1");
  CHECK(base_in_front("/v1", "/v1beta/models") == "/v1");
  CHECK(base_in_front("/openai/v1", "/v1/models") == "/openai");
  CHECK(base_in_front("/openai/v1", "/openai/v1/models").empty());
  CHECK(base_in_front("/openai/v1", "/models") == "/openai/v1");
  CHECK(base_in_front("/v1beta/openai", "/v1beta/openai/models").empty());
  CHECK(base_in_front("/v1beta/openai", "/v1/models") == "/v1beta/openai");
}

TEST_CASE("a base without a version stands in front of every path") {
  CHECK(base_in_front("/", "/v1").empty());
  CHECK(base_in_front("/api", "/api/chat") == "/api");
  CHECK(base_in_front("/gateway/api/", "/api/chat") == "/gateway/api");
  CHECK(base_in_front("/vendor", "/vendor/x") == "/vendor");
}
