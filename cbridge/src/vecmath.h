// Functions and a type that the compiler can vectorize inside a loop.
#pragma once

#include <bit>
#include <cstdint>

namespace cb {

// A bfloat16 in memory. It is no number with operators: GCC vectorizes no loop in which an object
// of a class comes and goes, nor one that branches on NaN as libtorch's does.
struct Bf16 {
  uint16_t bits;
};

inline float as_float(float x) { return x; }
inline float as_float(Bf16 x) { return std::bit_cast<float>(static_cast<uint32_t>(x.bits) << 16U); }

inline void round_into(float* to, float x) { *to = x; }

// The bits of a bfloat16 from those of a float: the nearest, ties to even; NaN stays NaN. U is
// uint32_t or a vector of it.
template <class U>
U bf16_bits(U u) {
  const U rounded = (u + 0x7FFFU + ((u >> 16U) & 1U)) >> 16U;
  return (u & 0x7FFFFFFFU) > 0x7F800000U ? U{} + 0x7FC0U : rounded;
}

inline void round_into(Bf16* to, float x) {
  to->bits = static_cast<uint16_t>(bf16_bits(std::bit_cast<uint32_t>(x)));
}

// exp(x) within 2 units in the last place; x below -87 gives a value near 1e-38, above 88 one near
// 1e38. Branch-free: 2^n * p(r) with x = n*ln2 + r and the Cephes polynomial of degree 6. V is
// float or Lanes, I the integers of its size.
template <class V, class I>
V fast_exp_of(V x) {
  x = x < -87.0F ? V{} - 87.0F : x;
  x = x > 88.0F ? V{} + 88.0F : x;
  constexpr float kMagic =
      12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer in the low bits
  const V t = x * 1.44269504F + kMagic;
  const V n = t - kMagic;
  const V r = (x - n * 0.693359375F) - n * -2.12194440e-4F;
  V p = 1.9875691500e-4F * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  const I e = std::bit_cast<I>(t) - std::bit_cast<int32_t>(kMagic);
  return p * std::bit_cast<V>((e + 127) << 23);
}

inline float fast_exp(float x) { return fast_exp_of<float, int32_t>(x); }

}  // namespace cb
