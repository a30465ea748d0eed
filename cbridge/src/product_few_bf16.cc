// few_rows_product in bf16, for processors that multiply pairs of bf16 in vectors of 512 bits.
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

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

constexpr int64_t kLanes = 16;    // rows of x in a vector, of each a pair of bf16
constexpr int64_t kVectors = 2;   // of rows in one tile
constexpr int64_t kColumns = 14;  // rows of w in one tile: 28 sums, 2 + 1 operands of 32 registers
constexpr int64_t kLine = 32;     // bf16 in a cache line

// How many pairs are summed before the sum is added to those before it, in a product of depth k.
// oneDNN does so where it uses the same instructions, and the bits are those of its products, with
// which texts are scored and trained on.
inline int64_t pass(int64_t k) { return k > 1024 ? 512 : 256; }

// A vector of rows, and one of half as many: for up to 8 rows it takes half the time.
struct Whole {
  using Sum = __m512;
  using Pairs = __m512bh;
  static Pairs load(const uint32_t* x) { return reinterpret_cast<Pairs>(_mm512_load_si512(x)); }
  static Pairs all(int32_t pair) { return reinterpret_cast<Pairs>(_mm512_set1_epi32(pair)); }
  static Sum dot(Sum s, Pairs x, Pairs w) { return _mm512_dpbf16_ps(s, x, w); }
  static Sum add(Sum a, Sum b) { return _mm512_add_ps(a, b); }
  static Sum zero() { return _mm512_setzero_ps(); }
  static __m512i lanes(Sum s) { return _mm512_castps_si512(s); }
};

struct Half {
  using Sum = __m256;
  using Pairs = __m256bh;
  static Pairs load(const uint32_t* x) {
    return reinterpret_cast<Pairs>(_mm256_load_si256(reinterpret_cast<const __m256i*>(x)));
  }
  static Pairs all(int32_t pair) { return reinterpret_cast<Pairs>(_mm256_set1_epi32(pair)); }
  static Sum dot(Sum s, Pairs x, Pairs w) { return _mm256_dpbf16_ps(s, x, w); }
  static Sum add(Sum a, Sum b) { return _mm256_add_ps(a, b); }
  static Sum zero() { return _mm256_setzero_ps(); }
  static __m512i lanes(Sum s) { return _mm512_zextsi256_si512(_mm256_castps_si256(s)); }
};

