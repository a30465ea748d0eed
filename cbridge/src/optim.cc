// AdamW on fp32 masters: one fused pass over the flat buffers.
#include <ATen/Parallel.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "model.h"

struct cb_adamw : cb::Counted {
  double beta1, beta2, eps, weight_decay;
  std::vector<at::Tensor> m, v;
};

namespace cb {

namespace {

double squares(const float* x, int64_t n) {
  constexpr int64_t kParts = 16;  // sums beside one another: one alone would wait for itself
  double part[kParts] = {};
  const int64_t whole = n / kParts * kParts;
  for (int64_t i = 0; i < whole; i += kParts) {
#pragma omp simd
    for (int64_t j = 0; j < kParts; j++)
      part[j] += static_cast<double>(x[i + j]) * static_cast<double>(x[i + j]);
  }
  double sum = std::accumulate(part, part + kParts, 0.0);
  for (int64_t i = whole; i < n; i++) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return sum;
}

// In double precision: single-precision sums over the millions of a large matrix lose as much as
// 4e-4 of the norm, and every step would be clipped by that much more or less.
double sum_of_squares(const at::Tensor& g) {
  if (!native_cpu(g)) {
    const double norm =
        at::linalg_vector_norm(g, 2, std::nullopt, false, at::kDouble).item<double>();
    return norm * norm;
  }
  constexpr int64_t kBlock = 1 << 16;  // summed by one thread, so that threads change nothing
  const int64_t n = g.numel(), blocks = (n + kBlock - 1) / kBlock;
  std::vector<double> sums(static_cast<size_t>(blocks));
  const float* x = g.const_data_ptr<float>();
  at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; b++) {
      sums[static_cast<size_t>(b)] = squares(x + b * kBlock, std::min(kBlock, n - b * kBlock));
    }
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

}  // namespace

}  // namespace cb

using cb::guard;

extern "C" {

int32_t cb_adamw_new(cb_model* m, double beta1, double beta2, double eps, double weight_decay,
                     cb_adamw** out, cb_err* e) {
  return guard(e, [&] {
    cb::check(m->trainable, "a frozen model has nothing to optimize");
    auto o = std::make_unique<cb_adamw>();
    o->beta1 = beta1;
    o->beta2 = beta2;
    o->eps = eps;
    o->weight_decay = weight_decay;
    for (const at::Tensor& p : m->master) {
      o->m.push_back(at::zeros_like(p));
      o->v.push_back(at::zeros_like(p));
    }
    *out = o.release();
  });
}

void cb_adamw_free(cb_adamw* o) { delete o; }

int32_t cb_grad_norm(cb_model* m, double* norm, cb_err* e) {
  return guard(e, [&] {
    at::NoGradGuard no_grad;
    m->need_grad();
    double sum = 0;
    for (const at::Tensor& g : m->grad) sum += cb::sum_of_squares(g);
    *norm = std::sqrt(sum);
  });
}

int32_t cb_adamw_step(cb_adamw* o, cb_model* m, double lr, double scale, int64_t t, cb_err* e) {
  return guard(e, [&] {
    at::NoGradGuard no_grad;
    m->need_grad();
    cb::check(scale > 0, "the gradients' scale must be positive");
    cb::check(t >= 1, "optimizer steps are counted from 1");
    // The fused kernel reads the step count and does not advance it.
    std::vector<at::Tensor> steps(
        m->master.size(),
        at::full({}, static_cast<double>(t), at::TensorOptions(at::kFloat).device(m->device)));
    // The fused kernel divides the gradients by this as it reads them.
    std::optional<at::Tensor> inverse;
    if (scale != 1)
      inverse = at::full({}, 1 / scale, at::TensorOptions(at::kFloat).device(m->device));
    at::_fused_adamw_(m->master, m->grad, o->m, o->v, {}, steps, lr, o->beta1, o->beta2,
                      o->weight_decay, o->eps,
                      /*amsgrad=*/false, /*maximize=*/false, inverse);
  });
}

int32_t cb_adamw_moment(cb_adamw* o, int32_t which, int32_t index, cb_tensor** out, cb_err* e) {
  return guard(e, [&] {
    cb::check(which == 0 || which == 1, "AdamW has two moments");
    const auto& from = which == 0 ? o->m : o->v;
    cb::check(index >= 0 && index < static_cast<int32_t>(from.size()), "no such moment buffer");
    *out = cb::wrap(from[static_cast<size_t>(index)]);
  });
}
}
