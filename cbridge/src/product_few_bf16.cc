// few_rows_product in bf16, for processors that multiply pairs of bf16 in vectors of 512 bits.
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstring>
#include <utility>

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

constexpr int64_t kLanes = kPanel;  // columns of the result in a vector: a panel of w
constexpr int64_t kRows = 28;       // most rows in one tile, whose sums and more fill the registers
constexpr int64_t kLine = 64;       // bytes in a cache line

// How many pairs are summed before the sum is added to those before it, in a product of depth k.
// oneDNN does so where it uses the same instructions, and the bits are those of its products, with
// which texts are scored and trained on.
inline int64_t pass(int64_t k) { return k > 1024 ? 512 : 256; }

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

// Into how many parts m rows are cut, and where one begins: none has more than kRows.
inline int64_t parts_of(int64_t m) { return (m + kRows - 1) / kRows; }
inline int64_t part_begin(int64_t m, int64_t parts, int64_t part) { return m * part / parts; }

// x [M,K] -> out [parts, pairs, rows of the part].
void pack_rows(const uint16_t* x, uint32_t* out, int64_t m, int64_t k) {
  const int64_t pairs = (k + 1) / 2, parts = parts_of(m);
  for (int64_t part = 0; part < parts; part++) {
    const int64_t first = part_begin(m, parts, part), rows = part_begin(m, parts, part + 1) - first;
    uint32_t* to = out + first * pairs;
    for (int64_t r = 0; r < rows; r++) {
      const uint16_t* from = x + (first + r) * k;
      for (int64_t i = 0; i < k / 2; i++) std::memcpy(to + i * rows + r, from + 2 * i, 4);
      if (k % 2 != 0) to[(pairs - 1) * rows + r] = from[k - 1];
    }
  }
}

// Where a tile reads and writes.
struct Tile {
  const uint32_t* x;  // [pairs, R]
  const uint32_t* w;  // a panel, [pairs, kLanes]
  uint16_t* y;
  int64_t k, n;
  __mmask16 columns;  // which of the panel's there are
};

// Asks for the line at p. GCC's builtin counts as a reader of all memory: beside it the sums would
// be stored in every step.
inline void fetch(const char* p) { __asm__ volatile("prefetcht1 (%0)" : : "r"(p)); }

// R rows of a panel of the result. An element is summed in one order, whatever rows are beside it,
// in fp32, and rounded once. A step reads a line of w and asks for one of the next panel, so that
// its memory arrives meanwhile. GCC unrolls loops of up to 16 by itself, and keeps the sums in
// registers only then.
template <int64_t R>
void tile(const Tile& t) {
  __m512 total[R];
  const int64_t pairs = (t.k + 1) / 2, step = pass(t.k);
  const auto* const next = reinterpret_cast<const char*>(t.w + pairs * kLanes);
  for (int64_t begin = 0; begin < pairs; begin += step) {
    __m512 sum[R];
#pragma GCC unroll 32
    for (int64_t r = 0; r < R; r++) sum[r] = _mm512_setzero_ps();
    for (int64_t i = begin; i < std::min(begin + step, pairs); i++) {
      fetch(next + i * kLine);
      const auto w = reinterpret_cast<__m512bh>(_mm512_load_si512(t.w + i * kLanes));
#pragma GCC unroll 32
      for (int64_t r = 0; r < R; r++) {
        const __m512i both = _mm512_set1_epi32(static_cast<int32_t>(t.x[i * R + r]));
        sum[r] = _mm512_dpbf16_ps(sum[r], reinterpret_cast<__m512bh>(both), w);
      }
    }
#pragma GCC unroll 32
    for (int64_t r = 0; r < R; r++)
      total[r] = begin == 0 ? sum[r] : _mm512_add_ps(total[r], sum[r]);
  }
  for (int64_t r = 0; r < R; r++) {
    const __m256bh y = _mm512_cvtneps_pbh(total[r]);
    _mm256_mask_storeu_epi16(t.y + r * t.n, t.columns, reinterpret_cast<__m256i>(y));
  }
}

using TileFunction = void (*)(const Tile&);

