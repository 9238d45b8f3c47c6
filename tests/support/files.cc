#include "support/files.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <unistd.h>

#include "support/failure.h"

namespace test {
namespace {

std::string temporary_name() {
  return (std::filesystem::temp_directory_path() / "openai-proxy-test-XXXXXX").string();
}

}  // namespace

TemporaryFolder::TemporaryFolder() : path_(temporary_name()) {
  if (::mkdtemp(path_.data()) == nullptr) throw Failure("mkdtemp " + path_);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryFolder::operator/(std::string_view name) const {
  return path_ + "/" + std::string(name);
}

TemporaryFile::TemporaryFile(std::string_view content) : path_(temporary_name()) {
  const int file = ::mkstemp(path_.data());
  if (file < 0) throw Failure("mkstemp " + path_);
  ::close(file);
  write_file(path_, content);
}

TemporaryFile::~TemporaryFile() {
  ::unlink(path_.c_str());
}

void write_file(const std::string& path, std::string_view content) {
  std::ofstream file(path, std::ios::binary);
  file << content;
  if (!file.flush()) throw Failure("cannot write " + path);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace test
