#pragma once

// Handle: RAII over uv_close for handles that need nothing else.

#include <utility>

#include <uv.h>

namespace net {

// Owns one libuv handle. Its memory lives in a Cell that only the close callback frees, so the
// owner may be destroyed at any time, also from inside one of its own callbacks. The handle must
// have been initialised (uv_..._init) by the time it is closed. The loop's thread.
template <class H>
class Handle {
 public:
  struct Cell {
    H handle{};
    void* owner = nullptr;
  };

  explicit Handle(void* owner) : cell_(new Cell) {
    cell_->owner = owner;
    cell_->handle.data = cell_;
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  Handle(Handle&&) = delete;
  Handle& operator=(Handle&&) = delete;
  ~Handle() { close(); }

  // No callback finds the owner after this. Idempotent.
  void close() noexcept {
    if (cell_ == nullptr) return;
    Cell* cell = std::exchange(cell_, nullptr);
    cell->owner = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&cell->handle),
             [](uv_handle_t* h) { delete static_cast<Cell*>(h->data); });
  }

  [[nodiscard]] bool is_open() const { return cell_ != nullptr; }
  // Not after close().
  [[nodiscard]] H* get() const { return &cell_->handle; }

  // In a C callback: the owner, or nullptr when the handle was closed.
  template <class Owner>
  [[nodiscard]] static Owner* owner_of(const H* handle) {
    return static_cast<Owner*>(static_cast<const Cell*>(handle->data)->owner);
  }

 private:
  Cell* cell_;
};

}  // namespace net
