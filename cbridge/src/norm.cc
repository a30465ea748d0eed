#include "norm.h"

#include <ATen/ops/native_layer_norm.h>
#include <ATen/ops/native_layer_norm_backward.h>

#include "kernels.h"

namespace cb {

at::Tensor Norm::apply(const at::Tensor& x, NormStats* stats) const {
  if (!bias.defined()) {
    return rms_norm(x, w, eps, offset, stats == nullptr ? nullptr : &stats->rstd);
  }
  auto [y, mean, rstd] = at::native_layer_norm(x, w.sizes(), w, bias, eps);
  if (stats != nullptr) *stats = {mean, rstd};
  return y;
}

at::Tensor Norm::backward(const at::Tensor& dy, const at::Tensor& x, const NormStats& stats) const {
  if (!bias.defined()) return rms_norm_backward(dy, x, w, offset, stats.rstd, grad);
  const auto [dx, dw, db] = at::native_layer_norm_backward(dy, x, w.sizes(), stats.mean, stats.rstd,
                                                           w, bias, {true, true, true});
  at::Tensor(grad).add_(dw);
  at::Tensor(bias_grad).add_(db);
  return dx;
}

}  // namespace cb
