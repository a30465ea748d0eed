// Vectors of eight floats for the kernels of a CPU, for loops that the compiler does not vectorize
// well by itself.
#pragma once

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include <cstring>
#include <type_traits>

#include "vecmath.h"

namespace cb {

// A register of AVX2; the compiler does arithmetic on it as on a number.
constexpr int64_t kLanes = 8;
using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));
using Words = uint32_t __attribute__((vector_size(kLanes * sizeof(uint32_t))));
using Halves = uint16_t __attribute__((vector_size(kLanes * sizeof(uint16_t))));

using Quad = float __attribute__((vector_size(4 * sizeof(float))));  // half of one

inline Lanes fast_exp(Lanes x) {
  return fast_exp_of<Lanes, int32_t __attribute__((vector_size(kLanes * sizeof(int32_t))))>(x);
}

inline Lanes load(const float* x) {
  Lanes v;
  std::memcpy(&v, x, sizeof v);
  return v;
}

inline Lanes load(const Bf16* x) {
#ifdef __AVX2__  // one instruction, of which GCC makes five
  __m128i v;
  std::memcpy(&v, x, sizeof v);
  return std::bit_cast<Lanes>(_mm256_slli_epi32(_mm256_cvtepu16_epi32(v), 16));
#else
  Halves v;
  std::memcpy(&v, x, sizeof v);
  return std::bit_cast<Lanes>(__builtin_convertvector(v, Words) << 16U);
#endif
}

// The Lanes at x, or its first n values and zeros.
template <bool Whole, class T>
Lanes load_lanes(const T* x, int64_t n) {
  if constexpr (Whole) return load(x);
  T part[kLanes] = {};
  std::memcpy(part, x, static_cast<size_t>(n) * sizeof(T));
  return load(part);
}

// The V at x, which is Lanes or float.
template <class V, class T>
V load_as(const T* x) {
  if constexpr (std::is_same_v<V, Lanes>) {
    return load(x);
  } else {
    return as_float(*x);
  }
}

inline void round_into(float* to, Lanes v) { std::memcpy(to, &v, sizeof v); }

inline void round_into(Bf16* to, Lanes v) {
  const auto half = __builtin_convertvector(bf16_bits(std::bit_cast<Words>(v)), Halves);
  std::memcpy(to, &half, sizeof half);
}

// All of v, or its first n lanes.
template <bool Whole, class T>
void round_lanes_into(T* to, Lanes v, int64_t n) {
  if constexpr (Whole) return round_into(to, v);
  T part[kLanes];
  round_into(part, v);
  std::memcpy(to, part, static_cast<size_t>(n) * sizeof(T));
}

// The sum of a vector's lanes: halves, then their halves, then the last two.
inline float lane_sum(Lanes v) {
  float x[kLanes];
  std::memcpy(x, &v, sizeof x);
  for (int64_t half = kLanes / 2; half > 0; half /= 2)
    for (int64_t i = 0; i < half; i++) x[i] += x[half + i];
  return x[0];
}

// Those of four vectors, every bit the same.
inline Quad lane_sums(Lanes a, Lanes b, Lanes c, Lanes d) {
  using Order = int32_t __attribute__((vector_size(kLanes * sizeof(int32_t))));
  using Short = int32_t __attribute__((vector_size(4 * sizeof(int32_t))));
  const Order low = {0, 1, 2, 3, 8, 9, 10, 11}, high = {4, 5, 6, 7, 12, 13, 14, 15};
  const Order first = {0, 1, 8, 9, 4, 5, 12, 13}, last = {2, 3, 10, 11, 6, 7, 14, 15};
  const Lanes ab = __builtin_shuffle(a, b, low) + __builtin_shuffle(a, b, high);
  const Lanes cd = __builtin_shuffle(c, d, low) + __builtin_shuffle(c, d, high);
  const Lanes s = __builtin_shuffle(ab, cd, first) + __builtin_shuffle(ab, cd, last);
  Quad ac, bd;  // two sums of each are left
  std::memcpy(&ac, &s, sizeof ac);
  std::memcpy(&bd, reinterpret_cast<const char*>(&s) + sizeof ac, sizeof bd);
  return __builtin_shuffle(ac, bd, Short{0, 4, 2, 6}) +
         __builtin_shuffle(ac, bd, Short{1, 5, 3, 7});
}

}  // namespace cb
