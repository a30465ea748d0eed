// The norms of a transformer: RMSNorm or LayerNorm over the last dimension, with their weights.
#pragma once

#include "tensor.h"

namespace cb {

// What a norm's backward pass needs of its forward pass, fp32 for each row.
struct NormStats {
  at::Tensor mean, rstd;  // RMSNorm has no mean
};

struct Norm {
  at::Tensor w, grad;  // [n] compute dtype, fp32; undefined where the model has no such norm
  at::Tensor bias, bias_grad;  // [n], of a LayerNorm only
  double eps = 0;
  double offset = 0;  // added to the weights of an RMSNorm

  bool there() const { return w.defined(); }
  // x [N,n] -> [N,n]; stats may be NULL.
  at::Tensor apply(const at::Tensor& x, NormStats* stats) const;
  // Returns dL/dx from dy = dL/dy and adds the gradients of the weights.
  at::Tensor backward(const at::Tensor& dy, const at::Tensor& x, const NormStats& stats) const;
};

}  // namespace cb
