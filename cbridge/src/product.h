// Matrix products of our own, in fp32 on a CPU without wider vectors than AVX2's: there the
// library's do 140 to 155 of 181 GFLOP/s, these 155 to 170. See bench/LOG.md.
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

// True where product may be used and is the faster one.
bool has_own_product(const at::Tensor& x);

// out = a b, or out += a b; a [M,K], b [K,N], out [M,N], each with one step of 1, out's along its
// rows. Elements do not depend on M, N or the number of threads, bit for bit.
void product(const at::Tensor& out, const at::Tensor& a, const at::Tensor& b, bool add);

}  // namespace cb
