// What every test program of cbridge uses: checks that print where they failed and count, and a
// main that also asserts that no handle was left alive.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/abs.h>

#include <cstdio>
#include <string>

#include "cbridge.h"

namespace test {

inline int failures = 0;

inline void fail(const char* file, int line, const std::string& what) {
  std::fprintf(stderr, "%s:%d: %s\n", file, line, what.c_str());
  failures++;
}

// Largest |a - b| / (1 + |b|) over all elements, in double precision; infinite for other shapes.
inline double distance(const at::Tensor& a, const at::Tensor& b) {
  if (!a.sizes().equals(b.sizes())) return INFINITY;
  const at::Tensor x = a.to(at::kDouble), y = b.to(at::kDouble);
  if (x.numel() == 0) return 0;
  const double d = x.sub(y).abs().div(y.abs().add(1)).max().item<double>();
  return d == d ? d : INFINITY;
}

inline bool same(const at::Tensor& a, const at::Tensor& b) { return distance(a, b) == 0; }

// Runs all tests of a program; returns its exit status.
template <class F>
int run(F&& all) {
  const int64_t before = cb_live_handles();
  all();
  if (const int64_t left = cb_live_handles() - before; left != 0) {
    fail(__FILE__, __LINE__, std::to_string(left) + " handles were left alive");
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace test

#define EXPECT(condition)                                                    \
  do {                                                                       \
    if (!(condition)) test::fail(__FILE__, __LINE__, "not so: " #condition); \
  } while (0)

// A call that must succeed; e is the cb_err that it fills.
#define EXPECT_OK(call)                                                    \
  do {                                                                     \
    if ((call) != CB_OK) {                                                 \
      test::fail(__FILE__, __LINE__, std::string(#call ": ") + e.message); \
    }                                                                      \
  } while (0)

// A call that must fail with the given code and one line of text.
#define EXPECT_FAILS(call, want)                                                               \
  do {                                                                                         \
    const int32_t got = (call);                                                                \
    const std::string text = e.message;                                                        \
    if (got != (want) || e.code != (want)) {                                                   \
      test::fail(__FILE__, __LINE__, #call " gave code " + std::to_string(got) + ": " + text); \
    }                                                                                          \
    if (text.empty() || text.find('\n') != std::string::npos) {                                \
      test::fail(__FILE__, __LINE__, #call ": not one line of text: " + text);                 \
    }                                                                                          \
  } while (0)

// Tensors that agree within tol in relative-or-absolute terms.
#define EXPECT_NEAR(a, b, tol)                                                                   \
  do {                                                                                           \
    const double distance_ = test::distance((a), (b));                                           \
    if (!(distance_ <= (tol))) {                                                                 \
      test::fail(__FILE__, __LINE__, #a " differs from " #b " by " + std::to_string(distance_)); \
    }                                                                                            \
  } while (0)
