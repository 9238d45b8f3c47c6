#pragma once

// A reference count without atomics, for objects that one thread shares with itself.

#include <cstddef>
#include <utility>

namespace base {

// Base of what is counted. One thread.
class Counted {
 public:
  Counted() = default;
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  Counted(Counted&&) = delete;
  Counted& operator=(Counted&&) = delete;

 protected:
  ~Counted() = default;

 private:
  template <class>
  friend class Ref;
  size_t references_ = 0;
};

// Holds one reference; the last one deletes the object.
template <class T>
class Ref {
 public:
  Ref() = default;
  explicit Ref(T* object) : object_(object) { retain(); }
  Ref(const Ref& other) : object_(other.object_) { retain(); }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(const Ref& other) {
    if (this != &other) {
      reset();
      object_ = other.object_;
      retain();
    }
    return *this;
  }
  Ref& operator=(Ref&& other) noexcept {
    if (this != &other) {
      reset();
      object_ = std::exchange(other.object_, nullptr);
    }
    return *this;
  }
  ~Ref() { reset(); }

  void reset() {
    T* object = std::exchange(object_, nullptr);
    if (object != nullptr && --static_cast<Counted*>(object)->references_ == 0) delete object;
  }
  explicit operator bool() const { return object_ != nullptr; }
  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }

 private:
  void retain() {
    if (object_ != nullptr) ++static_cast<Counted*>(object_)->references_;
  }

  T* object_ = nullptr;
};

}  // namespace base
