#include "base/read_file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>

namespace base {
namespace {

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

Result<std::string, int> read_file(const std::string& path, size_t bytes_max) {
  const std::unique_ptr<std::FILE, FileCloser> file(std::fopen(path.c_str(), "re"));
  if (file == nullptr) return errno;
  std::string text;
  std::array<char, 64 * 1024> block{};
  while (const size_t got = std::fread(block.data(), 1, block.size(), file.get())) {
    text.append(block.data(), got);
    if (text.size() > bytes_max) return EFBIG;
  }
  if (std::ferror(file.get()) != 0) return errno != 0 ? errno : EIO;
  return text;
}

}  // namespace base
