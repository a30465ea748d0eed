// The running softmax over blocks of logits, its gradient and the exponential below it, against the
// formulas in double precision.
#include "softmax.h"

#include <ATen/Context.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "check.h"
#include "vecmath.h"

namespace {

// Two units in the last place, as its comment promises; the ends of its range are finite and tiny
// or huge.
void exponential() {
  double worst = 0;
  for (double x = -87; x <= 88; x += 0.00137) {
    const float f = static_cast<float>(x);
    const double want = std::exp(static_cast<double>(f));
    worst = std::max(worst, std::abs(static_cast<double>(cb::fast_exp(f)) - want) / want);
  }
  EXPECT(worst < 2 * 1.2e-7);
  EXPECT(cb::fast_exp(0.0F) == 1.0F);
  for (const float f : {-88.0F, -1000.0F, -INFINITY}) {
    EXPECT(cb::fast_exp(f) >= 0 && cb::fast_exp(f) < 2e-38F);
  }
  for (const float f : {89.0F, 1000.0F, INFINITY}) {
    EXPECT(std::isfinite(cb::fast_exp(f)) && cb::fast_exp(f) > 1e38F);
  }
}

// Logits [R,V] and others, walked in blocks of the given sizes.
void blocks(const at::Tensor& l, const at::Tensor& other, const std::vector<int64_t>& sizes,
            double tol) {
  const at::Tensor d = l.to(at::kDouble), p = d.softmax(-1);
  for (const int32_t portable : {0, 1}) {
    cb_set_portable(portable);
    cb::RunningSoftmax s(l.size(0), at::kCPU);
    int64_t at = 0;
    for (const int64_t n : sizes) {
      s.add(l.narrow(1, at, n).contiguous(), other.narrow(1, at, n).contiguous());
      at += n;
    }
    EXPECT(at == l.size(1));
    EXPECT_NEAR(s.lse(), d.logsumexp({-1}), tol);
    EXPECT_NEAR(s.mean_logit(), p.mul(d).sum(-1), tol);
    // The other logits are summed relative to the maximum of the first ones.
    const double far = 1 + d.abs().max().item<double>();
    EXPECT_NEAR(s.mean_other(), p.mul(other.to(at::kDouble)).sum(-1), tol * far);
  }
  cb_set_portable(0);
}

void running() {
  const at::Tensor l = at::randn({5, 700}).mul(4), other = at::randn({5, 700}).mul(4);
  blocks(l, other, {700}, 1e-6);
  blocks(l, other, {1, 699}, 1e-6);
  blocks(l, other, {300, 300, 100}, 1e-6);
  // The maximum rises, or falls, from block to block by more than exp can hold.
  const at::Tensor steps = at::tensor({0.0F, 150.0F, 300.0F, 450.0F}).repeat_interleave(175);
  blocks(l.add(steps), other, {175, 175, 175, 175}, 1e-6);
  blocks(l.sub(steps), other, {175, 175, 175, 175}, 1e-6);
  blocks(l.mul(0).sub(1000), other, {350, 350}, 1e-6);  // all equal and far from zero
  // A vocabulary's row at once: the many small terms must not be lost against their sum.
  const at::Tensor row = at::randn({2, 150001}).mul(3), even = at::randn({2, 150001});
  blocks(row, even, {150001}, 1e-6);
  for (const int32_t portable : {0, 1}) {
    cb_set_portable(portable);
    cb::RunningSoftmax s(2, at::kCPU);
    s.add(row, {});
    // In nats, whatever the size of the sum: what every log-prob of the row is off.
    EXPECT(s.lse().sub(row.to(at::kDouble).logsumexp({-1})).abs().max().item<double>() < 1e-6);
  }
  cb_set_portable(0);
}

// dL/dlogit = seed * (onehot - softmax), in blocks.
void gradient() {
  const int64_t r = 6, v = 50;
  const at::Tensor l = at::randn({r, v}).mul(3), seed = at::randn({r});
  const at::Tensor targets = at::tensor({0, 49, 20, 19, 39, 40}).to(at::kLong);
  const at::Tensor ref = l.to(at::kDouble).requires_grad_(true);
  ref.log_softmax(-1).gather(1, targets.unsqueeze(1)).squeeze(1).backward(seed.to(at::kDouble));
  const at::Tensor lse = l.to(at::kDouble).logsumexp({-1}).to(at::kFloat);
  for (const int32_t portable : {0, 1}) {
    cb_set_portable(portable);
    std::vector<at::Tensor> parts;
    for (const int64_t first : {0, 20, 40}) {
      const int64_t n = std::min<int64_t>(20, v - first);
      parts.push_back(l.narrow(1, first, n).clone(at::MemoryFormat::Contiguous));
      cb::softmax_gradient_(parts.back(), lse, seed, targets, first);
    }
    EXPECT_NEAR(at::cat(parts, 1), ref.grad(), 2e-6);
  }
  cb_set_portable(0);
}

}  // namespace

int main() {
  return test::run([] {
    at::manual_seed(29);
    exponential();
    running();
    gradient();
  });
}
