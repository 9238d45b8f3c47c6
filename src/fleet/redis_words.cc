#include "fleet/redis_words.h"

#include <fmt/format.h>

#include "net/error_text.h"

namespace fleet {
namespace {

constexpr size_t shown_bytes_max = 200;

constexpr std::string_view wants_password =
    "wants a password: write it into redis.url, redis://:PASSWORD@HOST";

}  // namespace

Refusal explain(std::string_view error) {
  const auto begins = [&](std::string_view word) {
    return error.starts_with(word);
  };
  if (begins("OOM")) {
    return {"is full: raise its maxmemory, or let it evict other keys (maxmemory-policy)"};
  }
  if (begins("READONLY")) {
    return {"is a read-only replica: name the one that takes writes in redis.url", true};
  }
  if (begins("NOAUTH")) return {std::string(wants_password), true};
  if (begins("LOADING")) return {"is still loading its data"};
  if (begins("MISCONF")) {
    return {"cannot save its data to disk and takes no writes: see its log"};
  }
  if (begins("BUSY")) return {"is busy with a script of somebody else's"};
  if (begins("NOPERM")) {
    return {
        "does not let its user do what is needed: EVAL, EVALSHA, SCRIPT and all keys of "
        "redis.prefix",
        true};
  }
  if (begins("MASTERDOWN") || begins("NOREPLICAS")) {
    return {"takes no writes while it has lost the other half of its replication", true};
  }
  if (begins("MOVED") || begins("ASK") || begins("CLUSTERDOWN") || begins("CROSSSLOT")) {
    return {"is part of a cluster, which is not supported: name a single one in redis.url", true};
  }
  return {.why = fmt::format("answers \"{}\"", error.substr(0, shown_bytes_max)),
          .is_unknown = true};
}

std::string explain_login(std::string_view error, bool has_password) {
  if (error.starts_with("LOADING")) return explain(error).why;
  if (!has_password) return std::string(wants_password);
  if (error.find("no password is set") != std::string_view::npos ||
      error.find("without any password") != std::string_view::npos) {
    return "has no password set: leave it out of redis.url";
  }
  return "refuses the user or the password of redis.url";
}

std::string explain(base::Error error) {
  if (error.code == base::Code::timeout) return "does not answer";
  if (error.code == base::Code::dns) {
    return "cannot be found: " + net::name_error_text(error.raw);
  }
  if (error.code == base::Code::connect) {
    return "cannot be connected to: " + net::error_text(error.raw);
  }
  return "has closed the connection";
}

}  // namespace fleet
