#include "fleet/redis_reply.h"

#include <cstddef>
#include <cstdio>
#include <hiredis/read.h>
#include <sys/time.h>

#include "base/check.h"

namespace fleet {
namespace {

using Kind = RedisReply::Kind;

// In a list: no script answers more.
constexpr size_t items_max = 1'000;

// Puts `reply` where the reader's task says; the reader holds what has no parent.
RedisReply* place(const redisReadTask* task, RedisReply reply) {
  auto made = std::make_unique<RedisReply>(std::move(reply));
  RedisReply* const placed = made.get();
  if (task->parent == nullptr) return made.release();
  auto& parent = *static_cast<RedisReply*>(task->parent->obj);
  parent.items.at(static_cast<size_t>(task->idx)) = std::move(made);
  return placed;
}

redisReplyObjectFunctions make_functions() {
  redisReplyObjectFunctions functions{};
  functions.createString = [](const redisReadTask* task, char* text, size_t size) -> void* {
    const Kind kind = task->type == REDIS_REPLY_ERROR ? Kind::error : Kind::text;
    return place(task, {.kind = kind, .text = std::string(text, size)});
  };
  // The type of the count differs between versions.
  functions.createArray = [](const redisReadTask* task, auto count) -> void* {
    if (static_cast<size_t>(count) > items_max) return nullptr;
    RedisReply list{.kind = Kind::list};
    list.items.resize(static_cast<size_t>(count));
    return place(task, std::move(list));
  };
  functions.createInteger = [](const redisReadTask* task, long long value) -> void* {
    return place(task, {.kind = Kind::integer, .integer = value});
  };
  functions.createNil = [](const redisReadTask* task) -> void* {
    return place(task, {});
  };
  functions.freeObject = [](void* reply) {
    delete static_cast<RedisReply*>(reply);
  };
  return functions;
}

}  // namespace

void RedisReader::Free::operator()(redisReader* reader) const {
  redisReaderFree(reader);
}

void RedisReader::reset() {
  static redisReplyObjectFunctions functions = make_functions();
  reader_.reset(redisReaderCreateWithFunctions(&functions));
  CHECK(reader_ != nullptr);
  is_broken_ = false;
}

void RedisReader::feed(base::Bytes bytes) {
  const std::string_view text = base::as_text(bytes);
  if (redisReaderFeed(reader_.get(), text.data(), text.size()) != REDIS_OK) is_broken_ = true;
}

std::unique_ptr<RedisReply> RedisReader::next() {
  void* reply = nullptr;
  if (is_broken_) return nullptr;
  if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) {
    is_broken_ = true;
    return nullptr;
  }
  return std::unique_ptr<RedisReply>(static_cast<RedisReply*>(reply));
}

}  // namespace fleet
