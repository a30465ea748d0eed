#include "norm.h"

#include <ATen/ops/native_layer_norm.h>
#include <ATen/ops/native_layer_norm_backward.h>

#include "kernels.h"

namespace cb {

// A LayerNorm is computed in fp32 whatever x is: its operators would sum the gradients of weights
// and bias over all rows in the type of x.
at::Tensor Norm::apply(const at::Tensor& x, NormStats* stats) const {
  if (!bias.defined()) {
    return rms_norm(x, w, eps, offset, stats == nullptr ? nullptr : &stats->rstd);
  }
  const auto [y, mean, rstd] = at::native_layer_norm(x.to(at::kFloat), w.sizes(), w.to(at::kFloat),
                                                     bias.to(at::kFloat), eps);
  if (stats != nullptr) *stats = {mean, rstd};
  return y.to(x.scalar_type());
}

at::Tensor Norm::backward(const at::Tensor& dy, const at::Tensor& x, const NormStats& stats) const {
  if (!bias.defined()) return rms_norm_backward(dy, x, w, offset, stats.rstd, grad);
  const auto [dx, dw, db] = at::native_layer_norm_backward(
      dy.to(at::kFloat), x.to(at::kFloat), w.sizes(), stats.mean, stats.rstd, w.to(at::kFloat),
      bias.to(at::kFloat), {true, true, true});
  at::Tensor(grad).add_(dw);
  at::Tensor(bias_grad).add_(db);
  return dx.to(x.scalar_type());
}

}  // namespace cb
