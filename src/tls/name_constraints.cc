// DER is read here where mbedTLS does not: everything is untrusted, and what cannot be read is
// refused.
#include "tls/name_constraints.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <optional>
#include <string_view>

#include <mbedtls/asn1.h>
#include <mbedtls/oid.h>
#include <mbedtls/x509_crt.h>

#include "base/ascii.h"

namespace tls {
namespace {

using namespace std::string_view_literals;

constexpr int sequence_tag = MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE;
constexpr int set_tag = MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SET;
constexpr unsigned char directory_tag =
    MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_ASN1_CONSTRUCTED | 4;
constexpr unsigned char dns_tag = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 2;
constexpr unsigned char address_tag = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 7;
constexpr unsigned char permitted_tag = MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_ASN1_CONSTRUCTED;
constexpr unsigned char excluded_tag = permitted_tag | 1;
constexpr std::string_view name_constraints_oid = MBEDTLS_OID_NAME_CONSTRAINTS;
constexpr std::string_view alternative_names_oid = MBEDTLS_OID_SUBJECT_ALT_NAME;
// Names times constraints: what OpenSSL allows.
constexpr size_t comparisons_max = size_t{1} << 20;

constexpr std::string_view unreadable = "its name constraints or names cannot be read";

// Value: what is left of a piece of DER. Borrows the bytes.
class Der {
 public:
  explicit Der(std::string_view bytes)
      // mbedTLS takes it non-const, but does not write to it.
      : at_(reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()))),
        end_(at_ + bytes.size()) {}
  [[nodiscard]] bool empty() const { return at_ == end_; }
  [[nodiscard]] unsigned char tag() const { return empty() ? 0 : *at_; }
  // The content of the next element, if it has that tag.
  [[nodiscard]] std::optional<std::string_view> take(int tag) {
    size_t size = 0;
    if (mbedtls_asn1_get_tag(&at_, end_, &size, tag) != 0) return std::nullopt;
    const std::string_view content(reinterpret_cast<const char*>(at_), size);
    at_ += size;
    return content;
  }

 private:
  unsigned char* at_;
  const unsigned char* end_;
};

std::string_view view(const mbedtls_x509_buf& bytes) {
  return {reinterpret_cast<const char*>(bytes.p), bytes.len};
}

struct Extension {
  bool readable = true;
  std::optional<std::string_view> content;
};

// What the extension of that OID holds; unreadable also where it stands there twice.
Extension find_extension(const mbedtls_x509_crt& certificate, std::string_view oid) {
  constexpr Extension broken{false, std::nullopt};
  Extension found;
  if (certificate.v3_ext.len == 0) return found;
  const auto list = Der(view(certificate.v3_ext)).take(sequence_tag);
  if (!list) return broken;
  for (Der extensions(*list); !extensions.empty();) {
    const auto one = extensions.take(sequence_tag);
    if (!one) return broken;
    Der parts(*one);
    const auto id = parts.take(MBEDTLS_ASN1_OID);
    if (!id) return broken;
    if (*id != oid) continue;
    if (parts.tag() == MBEDTLS_ASN1_BOOLEAN) (void)parts.take(MBEDTLS_ASN1_BOOLEAN);
    const auto content = parts.take(MBEDTLS_ASN1_OCTET_STRING);
    if (!content || found.content) return broken;
    found.content = content;
  }
  return found;
}

// Value: one name, or the base of a subtree of names.
struct GeneralName {
  unsigned char tag;
  std::string_view bytes;
};

struct Subtrees {
  std::vector<GeneralName> permitted;
  std::vector<GeneralName> excluded;
};

bool read_subtrees(std::string_view der, std::vector<GeneralName>& into) {
  for (Der list(der); !list.empty();) {
    const auto subtree = list.take(sequence_tag);
    if (!subtree) return false;
    Der parts(*subtree);
    const unsigned char tag = parts.tag();
    const auto base = parts.take(tag);
    // RFC 5280 has no use for a minimum or a maximum.
    if (!base || !parts.empty()) return false;
    into.push_back({tag, *base});
  }
  return !into.empty();
}

std::optional<Subtrees> read_constraints(std::string_view extension) {
  const auto content = Der(extension).take(sequence_tag);
  if (!content) return std::nullopt;
  Subtrees subtrees;
  Der parts(*content);
  if (parts.tag() == permitted_tag) {
    const auto list = parts.take(permitted_tag);
    if (!list || !read_subtrees(*list, subtrees.permitted)) return std::nullopt;
  }
  if (parts.tag() == excluded_tag) {
    const auto list = parts.take(excluded_tag);
    if (!list || !read_subtrees(*list, subtrees.excluded)) return std::nullopt;
  }
  if (!parts.empty()) return std::nullopt;
  return subtrees;
}

