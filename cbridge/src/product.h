// y = x w^T for few rows of x: what a decode step and a prefill multiply, in fp32 on a CPU.
#pragma once

#include "tensor.h"

namespace cb {

// Up to so many rows this product is faster than the library's, which copies w into an order of
// its own at every call. Above it x no longer fits into a core's cache.
constexpr int64_t kFewRows = 128;

// True where small_product may be used: fp32 on the CPU, at most kFewRows rows.
bool is_small_product(const at::Tensor& x);

// x [M,K], w [N,K], both contiguous -> [M,N]. A row of the result depends on its row of x alone,
// bit for bit, however many rows there are and however many threads.
at::Tensor small_product(const at::Tensor& x, const at::Tensor& w);

}  // namespace cb
