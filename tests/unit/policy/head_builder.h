#pragma once

// Heads from literals, and what a head says, for tables.

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "http/head.h"

using FieldList = std::initializer_list<std::pair<std::string_view, std::string_view>>;

inline http::Head make_request(std::string_view method, FieldList fields) {
  http::Head head;
  head.method = method;
  head.target = "/v1/models";
  for (const auto& [name, value] : fields)
    head.add(name, value);
  return head;
}

inline http::Head make_response(uint16_t status, FieldList fields) {
  http::Head head;
  head.status = status;
  for (const auto& [name, value] : fields)
    head.add(name, value);
  return head;
}

// "Name: value" lines in order.
inline std::string text_of(const http::Head& head) {
  std::string text;
  for (const http::Field& field : head.fields) {
    text.append(field.name).append(": ").append(field.value).append("\n");
  }
  return text;
}

// The values of every field of that name, joined by "|"; "-" where there is none.
inline std::string values_of(const http::Head& head, std::string_view name) {
  std::string values;
  bool found = false;
  for (const http::Field& field : head.fields) {
    if (!http::equals_ignoring_case(field.name, name)) continue;
    if (found) values += "|";
    values += field.value;
    found = true;
  }
  return found ? values : "-";
}
