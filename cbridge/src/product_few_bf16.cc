// few_rows_product in bf16, for processors that multiply pairs of bf16 in vectors of 512 bits.
#include <algorithm>
#include <cstring>

#include "product.h"

#if defined(__x86_64__)
#include <immintrin.h>

namespace cb {

bool computes_in_bf16() {
  // libtorch's capability names count AVX512 only; the bf16 instructions are a bit of their own.
  static const bool has = [] {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512bf16") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
           __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
  }();
  return has;
}

}  // namespace cb

// GCC 12 says it of its own intrinsics, whose results have lanes that nobody reads.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

// Only what stands between push and pop may use AVX512: the rest runs on every processor.
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")

namespace cb {

namespace {

constexpr int64_t kLanes = 32;   // bf16 in a vector, which is multiplied in pairs into 16 sums
constexpr int64_t kColumns = 4;  // of the result in one tile: rows of w
constexpr int64_t kRows = 4;     // 16 sums, 4 + 1 operands: 21 of 32 registers
constexpr int64_t kLine = 32;    // bf16 in a cache line

inline __m512bh load(const uint16_t* p) {
  return reinterpret_cast<__m512bh>(_mm512_loadu_si512(p));
}

inline __m512bh load_part(const uint16_t* p, __mmask32 which) {
  return reinterpret_cast<__m512bh>(_mm512_maskz_loadu_epi16(which, p));
}

// The sums of four vectors' lanes, each in the same order.
inline __m128 lane_sums(__m512 a, __m512 b, __m512 c, __m512 d) {
  const __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
  const __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
  const __m512 s = _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
  const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(s), _mm512_extractf32x8_ps(s, 1));
  return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
}

// Where a tile reads and writes; columns is how many of its kColumns exist.
struct Tile {
  const uint16_t* x;
  const uint16_t* w;
  uint16_t* y;
  int64_t k, n, columns;
};

// R rows of the result, kColumns wide. Every element is summed in the same order for every R, in
// fp32, and rounded once.
template <int64_t R>
inline void tile(const Tile& t) {
  __m512 sum[R][kColumns];
  for (int64_t r = 0; r < R; r++) {
    for (int64_t c = 0; c < kColumns; c++) sum[r][c] = _mm512_setzero_ps();
  }
  const uint16_t* w[kColumns];
  for (int64_t c = 0; c < kColumns; c++) w[c] = t.w + std::min(c, t.columns - 1) * t.k;
  const int64_t whole = t.k / kLanes * kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) {
    __m512bh v[kColumns];
    for (int64_t c = 0; c < kColumns; c++) v[c] = load(w[c] + i);
    for (int64_t r = 0; r < R; r++) {
      const __m512bh x = load(t.x + r * t.k + i);
      for (int64_t c = 0; c < kColumns; c++) sum[r][c] = _mm512_dpbf16_ps(sum[r][c], x, v[c]);
    }
  }
  if (const int64_t rest = t.k - whole; rest > 0) {
    const __mmask32 which = (1U << rest) - 1;
    for (int64_t c = 0; c < kColumns; c++) {
      const __m512bh v = load_part(w[c] + whole, which);
      for (int64_t r = 0; r < R; r++)
        sum[r][c] = _mm512_dpbf16_ps(sum[r][c], load_part(t.x + r * t.k + whole, which), v);
    }
  }
  for (int64_t r = 0; r < R; r++) {
    const __m128bh y = _mm_cvtneps_pbh(lane_sums(sum[r][0], sum[r][1], sum[r][2], sum[r][3]));
    uint16_t out[8];
    std::memcpy(out, &y, sizeof out);
    for (int64_t c = 0; c < t.columns; c++) t.y[r * t.n + c] = out[c];
  }
}

}  // namespace

void few_rows_bf16(const uint16_t* x, const uint16_t* w, uint16_t* y, int64_t m, int64_t n,
                   int64_t k, int64_t begin, int64_t end) {
  const int64_t tiles = (m + kRows - 1) / kRows, row_lines = (k + kLine - 1) / kLine;
  for (int64_t at = begin; at < end; at += kColumns) {
    const int64_t columns = std::min(kColumns, n - at);
    const uint16_t* next = w + (at + kColumns) * k;
    const int64_t lines = at + 2 * kColumns <= end ? kColumns * row_lines : 0;
    int64_t asked = 0;  // lines of the next panel, so that its memory arrives meanwhile
    for (int64_t r = 0; r < m; r += kRows) {
      const int64_t until = std::min(lines, asked + (lines + tiles - 1) / tiles);
      for (; asked < until; asked++)
        __builtin_prefetch(next + asked / row_lines * k + asked % row_lines * kLine, 0, 2);
      const Tile t{x + r * k, w + at * k, y + r * n + at, k, n, columns};
      switch (std::min(kRows, m - r)) {
        case 1:
          tile<1>(t);
          break;
        case 2:
          tile<2>(t);
          break;
        case 3:
          tile<3>(t);
          break;
        default:
          tile<kRows>(t);
      }
    }
  }
}

}  // namespace cb

#pragma GCC pop_options
#pragma GCC diagnostic pop

#else

namespace cb {

bool computes_in_bf16() { return false; }

void few_rows_bf16(const uint16_t*, const uint16_t*, uint16_t*, int64_t, int64_t, int64_t, int64_t,
                   int64_t) {
  check(false, "the processor does not multiply bf16");
}

}  // namespace cb

#endif