// Names of hosts.

std::string canonical_host(std::string_view text) {
  if (!text.empty() && text.back() == '.') text.remove_suffix(1);
  return base::in_lower_case(text);
}

// Whether `base` with labels to its left, or none, is `name`; ".x" stands for some, as in OpenSSL.
bool host_within(std::string_view name, std::string_view base) {
  if (base.empty()) return true;
  if (!name.ends_with(base)) return false;
  if (name.size() == base.size() || base.front() == '.') return true;
  return name[name.size() - base.size() - 1] == '.';
}

// Whether `name` stands for a host within `base`: "*.x" stands for one that is called `base` too.
bool host_touches(std::string_view name, std::string_view base) {
  if (host_within(name, base)) return true;
  if (!name.starts_with("*.")) return false;
  const size_t dot = base.find('.');
  return dot != std::string_view::npos && dot > 0 && base.substr(dot) == name.substr(1);
}

// IP addresses: a constraint is an address with a mask behind it.
bool address_within(std::string_view address, std::string_view base) {
  if (base.size() != 2 * address.size()) return false;
  for (size_t i = 0; i < address.size(); ++i) {
    const auto mask = static_cast<unsigned char>(base[address.size() + i]);
    if (((address[i] ^ base[i]) & mask) != 0) return false;
  }
  return true;
}

// Directory names.

// RFC 5280 7.1, roughly: case and runs of blanks do not count, nor which kind of string it is.
std::string canonical_value(std::string_view text) {
  std::string canonical;
  for (const char c : text) {
    const bool is_blank = c == ' ' || c == '\t';
    if (is_blank && (canonical.empty() || canonical.back() == ' ')) continue;
    canonical += is_blank ? ' ' : base::to_lower(c);
  }
  if (!canonical.empty() && canonical.back() == ' ') canonical.pop_back();
  return canonical;
}

// A text for each part of `name`, the content of a Name's SEQUENCE.
std::optional<std::vector<std::string>> read_directory_name(std::string_view name) {
  std::vector<std::string> parts;
  for (Der list(name); !list.empty();) {
    const auto set = list.take(set_tag);
    if (!set) return std::nullopt;
    std::string& part = parts.emplace_back();
    for (Der attributes(*set); !attributes.empty();) {
      const auto attribute = attributes.take(sequence_tag);
      if (!attribute) return std::nullopt;
      Der pair(*attribute);
      const auto type = pair.take(MBEDTLS_ASN1_OID);
      const auto value = type ? pair.take(pair.tag()) : std::nullopt;
      if (!value) return std::nullopt;
      const std::string canonical = canonical_value(*value);
      part += fmt::format("{}:{}={}:{};", type->size(), *type, canonical.size(), canonical);
    }
  }
  return parts;
}

bool directory_within(std::string_view name, std::string_view base) {
  const auto whole = read_directory_name(name);
  const auto start = read_directory_name(base);
  return whole && start && start->size() <= whole->size() &&
         std::equal(start->begin(), start->end(), whole->begin());
}

// Subtrees.

enum class Subtree : bool { permitted, excluded };

bool within(const GeneralName& name, const GeneralName& base, Subtree kind) {
  switch (name.tag) {
    case dns_tag: {
      const std::string host = canonical_host(name.bytes);
      const std::string domain = canonical_host(base.bytes);
      return kind == Subtree::excluded ? host_touches(host, domain) : host_within(host, domain);
    }
    case address_tag:
      return address_within(name.bytes, base.bytes);
    case directory_tag: {
      // Explicitly tagged: a whole Name within.
      const auto whole = Der(name.bytes).take(sequence_tag);
      const auto start = Der(base.bytes).take(sequence_tag);
      return whole && start && directory_within(*whole, *start);
    }
    default:
      return kind == Subtree::excluded;  // not ours to compare: refused either way
  }
}

std::string name_text(const GeneralName& name) {
  switch (name.tag) {
    case dns_tag:
      return fmt::format("\"{}\"", name.bytes.substr(0, 256));
    case address_tag: {
      char text[INET6_ADDRSTRLEN] = "(unreadable)";
      if (name.bytes.size() == 4 || name.bytes.size() == 16) {
        const int family = name.bytes.size() == 4 ? AF_INET : AF_INET6;
        (void)inet_ntop(family, name.bytes.data(), text, sizeof text);
      }
      return fmt::format("the address {}", text);
    }
    case directory_tag:
      return "its subject";
    default:
      return "a name of a kind that we cannot check";
  }
}

