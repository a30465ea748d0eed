// AdamW, the gradient norm and its scaling against the formula written out by hand.
#include <ATen/Context.h>
#include <ATen/ops/randn.h>

#include <cmath>
#include <vector>

#include "check.h"
#include "fixture.h"

namespace {

using test::Model;

// Loshchilov & Hutter, arXiv 1711.05101, algorithm 2, in double precision.
struct Hand {
  double b1 = 0.9, b2 = 0.95, eps = 1e-8, decay = 0.1;
  std::vector<at::Tensor> p, m, v;

  void step(size_t i, const at::Tensor& grad, double lr, int64_t t) {
    const at::Tensor g = grad.to(at::kDouble);
    m[i] = m[i].mul(b1).add(g.mul(1 - b1));
    v[i] = v[i].mul(b2).add(g.mul(g).mul(1 - b2));
    const at::Tensor mh = m[i].div(1 - std::pow(b1, t)), vh = v[i].div(1 - std::pow(b2, t));
    p[i] = p[i].sub(p[i].mul(lr * decay)).sub(mh.div(vh.sqrt().add(eps)).mul(lr));
  }
};

void adamw(int32_t dtype) {
  Model model(dtype, true, false);
  cb_err e;
  Hand hand;
  for (int32_t i = 0; i < model.buffers(); i++) {
    at::Tensor w = model.buffer(CB_MASTER, i);
    hand.p.push_back(w.to(at::kDouble, false, true));
    hand.m.push_back(hand.p.back().mul(0));
    hand.v.push_back(hand.p.back().mul(0));
  }
  cb_adamw* o = nullptr;
  EXPECT_OK(cb_adamw_new(model.m, hand.b1, hand.b2, hand.eps, hand.decay, &o, &e));
  for (int64_t t = 1; t <= 4; t++) {
    const double lr = 0.01 * static_cast<double>(t);
    for (int32_t i = 0; i < model.buffers(); i++) {
      at::Tensor g = model.buffer(CB_GRAD, i);
      g.copy_(at::randn(g.sizes()));
      hand.step(static_cast<size_t>(i), g, lr, t);
    }
    EXPECT_OK(cb_adamw_step(o, model.m, lr, 1, t, &e));
    EXPECT_OK(cb_model_commit(model.m, 0, &e));
  }
  for (int32_t i = 0; i < model.buffers(); i++) {
    const auto k = static_cast<size_t>(i);
    EXPECT_NEAR(model.buffer(CB_MASTER, i), hand.p[k], 2e-6);
    EXPECT_NEAR(model.buffer(CB_COMPUTE, i), hand.p[k], dtype == CB_F32 ? 2e-6 : 1.0 / 256);
    cb_tensor* moment[2] = {};
    for (const int32_t which : {0, 1}) {
      EXPECT_OK(cb_adamw_moment(o, which, i, &moment[which], &e));
    }
    EXPECT_NEAR(cb::unwrap(moment[0]), hand.m[k], 2e-6);
    EXPECT_NEAR(cb::unwrap(moment[1]), hand.v[k], 2e-6);
    cb_tensor_free(moment, 2);
  }
  EXPECT_FAILS(cb_adamw_step(o, model.m, 0.1, 1, 0, &e), CB_ERR_ARGUMENT);
  cb_tensor* none = nullptr;
  EXPECT_FAILS(cb_adamw_moment(o, 2, 0, &none, &e), CB_ERR_ARGUMENT);
  EXPECT_FAILS(cb_adamw_moment(o, 0, model.buffers(), &none, &e), CB_ERR_ARGUMENT);
  cb_adamw_free(o);
}

void norm_and_scale() {
  Model model(CB_F32, true, false);
  cb_err e;
  double sum = 0, norm = 0;
  for (int32_t i = 0; i < model.buffers(); i++) {
    at::Tensor g = model.buffer(CB_GRAD, i);
    g.copy_(at::randn(g.sizes()));
    sum += g.to(at::kDouble).pow(2).sum().item<double>();
  }
  EXPECT_OK(cb_grad_norm(model.m, &norm, &e));
  EXPECT(std::abs(norm - std::sqrt(sum)) < 1e-5 * norm);
  // A step with scaled gradients leaves the first moment that scaled gradients leave: (1-beta1) *
  // scale * g.
  const at::Tensor before = model.buffer(CB_GRAD, 1).clone();
  cb_adamw* o = nullptr;
  cb_tensor* moment = nullptr;
  EXPECT_OK(cb_adamw_new(model.m, 0.5, 0.95, 1e-8, 0, &o, &e));
  EXPECT_FAILS(cb_adamw_step(o, model.m, 0.1, 0, 1, &e), CB_ERR_ARGUMENT);
  EXPECT_OK(cb_adamw_step(o, model.m, 0.1, 0.25, 1, &e));
  EXPECT_OK(cb_adamw_moment(o, 0, 1, &moment, &e));
  EXPECT_NEAR(cb::unwrap(moment), before.mul(0.125), 1e-7);
  cb_tensor_free(&moment, 1);
  cb_adamw_free(o);
  EXPECT_OK(cb_model_zero_grad(model.m, &e));
  EXPECT_OK(cb_grad_norm(model.m, &norm, &e));
  EXPECT(norm == 0);
}

void frozen() {
  Model model(CB_F32, false, true);
  cb_err e;
  cb_adamw* o = nullptr;
  cb_tensor* t = nullptr;
  EXPECT_FAILS(cb_adamw_new(model.m, 0.9, 0.95, 1e-8, 0, &o, &e), CB_ERR_ARGUMENT);
  EXPECT_FAILS(cb_model_buffer(model.m, CB_MASTER, 0, &t, &e), CB_ERR_ARGUMENT);
  EXPECT_FAILS(cb_model_buffer(model.m, CB_GRAD, 0, &t, &e), CB_ERR_ARGUMENT);
  EXPECT_FAILS(cb_model_buffer(model.m, CB_COMPUTE, model.buffers(), &t, &e), CB_ERR_ARGUMENT);
}

}  // namespace

int main() {
  return test::run([] {
    at::manual_seed(3);
    adamw(CB_F32);
    adamw(CB_BF16);
    norm_and_scale();
    frozen();
  });
}
