#include "activation.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/gelu_backward.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/silu_backward.h>

#include "kernels.h"

namespace cb {

namespace {

const char* form(const cb_arch& a) { return a.activation == CB_GELU_TANH ? "tanh" : "none"; }

at::Tensor forward(const cb_arch& a, const at::Tensor& x) {
  return a.activation == CB_SILU ? at::silu(x) : at::gelu(x, form(a));
}

at::Tensor backward(const cb_arch& a, const at::Tensor& dy, const at::Tensor& x) {
  return a.activation == CB_SILU ? at::silu_backward(dy, x) : at::gelu_backward(dy, x, form(a));
}

}  // namespace

at::Tensor activate(const cb_arch& a, const at::Tensor& gu) {
  if (a.ungated != 0) return forward(a, gu);
  if (a.activation == CB_SILU) return swiglu(gu);
  const int64_t f = gu.size(1) / 2;
  return forward(a, gu.narrow(1, 0, f)).mul(gu.narrow(1, f, f));
}

at::Tensor activate_backward(const cb_arch& a, const at::Tensor& dy, const at::Tensor& gu,
                             at::Tensor* y) {
  if (a.ungated != 0) {
    *y = forward(a, gu);
    return backward(a, dy, gu);
  }
  if (a.activation == CB_SILU) return swiglu_backward(dy, gu, y);
  const int64_t f = gu.size(1) / 2;
  const at::Tensor gate = gu.narrow(1, 0, f), up = gu.narrow(1, f, f), act = forward(a, gate);
  *y = act.mul(up);
  return at::cat({backward(a, dy.mul(up), gate), dy.mul(act)}, 1);
}

}  // namespace cb
