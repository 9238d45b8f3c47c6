#include "policy/loop.h"

#include <cstdint>
#include <fmt/format.h>
#include <random>
#include <string>

namespace policy {
namespace {

std::string_view own_mark() {
  static const std::string mark = [] {
    std::random_device random;
    return fmt::format("{:08x}{:08x}", uint32_t{random()}, uint32_t{random()});
  }();
  return mark;
}

}  // namespace

bool has_come_back(const http::Head& request) {
  bool found = false;
  for (const http::Field& field : request.fields) {
    if (field.id != http::FieldId::proxy_loop) continue;
    http::for_each_list_element(field.value, [&](std::string_view mark) {
      found = found || mark == own_mark();
      return !found;
    });
  }
  return found;
}

std::string_view marked(const http::Head& request, base::Arena& arena) {
  std::string_view marks;
  for (const http::Field& field : request.fields) {
    if (field.id != http::FieldId::proxy_loop || field.value.empty()) continue;
    marks = arena.append(marks, field.value);
    marks = arena.append(marks, ", ");
  }
  return arena.append(marks, own_mark());
}

}  // namespace policy