// The 16 x 16 matrix whose rows are v.
inline void transpose(__m512i (&v)[kLanes]) {
  __m512i t[kLanes];
  for (int i = 0; i < 8; i++) {
    t[2 * i] = _mm512_unpacklo_epi32(v[2 * i], v[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi32(v[2 * i], v[2 * i + 1]);
  }
  for (int i = 0; i < 4; i++) {
    v[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
    v[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
    v[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
    v[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
  }
  for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_i32x4(v[i], v[4 + i], 0x88);
    t[4 + i] = _mm512_shuffle_i32x4(v[i], v[4 + i], 0xdd);
    t[8 + i] = _mm512_shuffle_i32x4(v[8 + i], v[12 + i], 0x88);
    t[12 + i] = _mm512_shuffle_i32x4(v[8 + i], v[12 + i], 0xdd);
  }
  for (int i = 0; i < 4; i++) {
    v[i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0x88);
    v[8 + i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0xdd);
    v[4 + i] = _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0x88);
    v[12 + i] = _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0xdd);
  }
}

// Where a tile reads and writes: rows and columns are how many of them exist.
struct Tile {
  const uint32_t* x;  // packed
  const uint16_t* w;
  uint16_t* y;
  int64_t k, n, rows, columns;
};

// Asks for the line at p. GCC's builtin counts as a reader of all memory: beside it the sums would
// be stored in every step.
inline void fetch(const uint16_t* p) { __asm__ volatile("prefetcht1 (%0)" : : "r"(p)); }

// The c-th row of w, or the last one there is.
inline const uint16_t* row_of(const Tile& t, int64_t c) {
  return t.w + std::min(c, t.columns - 1) * t.k;
}

// Adds the products of pairs [begin, end) to sum. A step reads about a line of w and asks for one
// of the next panel, so that its memory arrives meanwhile.
template <class V, int64_t R>
inline void add_pairs(const Tile& t, int64_t begin, int64_t end,
                      typename V::Sum (&sum)[kColumns][R]) {
  const int64_t stride = (t.k + 1) / 2 * kLanes;
  const uint16_t* w[kColumns];
  for (int64_t c = 0; c < kColumns; c++) w[c] = row_of(t, c);
  const uint16_t* next = t.w + t.columns * t.k;
  for (int64_t i = begin; i < end; i++) {
    fetch(next + i * kLine);
    typename V::Pairs x[R];
    for (int64_t r = 0; r < R; r++) x[r] = V::load(t.x + r * stride + i * kLanes);
    for (int64_t c = 0; c < kColumns; c++) {
      int32_t pair;
      std::memcpy(&pair, w[c] + 2 * i, sizeof pair);
      const typename V::Pairs both = V::all(pair);
      for (int64_t r = 0; r < R; r++) sum[c][r] = V::dot(sum[c][r], x[r], both);
    }
  }
}

// The last element of an odd depth, beside a zero.
template <class V, int64_t R>
inline void add_last(const Tile& t, typename V::Sum (&sum)[kColumns][R]) {
  const int64_t stride = (t.k + 1) / 2 * kLanes;
  for (int64_t c = 0; c < kColumns; c++) {
    const typename V::Pairs one = V::all(row_of(t, c)[t.k - 1]);
    for (int64_t r = 0; r < R; r++)
      sum[c][r] = V::dot(sum[c][r], V::load(t.x + r * stride + t.k / 2 * kLanes), one);
  }
}

// R vectors of rows of the result, kColumns wide. An element is summed in one order, whatever rows
// are beside it, in fp32, and rounded once.
template <class V, int64_t R>
inline void tile(const Tile& t) {
  typename V::Sum total[kColumns][R];
  const int64_t whole = t.k / 2, step = pass(t.k);
  for (int64_t begin = 0; 2 * begin < t.k; begin += step) {
    typename V::Sum sum[kColumns][R];
    for (int64_t c = 0; c < kColumns; c++)
      for (int64_t r = 0; r < R; r++) sum[c][r] = V::zero();
    add_pairs<V, R>(t, begin, std::min(begin + step, whole), sum);
    if (t.k % 2 != 0 && begin + step > whole) add_last<V, R>(t, sum);
    for (int64_t c = 0; c < kColumns; c++)
      for (int64_t r = 0; r < R; r++)
        total[c][r] = begin == 0 ? sum[c][r] : V::add(total[c][r], sum[c][r]);
  }
  const auto which = static_cast<__mmask16>((1U << t.columns) - 1);
  for (int64_t r = 0; r < R; r++) {
    __m512i v[kLanes];
    for (int64_t c = 0; c < kLanes; c++)
      v[c] = c < kColumns ? V::lanes(total[c][r]) : _mm512_setzero_si512();
    transpose(v);
    for (int64_t i = 0; i < std::min(kLanes, t.rows - r * kLanes); i++) {
      const __m256bh y = _mm512_cvtneps_pbh(_mm512_castsi512_ps(v[i]));
      _mm256_mask_storeu_epi16(t.y + (r * kLanes + i) * t.n, which, reinterpret_cast<__m256i>(y));
    }
  }
}

// x [M,K] -> out [M / 16 rounded up, K / 2 rounded up, 16] pairs, at a multiple of 64 bytes.
void pack_rows(const uint16_t* x, uint32_t* out, int64_t m, int64_t k) {
  const int64_t depth = (k + 1) / 2;
  for (int64_t first = 0; first < m; first += kLanes) {
    for (int64_t at = 0; at < depth; at += kLanes) {
      const int64_t left = k - 2 * at;
      const __mmask32 which = left >= 2 * kLanes ? ~0U : (1U << left) - 1;
      __m512i v[kLanes];
      for (int64_t i = 0; i < kLanes; i++) {
        v[i] = first + i < m ? _mm512_maskz_loadu_epi16(which, x + (first + i) * k + 2 * at)
                             : _mm512_setzero_si512();
      }
      transpose(v);
      for (int64_t i = 0; i < std::min(kLanes, depth - at); i++)
        _mm512_store_si512(out + first * depth + (at + i) * kLanes, v[i]);
    }
  }
}

// Columns [begin, end) of y [M,N], of packed rows x.
void few_columns(const uint32_t* x, const uint16_t* w, uint16_t* y, int64_t m, int64_t n, int64_t k,
                 int64_t begin, int64_t end) {
  constexpr int64_t kRows = kVectors * kLanes;
  for (int64_t at = begin; at < end; at += kColumns) {
    const int64_t columns = std::min(kColumns, end - at);
    for (int64_t r = 0; r < m; r += kRows) {
      const Tile t{x + r * ((k + 1) / 2), w + at * k, y + r * n + at, k, n, m - r, columns};
      if (m - r > kLanes) {
        tile<Whole, kVectors>(t);
      } else if (m - r > kLanes / 2) {
        tile<Whole, 1>(t);
      } else {
        tile<Half, 1>(t);
      }
    }
  }
}

}  // namespace

}  // namespace cb

#pragma GCC pop_options
#pragma GCC diagnostic pop

namespace cb {

void few_rows_bf16(const at::Tensor& out, const at::Tensor& x, const at::Tensor& w) {
  const int64_t m = x.size(0), k = x.size(1), n = w.size(0);
  const int64_t rows = (m + kLanes - 1) / kLanes * kLanes;
  const at::Tensor packed = at::empty({rows * ((k + 1) / 2)}, at::kInt);
  auto* const pairs = static_cast<uint32_t*>(packed.mutable_data_ptr());
  pack_rows(static_cast<const uint16_t*>(x.const_data_ptr()), pairs, m, k);
  const auto* const wp = static_cast<const uint16_t*>(w.const_data_ptr());
  auto* const yp = static_cast<uint16_t*>(out.mutable_data_ptr());
  at::parallel_for(0, (n + kColumns - 1) / kColumns, 2, [&](int64_t begin, int64_t end) {
    few_columns(pairs, wp, yp, m, n, k, begin * kColumns, std::min(n, end * kColumns));
  });
}

}  // namespace cb

#else

namespace cb {

bool computes_in_bf16() { return false; }

void few_rows_bf16(const at::Tensor&, const at::Tensor&, const at::Tensor&) {
  check(false, "the processor does not multiply bf16");
}

}  // namespace cb

#endif
