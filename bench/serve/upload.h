#pragma once

// An uploaded body on its way through: counted, hashed, its front looked at.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "tls/sha256.h"

namespace bench::serve {

// Resource. Buffers the first KiB alone.
class Upload {
 public:
  enum class Hash : uint8_t { yes, no };
  explicit Upload(Hash hash);

  void add(base::Bytes bytes);
  [[nodiscard]] uint64_t bytes() const { return bytes_; }

  // Once, at the body's end: {"bytes": n, "sha256": "…"}, the hash where it was wanted.
  void append_result(std::string& out);
  // The same in the shape of the API's file object. Name and purpose are what
  // the body's front says in multipart/form-data, if it does.
  void append_file(std::string& out, uint64_t id, uint64_t created_s);

 private:
  void append_hash(std::string& out);
  static constexpr size_t front_bytes_max = 1024;

  std::optional<tls::Sha256> hash_;
  std::string front_;
  uint64_t bytes_ = 0;
};

}  // namespace bench::serve
