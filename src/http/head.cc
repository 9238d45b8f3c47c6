#include "http/head.h"

#include <cstdint>
#include <cstring>
#include <vector>

#include "base/ascii.h"
#include "http/chars.h"

namespace http {
namespace {

// A known name is its id; only names without one are compared as text.
bool has_name(const Field& field, std::string_view name, FieldId id) {
  if (id != FieldId::other) return field.id == id;
  return field.id == FieldId::other && equals_ignoring_case(field.name, name);
}

// Eight bytes at once, upper case made lower.
uint64_t lower_word(const char* text) {
  constexpr uint64_t each = 0x0101'0101'0101'0101;
  uint64_t word = 0;
  std::memcpy(&word, text, sizeof word);
  const uint64_t low_bits = word & (each * 0x7f);
  // The eighth bit of each byte: whether it is at least 'A', whether it is beyond 'Z'.
  const uint64_t from_a = low_bits + each * (0x80 - 'A');
  const uint64_t beyond_z = low_bits + each * (0x7f - 'Z');
  const uint64_t upper = (from_a ^ beyond_z) & ~word & (each * 0x80);
  return word | upper >> 2;
}

}  // namespace

bool are_bytes_equal_ignoring_case(const char* a, const char* b, size_t size) {
  size_t i = 0;
  for (; i + sizeof(uint64_t) <= size; i += sizeof(uint64_t)) {
    if (lower_word(a + i) != lower_word(b + i)) return false;
  }
  for (; i < size; ++i) {
    if (a[i] != b[i] && base::to_lower(a[i]) != base::to_lower(b[i])) return false;
  }
  return true;
}

const Field* Head::find(FieldId id) const {
  for (const Field& field : fields) {
    if (field.id == id) return &field;
  }
  return nullptr;
}

const Field* Head::find(std::string_view name) const {
  const FieldId id = field_id(name);
  for (const Field& field : fields) {
    if (has_name(field, name, id)) return &field;
  }
  return nullptr;
}

void Head::add(std::string_view name, std::string_view value) {
  fields.push_back({name, value, field_id(name)});
}

void Head::set(std::string_view name, std::string_view value) {
  remove(name);
  add(name, value);
}

void Head::remove(std::string_view name) {
  const FieldId id = field_id(name);
  std::erase_if(fields, [&](const Field& field) { return has_name(field, name, id); });
}

void Head::clear() {
  method = target = reason = {};
  status = 0;
  version_minor = 1;
  fields.clear();
  trailers.clear();
}

}  // namespace http
