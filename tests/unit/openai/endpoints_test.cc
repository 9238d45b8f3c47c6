// Which paths tell what they cost.
#include "openai/endpoints.h"

#include <string_view>

#include <doctest/doctest.h>

namespace {

using openai::Metering;

struct Case {
  std::string_view method;
  std::string_view path;
  Metering metering;
  bool asks_for_usage = false;
  bool model_in_body = false;
  std::string_view model = {};
  bool is_upgrade = false;
};

const Case cases[] = {
    {"POST", "/v1/chat/completions", Metering::usage, true, true},
    {"POST", "/v1/chat/completions/", Metering::usage, true, true},
    {"POST", "/chat/completions", Metering::usage, true, true},
    {"POST", "/openai/v1/chat/completions", Metering::usage, true, true},
    {"POST", "/api/v1/chat/completions", Metering::usage, true, true},
    {"POST", "/v1beta/openai/chat/completions", Metering::usage, true, true},
    {"POST", "/v1/completions", Metering::usage, true, true},
    {"POST", "/v1/responses", Metering::usage, false, true},
    {"POST", "/v1/embeddings", Metering::usage, false, true},
    {"POST", "/v1/images/edits", Metering::usage, false, true},
    {"POST", "/v1/audio/transcriptions", Metering::usage, false, true},
    {"POST", "/v1/messages", Metering::usage, false, true},
    {"POST", "/openai/deployments/gpt4/chat/completions", Metering::usage, true, false, "gpt4"},
    {"POST", "/openai/deployments/gpt4/unknown", Metering::unknown, false, false, "gpt4"},
    {"POST", "/v1beta/models/gemini-x:generateContent", Metering::usage, false, false, "gemini-x"},
    {"POST", "/v1beta/models/gemini-x:countTokens", Metering::free, false, false, "gemini-x"},
    {"POST", "/v1beta/models/gemini-x:other", Metering::unknown, false, false, "gemini-x"},
    // What costs and does not say so, or may.
    {"POST", "/v1/audio/speech", Metering::unknown},
    {"POST", "/v1/images/variations", Metering::unknown},
    {"POST", "/v1/batches", Metering::unknown},
    {"POST", "/v1/files", Metering::free},
    {"POST", "/v1/files/file-1", Metering::unknown},
    {"POST", "/v1/uploads", Metering::free},
    {"POST", "/v1/uploads/upload_1/parts", Metering::free},
    {"POST", "/v1/uploads/upload_1/complete", Metering::free},
    {"POST", "/v1/videos", Metering::unknown},
    {"POST", "/v1/fine_tuning/jobs", Metering::unknown},
    {"POST", "/v1/realtime/client_secrets", Metering::unknown},
    {"POST", "/v1/realtime/calls", Metering::unknown},
    {"POST", "/v1/threads/thread_1/runs", Metering::unknown},
    {"POST", "/v1/new_and_dear", Metering::unknown},
    {"PUT", "/v1/chat/completions", Metering::unknown},
    {"GET", "/v1/new_and_dear", Metering::unknown},
    // What is free.
    {"GET", "/v1/models", Metering::free},
    {"GET", "/v1/models/gpt-4o", Metering::free},
    {"GET", "/v1/responses/resp_1", Metering::free},
    {"GET", "/v1/batches/batch_1", Metering::free},
    {"GET", "/v1/files/file-1/content", Metering::free},
    {"DELETE", "/v1/files/file-1", Metering::free},
    {"OPTIONS", "/v1/chat/completions", Metering::free},
    {"HEAD", "/", Metering::free},
    {"POST", "/v1/moderations", Metering::free, false, true},
    {"POST", "/v1/responses/input_tokens", Metering::free, false, true},
    {"POST", "/v1/responses/resp_1/cancel", Metering::free},
    {"POST", "/v1/batches/batch_1/cancel", Metering::free},
    // Sessions.
    {"GET", "/v1/realtime", Metering::session, false, false, {}, true},
    {"GET", "/v1/responses", Metering::session, false, false, {}, true},
    {"GET", "/openai/realtime", Metering::session, false, false, {}, true},
    {"GET", "/v1/other", Metering::unknown, false, false, {}, true},
    {"GET", "/v1/realtime", Metering::unknown},
    // Paths that say one thing to us and may say another to a server.
    {"POST", "/v1/moderations/../chat/completions", Metering::unknown},
    {"POST", "/v1//moderations", Metering::unknown},
    {"POST", "/v1/./moderations", Metering::unknown},
    {"POST", "/v1/%6doderations", Metering::unknown},
    {"POST", "/v1/moderations;x", Metering::unknown},
    {"GET", "/v1/models\\..\\x", Metering::unknown},
    {"POST", "/V1/moderations", Metering::unknown},
    {"GET", "*", Metering::unknown},
    {"GET", "", Metering::unknown},
};

}  // namespace

TEST_CASE("what a path tells of its cost") {
  for (const Case& c : cases) {
    CAPTURE(c.method);
    CAPTURE(c.path);
    const openai::Endpoint endpoint = openai::endpoint_of(c.method, c.path, c.is_upgrade);
    CHECK(endpoint.metering == c.metering);
    CHECK(endpoint.asks_for_usage == c.asks_for_usage);
    CHECK(endpoint.model_in_body == c.model_in_body);
    CHECK(endpoint.model == c.model);
  }
}

TEST_CASE("the model that a session's query names, where nobody can read another one") {
  struct Query {
    std::string_view query;
    std::string_view model;
  };
  const Query queries[] = {
      {"model=gpt-realtime", "gpt-realtime"},
      {"a=1&model=gpt-realtime&b", "gpt-realtime"},
      {"api-version=2024-10-01-preview&deployment=mine", "mine"},
      {"", ""},
      {"model", ""},
      {"model=", ""},
      {"intent=transcription", ""},
      {"model=a&model=b", ""},
      {"model=a&deployment=b", ""},
      {"model=a&mod%65l=b", ""},
      {"model=%61", ""},
      {"model=a+b", ""},
      {"model=a;model=b", ""},
      {"x;model=a", ""},
  };
  for (const Query& each : queries) {
    CAPTURE(each.query);
    CHECK(openai::model_of_session(each.query) == each.model);
  }
}
