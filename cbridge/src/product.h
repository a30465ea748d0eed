// Matrix products of our own, on a CPU.
#pragma once

#include "tensor.h"

namespace cb {

// Up to so many rows few_rows_product is the faster one. Above it x no longer fits into a core's
// cache.
constexpr int64_t kFewRows = 128;

// Whether few_rows_product takes this type here: fp32, and bf16 where the processor computes in it.
bool has_few_rows(at::ScalarType t);

// True where few_rows_product may be used: such a type, on the CPU, at most kFewRows rows.
bool is_few_rows(const at::Tensor& x);

// x [M,K], w [N,K], both contiguous -> [M,N], x w^T, summed in fp32 (in bf16 without denormals). A
// row of the result depends on its row of x alone, bit for bit, however many rows there are and
// however many threads. In bf16 w is packed for this product alone.
at::Tensor few_rows_product(const at::Tensor& x, const at::Tensor& w);

// Whether the processor multiplies bf16 (AVX512-BF16), asked once.
bool computes_in_bf16();

// Rows of w in one of its panels.
constexpr int64_t kPanel = 16;

// w [N,K] in bf16 as few_rows_product reads it: panels of its rows beside one another, pair after
// pair of their elements. Into the memory of panels where that is defined. For such a processor.
void pack_panels(const at::Tensor& w, at::Tensor* panels);

// few_rows_product in bf16, into out [M,N]. Its sums are made in oneDNN's order: oneDNN's products
// of any number of rows have the same bits.
void few_rows_bf16(const at::Tensor& out, const at::Tensor& x, const at::Tensor& panels);

// With fewer rows or columns than this, what product copies is too much of its work.
constexpr int64_t kManyRows = 64;

// True where product is the faster one for x [M,K] and so many columns of the result: on a CPU
// without wider vectors than AVX2's the library's does 140 to 155 of 181 GFLOP/s there, this one
// 155 to 170 (see bench/LOG.md; measured with two threads, each of which copies the whole of the
// shorter side).
bool has_own_product(const at::Tensor& x, int64_t columns);

// out = a b, or out += a b; a [M,K], b [K,N], out [M,N], out's rows with steps of 1. Elements do
// not depend on M, N or the number of threads, bit for bit.
void product(at::Tensor out, const at::Tensor& a, const at::Tensor& b, bool add);

}  // namespace cb