// tile for r rows.
template <size_t... R>
TileFunction tile_of(int64_t r, std::index_sequence<R...>) {
  static constexpr TileFunction all[] = {tile<static_cast<int64_t>(R) + 1>...};
  return all[r - 1];
}

// Panel [first, first + kLanes) of the rows of w [N,K] -> out [pairs, kLanes], at a multiple of 64
// bytes. What there is not is zero.
void pack_panel(const uint16_t* w, uint32_t* out, int64_t first, int64_t n, int64_t k) {
  const int64_t pairs = (k + 1) / 2;
  for (int64_t at = 0; at < pairs; at += kLanes) {
    const int64_t left = k - 2 * at;
    const __mmask32 which = left >= 2 * kLanes ? ~0U : (1U << left) - 1;
    __m512i v[kLanes];
    for (int64_t i = 0; i < kLanes; i++) {
      v[i] = first + i < n ? _mm512_maskz_loadu_epi16(which, w + (first + i) * k + 2 * at)
                           : _mm512_setzero_si512();
    }
    transpose(v);
    for (int64_t i = 0; i < std::min(kLanes, pairs - at); i++)
      _mm512_store_si512(out + (at + i) * kLanes, v[i]);
  }
}

// Panels [begin, end) of y [M,N]. x [parts, pairs, rows of the part]: each part of the rows has as
// many as the one before it, or one fewer.
void few_panels(const uint32_t* x, const uint32_t* panels, uint16_t* y, int64_t m, int64_t n,
                int64_t k, int64_t begin, int64_t end) {
  const int64_t pairs = (k + 1) / 2, parts = parts_of(m);
  for (int64_t p = begin; p < end; p++) {
    const int64_t columns = std::min(kLanes, n - p * kLanes);
    for (int64_t part = 0; part < parts; part++) {
      const int64_t first = part_begin(m, parts, part),
                    rows = part_begin(m, parts, part + 1) - first;
      tile_of(rows, std::make_index_sequence<kRows>())(
          {x + first * pairs, panels + p * pairs * kLanes, y + first * n + p * kLanes, k, n,
           static_cast<__mmask16>((1U << columns) - 1)});
    }
  }
}

}  // namespace

}  // namespace cb

#pragma GCC pop_options
#pragma GCC diagnostic pop

namespace cb {

void pack_panels(const at::Tensor& w, at::Tensor* panels) {
  const int64_t n = w.size(0), k = w.size(1), pairs = (k + 1) / 2,
                count = (n + kLanes - 1) / kLanes;
  if (!panels->defined()) *panels = at::empty({count, pairs, kLanes}, at::kInt);
  const auto* const from = static_cast<const uint16_t*>(w.const_data_ptr());
  auto* const to = static_cast<uint32_t*>(panels->mutable_data_ptr());
  at::parallel_for(0, count, 8, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; p++)
      pack_panel(from, to + p * pairs * kLanes, p * kLanes, n, k);
  });
}

void few_rows_bf16(const at::Tensor& out, const at::Tensor& x, const at::Tensor& panels) {
  const int64_t m = x.size(0), k = x.size(1), n = out.size(1);
  const at::Tensor packed = at::empty({m * ((k + 1) / 2)}, at::kInt);
  auto* const pairs = static_cast<uint32_t*>(packed.mutable_data_ptr());
  pack_rows(static_cast<const uint16_t*>(x.const_data_ptr()), pairs, m, k);
  const auto* const wp = static_cast<const uint32_t*>(panels.const_data_ptr());
  auto* const yp = static_cast<uint16_t*>(out.mutable_data_ptr());
  at::parallel_for(0, panels.size(0), 2, [&](int64_t begin, int64_t end) {
    few_panels(pairs, wp, yp, m, n, k, begin, end);
  });
}

}  // namespace cb

#else

namespace cb {

bool computes_in_bf16() { return false; }

void pack_panels(const at::Tensor&, at::Tensor*) {
  check(false, "the processor does not multiply bf16");
}

void few_rows_bf16(const at::Tensor&, const at::Tensor&, const at::Tensor&) {
  check(false, "the processor does not multiply bf16");
}

}  // namespace cb

#endif
