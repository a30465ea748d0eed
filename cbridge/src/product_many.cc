#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstring>

#include "lanes.h"
#include "product.h"

// Both operands are copied, piece by piece, into the order in which the innermost loop reads them:
// panels of kRows rows of a and kColumns columns of b, one depth after the other. A panel of b
// stays in the first cache while a block of a's panels, which fills most of the second, passes it
// (Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008).
namespace cb {

namespace {

constexpr int64_t kRows = 6;            // 12 sums, 2 + 1 operands: the 16 registers of AVX2
constexpr int64_t kColumns = 16;        // two vectors
constexpr int64_t kDepth = 320;         // of one pass, at most
constexpr int64_t kRowBlock = 192;      // rows of a that are copied at once
constexpr int64_t kColumnBlock = 1024;  // columns of b that are copied at once

// A matrix whose element (i, d) lies at p[i * line + d * deep]: i counts rows of a or columns of b,
// d the depth over which the product sums. Fast where one of the two steps is 1.
struct Operand {
  const float* p;
  int64_t line, deep;
};

struct Range {
  int64_t begin, end;
};

// Copies W lines of an operand, `there` of which exist, so that each depth's W numbers lie
// together. The others are zero.
template <int64_t W>
void copy_panel(const Operand& from, int64_t line, int64_t there, Range depth, float* to) {
  const float* p = from.p + line * from.line + depth.begin * from.deep;
  const int64_t n = depth.end - depth.begin;
  if (there < W) {
    for (int64_t d = 0; d < n; d++) {
      for (int64_t i = 0; i < W; i++)
        to[d * W + i] = i < there ? p[i * from.line + d * from.deep] : 0;
    }
  } else if (from.line == 1) {
    for (int64_t d = 0; d < n; d++) std::memcpy(to + d * W, p + d * from.deep, W * sizeof(float));
  } else {
    for (int64_t d = 0; d < n; d++) {
      for (int64_t i = 0; i < W; i++) to[d * W + i] = p[i * from.line + d * from.deep];
    }
  }
}

template <int64_t W>
void copy_panels(const Operand& from, Range lines, Range depth, float* to) {
  for (int64_t i = lines.begin; i < lines.end; i += W) {
    copy_panel<W>(from, i, std::min(W, lines.end - i), depth, to);
    to += W * (depth.end - depth.begin);
  }
}

// One tile of the result: kRows rows and kColumns columns of c, whose rows are `row` apart.
inline void tile(const float* a, const float* b, int64_t depth, float* c, int64_t row, bool add) {
  Lanes sum[kRows][2] = {};
  for (int64_t d = 0; d < depth; d++) {
    const Lanes left = load(b + d * kColumns), right = load(b + d * kColumns + kLanes);
    for (int64_t r = 0; r < kRows; r++) {
      const float x = a[d * kRows + r];
      sum[r][0] += x * left;
      sum[r][1] += x * right;
    }
  }
  for (int64_t r = 0; r < kRows; r++) {
    float* to = c + r * row;
    for (int64_t i = 0; i < 2; i++, to += kLanes)
      round_into(to, add ? load(to) + sum[r][i] : sum[r][i]);
  }
}

// A tile at an edge, of which only a part exists.
void edge_tile(const float* a, const float* b, int64_t depth, float* c, int64_t row, int64_t rows,
               int64_t columns, bool add) {
  float whole[kRows * kColumns];
  tile(a, b, depth, whole, kColumns, false);
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t i = 0; i < columns; i++) {
      float* to = c + r * row + i;
      *to = add ? *to + whole[r * kColumns + i] : whole[r * kColumns + i];
    }
  }
}

struct Product {
  Operand a, b;
  float* c;
  int64_t row;  // step between rows of c
  int64_t depth;
  bool add;
};

// The tiles of a block, from copied panels.
void block(const Product& p, const float* a, const float* b, Range rows, Range columns,
           Range depth) {
  const int64_t n = depth.end - depth.begin;
  const bool add = p.add || depth.begin > 0;
  for (int64_t j = columns.begin; j < columns.end; j += kColumns) {
    const float* b_panel = b + (j - columns.begin) * n;
    const int64_t width = std::min(kColumns, columns.end - j);
    for (int64_t i = rows.begin; i < rows.end; i += kRows) {
      const float* a_panel = a + (i - rows.begin) * n;
      float* c = p.c + i * p.row + j;
      const int64_t height = std::min(kRows, rows.end - i);
      if (height == kRows && width == kColumns) {
        tile(a_panel, b_panel, n, c, p.row, add);
      } else {
        edge_tile(a_panel, b_panel, n, c, p.row, height, width, add);
      }
    }
  }
}

// A part of the result, on one thread. The depth is cut by its length alone, so that an element is
// summed in one order however the result is cut.
void part(const Product& p, Range rows, Range columns) {
  const int64_t passes = (p.depth + kDepth - 1) / kDepth;
  const int64_t pass = (p.depth + passes - 1) / passes;
  const at::Tensor space = at::empty({(kRowBlock + kColumnBlock) * pass}, at::kFloat);
  float* b = space.mutable_data_ptr<float>();
  float* a = b + kColumnBlock * pass;
  for (int64_t j = columns.begin; j < columns.end; j += kColumnBlock) {
    const Range some_columns{j, std::min(columns.end, j + kColumnBlock)};
    for (int64_t d = 0; d < p.depth; d += pass) {
      const Range depth{d, std::min(p.depth, d + pass)};
      copy_panels<kColumns>(p.b, some_columns, depth, b);
      for (int64_t i = rows.begin; i < rows.end; i += kRowBlock) {
        const Range some_rows{i, std::min(rows.end, i + kRowBlock)};
        copy_panels<kRows>(p.a, some_rows, depth, a);
        block(p, a, b, some_rows, some_columns, depth);
      }
    }
  }
}

}  // namespace

bool has_own_product(const at::Tensor& x, int64_t columns) {
#if defined(__x86_64__)
  static const bool wider = __builtin_cpu_supports("avx512f") != 0;
#else
  static const bool wider = true;  // not measured
#endif
  return native_cpu(x) && x.scalar_type() == at::kFloat && !wider &&
         std::min(x.size(0), columns) >= kManyRows;
}

void product(at::Tensor out, const at::Tensor& a, const at::Tensor& b, bool add) {
  const int64_t m = a.size(0), n = b.size(1), depth = a.size(1);
  check(b.size(0) == depth && out.size(0) == m && out.size(1) == n && out.stride(1) == 1,
        "a product's matrices do not fit");
  if (depth == 0) {
    if (!add) out.zero_();
    return;
  }
  const Product p{{a.const_data_ptr<float>(), a.stride(0), a.stride(1)},
                  {b.const_data_ptr<float>(), b.stride(1), b.stride(0)},
                  out.mutable_data_ptr<float>(),
                  out.stride(0),
                  depth,
                  add};
  // Every thread takes a part of the longer side, in whole panels, and copies all of the other.
  const bool by_columns = n >= m;
  const int64_t length = by_columns ? n : m, width = by_columns ? kColumns : kRows;
  at::parallel_for(0, (length + width - 1) / width, 4, [&](int64_t begin, int64_t end) {
    const Range mine{begin * width, std::min(length, end * width)};
    part(p, by_columns ? Range{0, m} : mine, by_columns ? mine : Range{0, n});
  });
}

}  // namespace cb
