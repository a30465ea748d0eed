// The one place where C++ exceptions end: every exported function runs its body inside guard().
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "cbridge.h"

namespace cb {

// An error found by cbridge itself, with its code.
struct Error : std::exception {
  int32_t code;
  std::string text;
  Error(int32_t c, std::string t) : code(c), text(std::move(t)) {}
  const char* what() const noexcept override { return text.c_str(); }
};

// Refuses a bad argument in one line.
inline void check(bool ok, const char* text) {
  if (!ok) throw Error(CB_ERR_ARGUMENT, text);
}

// Runs body, turns every exception into a code and one line of text in *e.
int32_t guard_call(const std::function<void()>& body, cb_err* e) noexcept;

template <class F>
int32_t guard(cb_err* e, F&& body) noexcept {
  return guard_call(std::forward<F>(body), e);
}

// Live handles of every kind.
extern std::atomic<int64_t> live;

// Base of every handle type: counts itself.
struct Counted {
  Counted() { live.fetch_add(1, std::memory_order_relaxed); }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { live.fetch_sub(1, std::memory_order_relaxed); }
};

}  // namespace cb