// Which of `names` a CA with `subtrees` may not sign; null: none.
const GeneralName* find_forbidden(const std::vector<GeneralName>& names, const Subtrees& subtrees) {
  for (const GeneralName& name : names) {
    const auto covers = [&](const GeneralName& base, Subtree kind) {
      return base.tag == name.tag && within(name, base, kind);
    };
    bool constrained = false;
    bool permitted = false;
    for (const GeneralName& base : subtrees.permitted) {
      constrained = constrained || base.tag == name.tag;
      permitted = permitted || covers(base, Subtree::permitted);
    }
    if (constrained && !permitted) return &name;
    const bool excluded = std::any_of(
        subtrees.excluded.begin(), subtrees.excluded.end(), [&](const GeneralName& base) {
          return covers(base, Subtree::excluded);
        });
    if (excluded) return &name;
  }
  return nullptr;
}

bool is_host_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return base::is_letter_or_digit(c) || "-._*"sv.find(c) != std::string_view::npos;
  });
}

// All the names of `certificate`; nullopt: unreadable.
std::optional<std::vector<GeneralName>> names_of(const mbedtls_x509_crt& certificate,
                                                 int depth,
                                                 CommonName common_name) {
  std::vector<GeneralName> names;
  const Extension alternative = find_extension(certificate, alternative_names_oid);
  if (!alternative.readable) return std::nullopt;
  bool has_hosts = false;
  if (alternative.content) {
    const auto list = Der(*alternative.content).take(sequence_tag);
    if (!list) return std::nullopt;
    for (Der each(*list); !each.empty();) {
      const unsigned char tag = each.tag();
      const auto bytes = each.take(tag);
      if (!bytes) return std::nullopt;
      names.push_back({tag, *bytes});
      has_hosts = has_hosts || tag == dns_tag;
    }
  }
  // As in a directoryName: the whole Name. An empty one names nobody.
  const std::string_view subject = view(certificate.subject_raw);
  const auto parts = Der(subject).take(sequence_tag);
  if (!parts) return std::nullopt;
  if (!parts->empty()) names.push_back({directory_tag, subject});
  if (has_hosts || depth > 0) return names;
  for (const mbedtls_x509_name* part = &certificate.subject; part != nullptr; part = part->next) {
    if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &part->oid) != 0) continue;
    const std::string_view text = view(part->val);
    const bool counts =
        common_name == CommonName::a_host || text.find('.') != std::string_view::npos;
    if (counts && is_host_name(text)) names.push_back({dns_tag, text});
  }
  return names;
}

std::string issuer_text(const mbedtls_x509_crt& authority) {
  char text[256];
  if (mbedtls_x509_dn_gets(text, sizeof text, &authority.subject) <= 0) return "a CA of its chain";
  return fmt::format("the CA \"{}\"", text);
}

}  // namespace

std::string NameConstraints::take(const mbedtls_x509_crt& certificate,
                                  int depth,
                                  CommonName common_name) {
  const bool renews_itself =
      depth > 0 && view(certificate.subject_raw) == view(certificate.issuer_raw);
  if (!constraining_.empty() && !renews_itself) {
    const auto names = names_of(certificate, depth, common_name);
    if (!names) return std::string(unreadable);
    for (const mbedtls_x509_crt* authority : constraining_) {
      const Extension extension = find_extension(*authority, name_constraints_oid);
      const auto subtrees = read_constraints(*extension.content);
      if (!subtrees) return std::string(unreadable);
      const size_t count = subtrees->permitted.size() + subtrees->excluded.size();
      if (names->size() * count > comparisons_max) return "it has too many names to check";
      if (const GeneralName* name = find_forbidden(*names, *subtrees)) {
        return fmt::format(
            "{} may not sign for {} (name constraints)", issuer_text(*authority), name_text(*name));
      }
    }
  }
  if (depth == 0) {
    constraining_.clear();
    return {};
  }
  const Extension own = find_extension(certificate, name_constraints_oid);
  if (!own.readable) return std::string(unreadable);
  if (!own.content) return {};
  if (!read_constraints(*own.content)) return std::string(unreadable);
  constraining_.push_back(&certificate);
  return {};
}

}  // namespace tls
