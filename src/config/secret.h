#pragma once

// A value that nobody may see: an API key, a client's token.

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace config {

// What stands for a secret wherever it would be shown.
inline constexpr std::string_view secret_mask = "********";

// Value. Wiped when it ends. It is no string and has no print of its own, so that a log or an error
// cannot show it by mistake: who needs the text says reveal().
class Secret {
 public:
  Secret() = default;
  // `source`: how the configuration says it without saying it, "${NAME}" or "${file:/PATH}"; ""
  // where it is written out.
  explicit Secret(std::string_view text, std::string source = {})
      : text_(text), source_(std::move(source)) {}
  Secret(const Secret& other) = default;
  // Copies and wipes: moving a short string would leave its bytes where they were.
  Secret(Secret&& other) noexcept { *this = std::move(other); }
  Secret& operator=(const Secret& other) {
    if (this != &other) {
      wipe();
      text_ = other.text_;
      source_ = other.source_;
    }
    return *this;
  }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      *this = std::as_const(other);
      other.wipe();
    }
    return *this;
  }
  ~Secret() { wipe(); }

  [[nodiscard]] bool empty() const { return text_.empty(); }
  // For who sends it, and nobody else. Borrowed.
  [[nodiscard]] std::string_view reveal() const { return text_; }

  // How the configuration names it, "" where it stands there itself.
  [[nodiscard]] const std::string& source() const { return source_; }
  // What may be shown of it: its source, else the mask.
  [[nodiscard]] std::string shown() const {
    return source_.empty() ? std::string(secret_mask) : source_;
  }

  // In a time that depends on the lengths alone.
  [[nodiscard]] bool operator==(const Secret& other) const {
    if (text_.size() != other.text_.size()) return false;
    unsigned difference = 0;
    for (size_t i = 0; i < text_.size(); ++i) {
      difference |= static_cast<unsigned>(static_cast<unsigned char>(text_[i]) ^
                                          static_cast<unsigned char>(other.text_[i]));
    }
    return difference == 0;
  }

 private:
  void wipe() {
    explicit_bzero(text_.data(), text_.size());
    text_.clear();
  }

  std::string text_;
  std::string source_;
};

}  // namespace config
