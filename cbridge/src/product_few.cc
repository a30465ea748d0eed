#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstring>

#include "lanes.h"
#include "product.h"

namespace cb {

namespace {

constexpr int64_t kColumns = 4;  // of the result in one tile: rows of w
static_assert(sizeof(Quad) == kColumns * sizeof(float));
constexpr int64_t kRows = 3;     // 12 sums, 3 + 1 operands: the 16 registers of AVX2
constexpr int64_t kDepth = 640;  // of one pass: 3 + 4 rows of this length stay in the first cache
constexpr int64_t kLine = 16;    // floats in a cache line

inline void store(Quad s, float* out, int64_t columns, bool add) {
  if (columns < kColumns) {  // a loop: a copy of unknown size would be a call
    for (int64_t c = 0; c < columns; c++) out[c] = add ? out[c] + s[c] : s[c];
    return;
  }
  if (add) {
    Quad before;
    std::memcpy(&before, out, sizeof before);
    s += before;
  }
  std::memcpy(out, &s, sizeof s);
}

// Where a tile reads and writes; columns is how many of its kColumns exist.
struct Tile {
  const float* x;
  const float* w;
  float* y;
  int64_t k, depth, n, columns;
  bool add;  // to what an earlier pass over the depth has left in y
};

// R rows of the result, kColumns wide. Every element is summed in the same order for every R.
template <int64_t R>
inline void tile(const Tile& t) {
  Lanes sum[R][kColumns] = {};
  const float* w[kColumns];
  for (int64_t c = 0; c < kColumns; c++) w[c] = t.w + std::min(c, t.columns - 1) * t.k;
  const int64_t whole = t.depth / kLanes * kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) {
    Lanes x[R];
    for (int64_t r = 0; r < R; r++) x[r] = load(t.x + r * t.k + i);
    for (int64_t c = 0; c < kColumns; c++) {
      const Lanes wc = load(w[c] + i);
      for (int64_t r = 0; r < R; r++) sum[r][c] += x[r] * wc;
    }
  }
  if (const int64_t rest = t.depth - whole; rest > 0) {
    for (int64_t r = 0; r < R; r++) {
      const Lanes x = load_lanes<false>(t.x + r * t.k + whole, rest);
      for (int64_t c = 0; c < kColumns; c++) sum[r][c] += x * load_lanes<false>(w[c] + whole, rest);
    }
  }
  for (int64_t r = 0; r < R; r++) {
    store(lane_sums(sum[r][0], sum[r][1], sum[r][2], sum[r][3]), t.y + r * t.n, t.columns, t.add);
  }
}

// Asks for the part of w that comes next, a few lines with every tile, so that its memory arrives
// while the sums are made.
struct Prefetch {
  const float* next;
  int64_t k, lines, row_lines, at = 0;
  void some(int64_t n) {
    for (const int64_t end = std::min(lines, at + n); at < end; at++) {
      __builtin_prefetch(next + at / row_lines * k + at % row_lines * kLine, 0, 2);
    }
  }
};

// All rows of the result, columns [at, at + columns).
void panel(const float* x, const float* w, float* y, int64_t m, int64_t n, int64_t k, int64_t at,
           int64_t columns, bool another) {
  const int64_t tiles = (m + kRows - 1) / kRows;
  for (int64_t k0 = 0; k0 < k; k0 += kDepth) {
    const int64_t depth = std::min(kDepth, k - k0), row_lines = (depth + kLine - 1) / kLine;
    const int64_t lines = another ? row_lines * kColumns : 0;
    Prefetch ahead{w + (at + kColumns) * k + k0, k, lines, row_lines};
    for (int64_t r = 0; r < m; r += kRows) {
      ahead.some((lines + tiles - 1) / tiles);
      const Tile t{x + r * k + k0, w + at * k + k0, y + r * n + at, k, depth, n, columns, k0 > 0};
      switch (std::min(kRows, m - r)) {
        case 3:
          tile<3>(t);
          break;
        case 2:
          tile<2>(t);
          break;
        default:
          tile<1>(t);
      }
    }
  }
}

// Columns [begin, end) of the result, panel by panel.
void few_rows_fp32(const float* x, const float* w, float* y, int64_t m, int64_t n, int64_t k,
                   int64_t begin, int64_t end) {
  for (int64_t at = begin; at < end; at += kColumns) {
    // The panel after the last one may be another thread's or none: it is not asked for.
    const bool another = at + 2 * kColumns <= end;
    panel(x, w, y, m, n, k, at, std::min(kColumns, n - at), another);
  }
}

}  // namespace

bool has_few_rows(at::ScalarType t) {
  return t == at::kFloat || (t == at::kBFloat16 && computes_in_bf16());
}

bool is_few_rows(const at::Tensor& x) {
  return native_cpu(x) && has_few_rows(x.scalar_type()) && x.size(0) <= kFewRows;
}

at::Tensor few_rows_product(const at::Tensor& x, const at::Tensor& w) {
  const int64_t m = x.size(0), k = x.size(1), n = w.size(0);
  check(x.is_contiguous() && w.is_contiguous() && w.size(1) == k,
        "a product needs two contiguous matrices of one depth");
  check(x.scalar_type() == w.scalar_type() && has_few_rows(x.scalar_type()),
        "a product needs two matrices of one type");
  at::Tensor out = at::empty({m, n}, x.options());
  if (x.scalar_type() == at::kFloat) {
    at::parallel_for(0, (n + kColumns - 1) / kColumns, 8, [&](int64_t begin, int64_t end) {
      few_rows_fp32(x.const_data_ptr<float>(), w.const_data_ptr<float>(),
                    out.mutable_data_ptr<float>(), m, n, k, begin * kColumns,
                    std::min(n, end * kColumns));
    });
    return out;
  }
  at::Tensor panels;
  pack_panels(w, &panels);
  few_rows_bf16(out, x, panels);
  return out;
}

}  // namespace cb
