#pragma once

// What Redis answers, read from bytes as they come. The only door to hiredis, of which it is the
// reader alone: its sockets would look names up while the loop waits.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

struct redisReader;

namespace fleet {

// Value: one reply.
struct RedisReply {
  enum class Kind : uint8_t { nothing, text, error, integer, list };

  Kind kind = Kind::nothing;
  std::string text = {};
  int64_t integer = 0;
  std::vector<std::unique_ptr<RedisReply>> items = {};

  [[nodiscard]] bool is_error() const { return kind == Kind::error; }
  // Of a list; 0 where there is no such integer in it.
  [[nodiscard]] int64_t integer_at(size_t i) const {
    return i < items.size() && items[i] != nullptr ? items[i]->integer : 0;
  }
};

// Resource. One thread.
class RedisReader {
 public:
  RedisReader() { reset(); }
  ~RedisReader() = default;
  RedisReader(const RedisReader&) = delete;
  RedisReader& operator=(const RedisReader&) = delete;
  RedisReader(RedisReader&&) = delete;
  RedisReader& operator=(RedisReader&&) = delete;

  // Takes bytes, which are copied.
  void feed(base::Bytes bytes);
  // The next reply; nullptr where more bytes are needed, or what came is no reply (is_broken()).
  [[nodiscard]] std::unique_ptr<RedisReply> next();
  [[nodiscard]] bool is_broken() const { return is_broken_; }
  // Forgets what came of an unfinished reply: another connection begins.
  void reset();

 private:
  struct Free {
    void operator()(redisReader* reader) const;
  };
  std::unique_ptr<redisReader, Free> reader_;
  bool is_broken_ = false;
};

}  // namespace fleet
