// Matrix products of our own, in fp32 on a CPU.
#pragma once

#include "tensor.h"

namespace cb {

// Up to so many rows few_rows_product is the faster one, as it copies nothing. Above it x no longer
// fits into a core's cache.
constexpr int64_t kFewRows = 128;

// True where few_rows_product may be used: fp32 on the CPU, at most kFewRows rows.
bool is_few_rows(const at::Tensor& x);

// x [M,K], w [N,K], both contiguous -> [M,N], x w^T. A row of the result depends on its row of x
// alone, bit for bit, however many rows there are and however many threads.
at::Tensor few_rows_product(const at::Tensor& x, const at::Tensor& w);

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
