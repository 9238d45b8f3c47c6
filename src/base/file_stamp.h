#pragma once

// What tells, without reading it, that a file has become another.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace base {

// Value. All zero where there is no file.
struct FileStamp {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t size = 0;
  // Of the content or of what stands in the inode: unlike the time of the last write nobody sets it
  // back.
  int64_t changed_ns = 0;

  bool operator==(const FileStamp&) const = default;
};

// The stamp of the file at `path`, links followed; one system call.
[[nodiscard]] FileStamp stamp_of(const std::string& path);

// Whether another write at `now_ns` (of the system's clock) or later would show in the stamp. File
// systems count in steps, some of two seconds: within one, two writes may bear the same time.
[[nodiscard]] bool is_settled(const FileStamp& stamp, int64_t now_ns);

// Value. Tells who keeps what was read from a file when to read it again.
class FileVersions {
 public:
  explicit FileVersions(std::string path) : path_(std::move(path)) {}

  // The same number as before exactly where what was read after that call still holds; never 0.
  // One system call, two where the file has changed just now.
  [[nodiscard]] uint64_t current();
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::optional<FileStamp> seen_;
  bool was_settled_ = false;  // when it was seen
  uint64_t version_ = 0;
};

}  // namespace base
