// The products of one weight matrix.
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/linear.h>
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

void Matrix::prepack(bool on) { packed = on ? reorder(w) : at::Tensor(); }

at::Tensor Matrix::apply(const at::Tensor& x) const {
  if (packed.defined()) return packed_linear(x, packed);
  return is_small_product(x) ? small_product(x, w) : at::linear(x, w);
}

at::Tensor Matrix::backward_input(const at::Tensor& dy) const { return at::mm(dy, w); }

void Matrix::accumulate(const at::Tensor& dy, const at::Tensor& x) const {
  at::Tensor g = grad;
  if (x.scalar_type() == at::kFloat) {
    at::addmm_out(g, g, dy.t(), x);
  } else {
    g.add_(at::mm(dy.t(), x));  // the sum over micro-batches stays in fp32
  }
}

}  // namespace cb
