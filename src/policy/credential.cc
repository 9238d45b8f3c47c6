#include "policy/credential.h"

#include <algorithm>
#include <array>

#include "http/chars.h"

namespace policy {
namespace {

constexpr std::string_view bearer = "Bearer ";
constexpr std::string_view protocol_prefix = "openai-insecure-api-key.";
constexpr std::string_view query_member = "key=";
constexpr std::array<std::string_view, 3> key_fields{"api-key", "x-api-key", "x-goog-api-key"};

bool is_key_field(std::string_view name) {
  return std::any_of(key_fields.begin(), key_fields.end(), [&](std::string_view field) {
    return http::equals_ignoring_case(field, name);
  });
}

std::string_view bearer_token(const http::Head& head) {
  const http::Field* field = head.find(http::FieldId::authorization);
  if (field == nullptr) return {};
  const std::string_view value = field->value;
  if (!http::equals_ignoring_case(value.substr(0, bearer.size()), bearer)) return {};
  return http::trimmed(value.substr(bearer.size()));
}

std::string_view field_token(const http::Head& head) {
  for (const std::string_view name : key_fields) {
    const http::Field* field = head.find(name);
    if (field != nullptr && !field->value.empty()) return field->value;
  }
  return {};
}

// Calls visit(member) for each `name=value` of a target's query; stops when it returns false.
template <class Visit>
void for_each_member(std::string_view target, Visit visit) {
  const size_t mark = target.find('?');
  if (mark == std::string_view::npos) return;
  std::string_view query = target.substr(mark + 1);
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    if (!visit(query.substr(0, end))) return;
    query.remove_prefix(std::min(end + 1, query.size()));
  }
}

std::string_view query_token(std::string_view target) {
  std::string_view token;
  for_each_member(target, [&](std::string_view member) {
    if (member.starts_with(query_member)) token = member.substr(query_member.size());
    return token.empty();
  });
  return token;
}

std::string_view protocol_token(const http::Head& head) {
  std::string_view token;
  for (const http::Field& field : head.fields) {
    if (field.id != http::FieldId::sec_websocket_protocol) continue;
    http::for_each_list_element(field.value, [&](std::string_view protocol) {
      if (protocol.starts_with(protocol_prefix)) token = protocol.substr(protocol_prefix.size());
      return token.empty();
    });
  }
  return token;
}

// The subprotocols without those that are keys.
std::string_view without_keys(std::string_view protocols, base::Arena& arena) {
  std::string_view kept;
  http::for_each_list_element(protocols, [&](std::string_view protocol) {
    if (protocol.starts_with(protocol_prefix)) return true;
    if (!kept.empty()) kept = arena.append(kept, ", ");
    kept = arena.append(kept, protocol);
    return true;
  });
  return kept;
}

std::string_view without_member(std::string_view target,
                                std::string_view token,
                                base::Arena& arena) {
  std::string_view kept = arena.copy(target.substr(0, target.find('?')));
  bool is_first = true;
  for_each_member(target, [&](std::string_view member) {
    if (member.starts_with(query_member) && member.substr(query_member.size()) == token) {
      return true;
    }
    kept = arena.append(kept, is_first ? "?" : "&");
    kept = arena.append(kept, member);
    is_first = false;
    return true;
  });
  return kept;
}

}  // namespace

std::optional<std::string_view> find_token(const http::Head& request) {
  std::string_view token = bearer_token(request);
  if (token.empty()) token = field_token(request);
  if (token.empty()) token = query_token(request.target);
  if (token.empty()) token = protocol_token(request);
  if (token.empty()) return std::nullopt;
  return token;
}

void drop_tokens(http::Head& head, std::string_view token, base::Arena& arena) {
  for (http::Field& field : head.fields) {
    if (field.id == http::FieldId::sec_websocket_protocol) {
      field.value = without_keys(field.value, arena);
    }
  }
  std::erase_if(head.fields, [](const http::Field& field) {
    return field.id == http::FieldId::authorization || is_key_field(field.name) ||
           (field.id == http::FieldId::sec_websocket_protocol && field.value.empty());
  });
  if (!token.empty() && head.target.find(query_member) != std::string_view::npos) {
    head.target = without_member(head.target, token, arena);
  }
}

void add_key(http::Head& head,
             const config::KeyPlace& place,
             std::string_view key,
             base::Arena& arena) {
  switch (place.kind) {
    case config::KeyPlace::Kind::authorization:
      head.add("Authorization", key);
      return;
    case config::KeyPlace::Kind::header:
      head.set(place.name, key);
      return;
    case config::KeyPlace::Kind::query: {
      const bool has_query = head.target.find('?') != std::string_view::npos;
      head.target = arena.join({head.target, has_query ? "&" : "?", place.name, "=", key});
      return;
    }
  }
}

}  // namespace policy
