// Elementwise pieces of a transformer layer, forward and backward. Each has a fused CPU kernel
// (fp32 and bf16 storage, fp32 arithmetic) and a portable form made of libtorch operators, which
// CUDA uses.
#pragma once

#include "tensor.h"

namespace cb {

// y = x / rms(x) * (w + offset) row by row; rstd [N] fp32 is kept for the backward pass. x [N,H].
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& w, double eps, double offset,
                    at::Tensor* rstd);
// Returns dL/dx and adds dL/dw to dw (fp32 [H]).
at::Tensor rms_norm_backward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& w,
                             double offset, const at::Tensor& rstd, const at::Tensor& dw);

// y = silu(gu[:, :F]) * gu[:, F:]; gu [N,2F].
at::Tensor swiglu(const at::Tensor& gu);
// dL/dgu from dL/dy; y receives the forward result again, which need not be kept for this.
at::Tensor swiglu_backward(const at::Tensor& dy, const at::Tensor& gu, at::Tensor* y);

// Rotates the first 2*R dimensions of the first `heads` heads of each row in place by +angle (sign
// 1) or -angle (sign -1), rotate-half form. qkv [N, heads_total*D]; cos, sin fp32 [P, R]; positions
// [N].
void rope_(const at::Tensor& qkv, int64_t heads, int64_t head_dim, const at::Tensor& cos,
           const at::Tensor& sin, const at::Tensor& positions, int sign);

}  // namespace cb
