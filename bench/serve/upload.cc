#include "bench/serve/upload.h"

#include <algorithm>

#include "base/json_text.h"
#include "bench/serve/reply.h"

namespace bench::serve {
namespace {

// What stands between the first `begin` and the `end` behind it; nothing where either is missing.
std::string_view between(std::string_view text, std::string_view begin, std::string_view end) {
  const size_t found = text.find(begin);
  if (found == std::string_view::npos) return {};
  text.remove_prefix(found + begin.size());
  const size_t size = text.find(end);
  return size == std::string_view::npos ? std::string_view{} : text.substr(0, size);
}

}  // namespace

Upload::Upload(Hash hash) {
  if (hash == Hash::yes) hash_.emplace();
}

void Upload::add(base::Bytes bytes) {
  bytes_ += bytes.size();
  if (hash_) hash_->add(bytes);
  const size_t room = front_bytes_max - front_.size();
  if (room > 0) front_ += base::as_text(bytes).substr(0, room);
}

void Upload::append_hash(std::string& out) {
  if (!hash_) return;
  out += R"(,"sha256":")";
  out += tls::hex_digits(hash_->finish());
  out += '"';
}

void Upload::append_result(std::string& out) {
  out += R"({"bytes":)";
  append_number(out, bytes_);
  append_hash(out);
  out += '}';
}

void Upload::append_file(std::string& out, uint64_t id, uint64_t created_s) {
  const std::string_view name = between(front_, "filename=\"", "\"");
  const std::string_view purpose = between(front_, "name=\"purpose\"\r\n\r\n", "\r\n");
  out += R"({"id":"file-)";
  append_hex(out, id);
  out += R"(","object":"file","bytes":)";
  append_number(out, bytes_);
  out += R"(,"created_at":)";
  append_number(out, created_s);
  out += R"(,"filename":)";
  base::append_json_string(out, name.empty() ? "upload" : name);
  out += R"(,"purpose":)";
  base::append_json_string(out, purpose.empty() ? "user_data" : purpose);
  out += R"(,"status":"processed")";
  append_hash(out);
  out += '}';
}

}  // namespace bench::serve
