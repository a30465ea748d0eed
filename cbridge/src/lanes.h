// Vectors of eight floats for the kernels of a CPU, for loops that the compiler does not vectorize
// well by itself.
#pragma once

#include <cstring>
#include <type_traits>

#include "vecmath.h"

namespace cb {

// A register of AVX2; the compiler does arithmetic on it as on a number.
constexpr int64_t kLanes = 8;
using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));
using Words = uint32_t __attribute__((vector_size(kLanes * sizeof(uint32_t))));
using Halves = uint16_t __attribute__((vector_size(kLanes * sizeof(uint16_t))));

inline Lanes fast_exp(Lanes x) {
  return fast_exp_of<Lanes, int32_t __attribute__((vector_size(kLanes * sizeof(int32_t))))>(x);
}

inline Lanes load(const float* x) {
  Lanes v;
  std::memcpy(&v, x, sizeof v);
  return v;
}

inline Lanes load(const Bf16* x) {
  Halves v;
  std::memcpy(&v, x, sizeof v);
  return std::bit_cast<Lanes>(__builtin_convertvector(v, Words) << 16U);
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

}  // namespace cb
