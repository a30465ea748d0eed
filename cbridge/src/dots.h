// The products of a few short vectors with many rows, of which attention is made on a CPU: their
// sums stay in registers, and a row is read once for all vectors.
#pragma once

#include <cstring>
#include <type_traits>

#include "lanes.h"

namespace cb {

inline float sum_of(Lanes v) {
  float x[kLanes];
  std::memcpy(x, &v, sizeof x);
  for (int64_t half = kLanes / 2; half > 0; half /= 2)
    for (int64_t i = 0; i < half; i++) x[i] += x[half + i];
  return x[0];
}

// out[i * step + t] = x_i row(t), for the G vectors x [G, dim] and t < len.
template <int64_t G, class Row>
void dots_of(const float* x, const Row& row, int64_t len, int64_t dim, float* out, int64_t step) {
  const int64_t whole = dim / kLanes * kLanes;
  for (int64_t t = 0; t < len; t++) {
    const auto* r = row(t);
    Lanes sum[G] = {};
    for (int64_t d = 0; d < whole; d += kLanes) {
      const Lanes part = load(r + d);
      for (int64_t i = 0; i < G; i++) sum[i] += load(x + i * dim + d) * part;
    }
    for (int64_t i = 0; i < G; i++) {
      float s = sum_of(sum[i]);
      for (int64_t d = whole; d < dim; d++) s += x[i * dim + d] * as_float(r[d]);
      out[i * step + t] = s;
    }
  }
}

// out_i = sum over t < len of a[i * step + t] row(t), for G vectors out [G, dim].
template <int64_t G, class Row>
void sums_of(const float* a, int64_t step, const Row& row, int64_t len, int64_t dim, float* out) {
  const int64_t whole = dim / kLanes * kLanes;
  for (int64_t d = 0; d < whole; d += kLanes) {
    Lanes sum[G] = {};
    for (int64_t t = 0; t < len; t++) {
      const Lanes part = load(row(t) + d);
      for (int64_t i = 0; i < G; i++) sum[i] += a[i * step + t] * part;
    }
    for (int64_t i = 0; i < G; i++) std::memcpy(out + i * dim + d, &sum[i], sizeof(Lanes));
  }
  for (int64_t i = 0; i < G; i++) {
    for (int64_t d = whole; d < dim; d++) {
      float s = 0;
      for (int64_t t = 0; t < len; t++) s += a[i * step + t] * as_float(row(t)[d]);
      out[i * dim + d] = s;
    }
  }
}

// Calls f(first, G as a constant) for the vectors [first, first + G) of g, at most four at a time.
template <class F>
void by_fours(int64_t g, const F& f) {
  int64_t i = 0;
  for (; i + 4 <= g; i += 4) f(i, std::integral_constant<int64_t, 4>{});
  switch (g - i) {
    case 3:
      return f(i, std::integral_constant<int64_t, 3>{});
    case 2:
      return f(i, std::integral_constant<int64_t, 2>{});
    case 1:
      return f(i, std::integral_constant<int64_t, 1>{});
    default:
      return;
  }
}

// The same for any number g of vectors.
template <class Row>
void dots(const float* x, int64_t g, const Row& row, int64_t len, int64_t dim, float* out,
          int64_t step) {
  by_fours(g, [&](int64_t i, auto of) {
    dots_of<decltype(of)::value>(x + i * dim, row, len, dim, out + i * step, step);
  });
}

template <class Row>
void sums(const float* a, int64_t step, int64_t g, const Row& row, int64_t len, int64_t dim,
          float* out) {
  by_fours(g, [&](int64_t i, auto of) {
    sums_of<decltype(of)::value>(a + i * step, step, row, len, dim, out + i * dim);
  });
}

}  // namespace cb
