// The products of a few short vectors with many rows, of which attention is made on a CPU: their
// sums stay in registers, of which AVX2 has sixteen, and a row is read once for all vectors.
#pragma once

#include <cstring>
#include <type_traits>

#include "lanes.h"

namespace cb {

// out[i * stride + t] = x_i row(t), for the G vectors x [G, dim] and T rows from t on.
template <int64_t G, int64_t T, class Row>
inline void dots_at(const float* x, const Row& row, int64_t t, int64_t dim, float* out,
                    int64_t stride) {
  static_assert(T == 1 || T == 4);
  const int64_t whole = dim / kLanes * kLanes;
  decltype(row(t)) r[T];
  for (int64_t u = 0; u < T; u++) r[u] = row(t + u);
  Lanes sum[G][T] = {};
  const auto add = [&](const auto& load_at) {
    Lanes q[G];
    for (int64_t i = 0; i < G; i++) q[i] = load_at(x + i * dim);
    for (int64_t u = 0; u < T; u++) {
      const Lanes part = load_at(r[u]);
      for (int64_t i = 0; i < G; i++) sum[i][u] += q[i] * part;
    }
  };
  for (int64_t d = 0; d < whole; d += kLanes) add([&](const auto* v) { return load(v + d); });
  if (whole < dim) add([&](const auto* v) { return load_lanes<false>(v + whole, dim - whole); });
#pragma GCC unroll 4  // GCC would keep the sums in memory for a loop
  for (int64_t i = 0; i < G; i++) {
    if constexpr (T == 4) {
      const Quad four = lane_sums(sum[i][0], sum[i][1], sum[i][2], sum[i][3]);
      std::memcpy(out + i * stride + t, &four, sizeof four);
    } else {
      out[i * stride + t] = lane_sum(sum[i][0]);
    }
  }
}

template <int64_t G, class Row>
void dots_of(const float* x, const Row& row, int64_t len, int64_t dim, float* out, int64_t stride) {
  int64_t t = 0;
  for (; t + 4 <= len; t += 4) dots_at<G, 4>(x, row, t, dim, out, stride);
  for (; t < len; t++) dots_at<G, 1>(x, row, t, dim, out, stride);
}

// out_i[d] = sum over t < len of a[i * stride + t] row(t)[d], for G vectors out [G, dim] and B
// blocks of lanes from d on; for n lanes where that is fewer than a block.
template <int64_t G, int64_t B, bool Whole, class Row>
inline void sums_at(const float* a, int64_t stride, const Row& row, int64_t len, int64_t d,
                    int64_t n, int64_t dim, float* out) {
  Lanes sum[G][B] = {};
  for (int64_t t = 0; t < len; t++) {
    const auto* r = row(t) + d;
    for (int64_t b = 0; b < B; b++) {
      const Lanes part = load_lanes<Whole>(r + b * kLanes, n);
      for (int64_t i = 0; i < G; i++) sum[i][b] += a[i * stride + t] * part;
    }
  }
#pragma GCC unroll 4
  for (int64_t i = 0; i < G; i++) {
#pragma GCC unroll 4
    for (int64_t b = 0; b < B; b++)
      round_lanes_into<Whole>(out + i * dim + d + b * kLanes, sum[i][b], n);
  }
}

// Calls f(d, blocks as a constant, whether they are whole as another, lanes) for the parts of dim
// values: four blocks at a time, single ones, and what is left.
template <class F>
void by_blocks(int64_t dim, const F& f) {
  using One = std::integral_constant<int64_t, 1>;
  using Four = std::integral_constant<int64_t, 4>;
  int64_t d = 0;
  for (; d + 4 * kLanes <= dim; d += 4 * kLanes) f(d, Four{}, std::true_type{}, kLanes);
  for (; d + kLanes <= dim; d += kLanes) f(d, One{}, std::true_type{}, kLanes);
  if (d < dim) f(d, One{}, std::false_type{}, dim - d);
}

template <int64_t G, class Row>
void sums_of(const float* a, int64_t stride, const Row& row, int64_t len, int64_t dim, float* out) {
  by_blocks(dim, [&](int64_t d, auto blocks, auto whole, int64_t n) {
    sums_at<G, decltype(blocks)::value, decltype(whole)::value>(a, stride, row, len, d, n, dim,
                                                                out);
  });
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

// dots_of and sums_of for any number g of vectors.
template <class Row>
void dots(const float* x, int64_t g, const Row& row, int64_t len, int64_t dim, float* out,
          int64_t stride) {
  by_threes(g, [&](int64_t i, auto of) {
    dots_of<decltype(of)::value>(x + i * dim, row, len, dim, out + i * stride, stride);
  });
}

template <class Row>
void sums(const float* a, int64_t stride, int64_t g, const Row& row, int64_t len, int64_t dim,
          float* out) {
  by_threes(g, [&](int64_t i, auto of) {
    sums_of<decltype(of)::value>(a + i * stride, stride, row, len, dim, out + i * dim);
  });
}

}  // namespace cb
