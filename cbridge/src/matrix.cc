// The products of one weight matrix.
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>

#include "model.h"
#include "product.h"

namespace cb {

namespace {

// oneDNN's blocked weight layout is reached through the dispatcher: these two operators have no C++
// header.
at::Tensor reorder(const at::Tensor& w) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("mkldnn::_reorder_linear_weight", "")
                             .typed<at::Tensor(const at::Tensor&, std::optional<int64_t>)>();
  return op.call(w, std::nullopt);
}

at::Tensor packed_linear(const at::Tensor& x, const at::Tensor& packed) {
  using Scalars = c10::List<std::optional<at::Scalar>>;
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
          .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                            std::string_view, Scalars, std::optional<std::string_view>)>();
  return op.call(x, packed, std::nullopt, "none", Scalars(), "");
}

}  // namespace

// oneDNN blocks bf16 weights only for processors with AVX512; the plain product works on all.
bool can_prepack(at::ScalarType t) {
  if (t == at::kFloat) return true;
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
         __builtin_cpu_supports("avx512dq") != 0;
#else
  return false;
#endif
}

void Matrix::lay_panels(bool on) {
  if (on) {
    pack_panels(w, &panels);
  } else {
    panels = at::Tensor();
  }
}

void Matrix::prepack(bool on) { packed = on ? reorder(w) : at::Tensor(); }

void multiply(at::Tensor out, const at::Tensor& a, const at::Tensor& b, bool add) {
  if (has_own_product(a, b.size(1))) {
    product(out, a, b, add);
  } else if (add) {
    at::addmm_out(out, out, a, b);
  } else {
    at::mm_out(out, a, b);
  }
}

at::Tensor Matrix::apply(const at::Tensor& x) const {
  at::Tensor out;
  if (panels.defined() && is_few_rows(x)) {
    check(x.is_contiguous(), "a product needs rows that lie behind one another");
    out = at::empty({x.size(0), w.defined() ? w.size(0) : packed.size(0)}, x.options());
    few_rows_bf16(out, x, panels);
  } else if (packed.defined()) {
    out = packed_linear(x, packed);
  } else if (is_few_rows(x)) {
    out = few_rows_product(x, w);
  } else {
    out = at::empty({x.size(0), w.size(0)}, x.options());
    multiply(out, x, w.t(), false);
  }
  return bias.defined() ? out.add_(bias) : out;
}

at::Tensor Matrix::backward_input(const at::Tensor& dy) const {
  at::Tensor out = at::empty({dy.size(0), w.size(1)}, dy.options());
  multiply(out, dy, w, false);
  return out;
}

void Matrix::accumulate(const at::Tensor& dy, const at::Tensor& x) const {
  if (x.scalar_type() == at::kFloat) {
    multiply(grad, dy.t(), x, true);
  } else {
    at::Tensor(grad).add_(at::mm(dy.t(), x));  // the sum over micro-batches stays in fp32
  }
  if (bias.defined()) at::Tensor(bias_grad).add_(dy.to(at::kFloat).sum(0));
}

}  // namespace cb
