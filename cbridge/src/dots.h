// The products of a few short vectors with many rows, of which attention is made on a CPU: their
// sums stay in registers, of which AVX2 has sixteen, and a row is read once for all vectors.
#pragma once

#include <cstring>
#include <type_traits>

#include "lanes.h"

namespace cb {

// out[i * step + t] = x_i row(t), for the G vectors x [G, dim] and T rows from t on.
template <int64_t G, int64_t T, class Row>
inline void dots_at(const float* x, const Row& row, int64_t t, int64_t dim, float* out,
                    int64_t step) {
  static_assert(T == 1 || T == 4);
  const int64_t whole = dim / kLanes * kLanes;
  decltype(row(t)) r[T];
  for (int64_t u = 0; u < T; u++) r[u] = row(t + u);
  Lanes sum[G][T] = {};
  for (int64_t d = 0; d < whole; d += kLanes) {
    Lanes q[G];
    for (int64_t i = 0; i < G; i++) q[i] = load(x + i * dim + d);
    for (int64_t u = 0; u < T; u++) {
      const Lanes part = load(r[u] + d);
      for (int64_t i = 0; i < G; i++) sum[i][u] += q[i] * part;
    }
  }
#pragma GCC unroll 4  // GCC would keep the sums in memory for a loop
  for (int64_t i = 0; i < G; i++) {
    float s[T];
    if constexpr (T == 4) {
      const Quad four = lane_sums(sum[i][0], sum[i][1], sum[i][2], sum[i][3]);
      std::memcpy(s, &four, sizeof s);
    } else {
      s[0] = lane_sum(sum[i][0]);
    }
    for (int64_t u = 0; u < T; u++) {
      for (int64_t d = whole; d < dim; d++) s[u] += x[i * dim + d] * as_float(r[u][d]);
      out[i * step + t + u] = s[u];
    }
  }
}

template <int64_t G, class Row>
void dots_of(const float* x, const Row& row, int64_t len, int64_t dim, float* out, int64_t step) {
  int64_t t = 0;
  for (; t + 4 <= len; t += 4) dots_at<G, 4>(x, row, t, dim, out, step);
  for (; t < len; t++) dots_at<G, 1>(x, row, t, dim, out, step);
}

// out_i[d] = sum over t < len of a[i * step + t] row(t)[d], for G vectors out [G, dim] and B times
// the lanes of V from d on.
template <int64_t G, int64_t B, class V, class Row>
inline void sums_at(const float* a, int64_t step, const Row& row, int64_t len, int64_t d,
                    int64_t dim, float* out) {
  constexpr int64_t lanes = sizeof(V) / sizeof(float);
  V sum[G][B] = {};
  for (int64_t t = 0; t < len; t++) {
    const auto* r = row(t) + d;
    for (int64_t b = 0; b < B; b++) {
      const V part = load_as<V>(r + b * lanes);
      for (int64_t i = 0; i < G; i++) sum[i][b] += a[i * step + t] * part;
    }
  }
#pragma GCC unroll 4
  for (int64_t i = 0; i < G; i++) {
#pragma GCC unroll 4
    for (int64_t b = 0; b < B; b++)
      std::memcpy(out + i * dim + d + b * lanes, &sum[i][b], sizeof(V));
  }
}

template <int64_t G, class Row>
void sums_of(const float* a, int64_t step, const Row& row, int64_t len, int64_t dim, float* out) {
  constexpr int64_t blocks = 4;
  int64_t d = 0;
  for (; d + blocks * kLanes <= dim; d += blocks * kLanes)
    sums_at<G, blocks, Lanes>(a, step, row, len, d, dim, out);
  for (; d + kLanes <= dim; d += kLanes) sums_at<G, 1, Lanes>(a, step, row, len, d, dim, out);
  for (; d < dim; d++) sums_at<G, 1, float>(a, step, row, len, d, dim, out);
}

// Calls f(first, G as a constant) for the vectors [first, first + G) of g, at most three at a time:
// twelve sums, and what they are made of.
template <class F>
void by_threes(int64_t g, const F& f) {
  int64_t i = 0;
  for (; g - i >= 5 || g - i == 3; i += 3) f(i, std::integral_constant<int64_t, 3>{});
  for (; g - i >= 2; i += 2) f(i, std::integral_constant<int64_t, 2>{});
  if (i < g) f(i, std::integral_constant<int64_t, 1>{});
}

// The same for any number g of vectors.
template <class Row>
void dots(const float* x, int64_t g, const Row& row, int64_t len, int64_t dim, float* out,
          int64_t step) {
  by_threes(g, [&](int64_t i, auto of) {
    dots_of<decltype(of)::value>(x + i * dim, row, len, dim, out + i * step, step);
  });
}

template <class Row>
void sums(const float* a, int64_t step, int64_t g, const Row& row, int64_t len, int64_t dim,
          float* out) {
  by_threes(g, [&](int64_t i, auto of) {
    sums_of<decltype(of)::value>(a + i * step, step, row, len, dim, out + i * dim);
  });
}

}  // namespace cb
