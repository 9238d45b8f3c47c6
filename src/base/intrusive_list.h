#pragma once

// Doubly linked list whose link lives in the element: O(1) removal, no allocation.
// Resource; the list never owns its elements. One thread.

#include <cstddef>

#include "base/check.h"

namespace base {

// Derive publicly from ListLink<T>; an element unlinks itself when destroyed. `Tag` lets one class
// stand in several lists.
template <class T, class Tag = void>
class ListLink {
 public:
  ListLink() = default;
  ~ListLink() { unlink(); }
  ListLink(const ListLink&) = delete;
  ListLink& operator=(const ListLink&) = delete;
  ListLink(ListLink&&) = delete;
  ListLink& operator=(ListLink&&) = delete;

  [[nodiscard]] bool is_linked() const { return next_ != nullptr; }

  // Leaves its list, if it is in one.
  void unlink() {
    if (next_ == nullptr) return;
    next_->previous_ = previous_;
    previous_->next_ = next_;
    next_ = previous_ = nullptr;
  }

 private:
  template <class, class>
  friend class IntrusiveList;
  ListLink* next_ = nullptr;
  ListLink* previous_ = nullptr;
};

template <class T, class Tag = void>
class IntrusiveList {
 public:
  using Link = ListLink<T, Tag>;

  IntrusiveList() { head_.next_ = head_.previous_ = &head_; }
  // Elements outlive the list or unlinked before: whoever is left becomes unlinked.
  ~IntrusiveList() {
    while (!empty())
      front().Link::unlink();
    head_.next_ = head_.previous_ = nullptr;
  }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  IntrusiveList(IntrusiveList&&) = delete;
  IntrusiveList& operator=(IntrusiveList&&) = delete;

  [[nodiscard]] bool empty() const { return head_.next_ == &head_; }
  [[nodiscard]] T& front() { return *static_cast<T*>(head_.next_); }
  [[nodiscard]] T& back() { return *static_cast<T*>(head_.previous_); }
  void push_back(T& element) { insert(*head_.previous_, element); }

  // Takes the first element out; nullptr when empty.
  T* pop_front() {
    if (empty()) return nullptr;
    T& element = front();
    element.Link::unlink();
    return &element;
  }

  // Calls `visit(T&)` on each; visit may unlink or destroy the element it is given, no other.
  template <class Visit>
  void for_each(Visit visit) {
    for (Link* link = head_.next_; link != &head_;) {
      Link* next = link->next_;
      visit(*static_cast<T*>(link));
      link = next;
    }
  }

 private:
  void insert(Link& after, T& element) {
    Link& link = element;
    check_that(!link.is_linked(), "an element stands in one list");
    link.next_ = after.next_;
    link.previous_ = &after;
    after.next_->previous_ = &link;
    after.next_ = &link;
  }

  Link head_;
};

}  // namespace base
