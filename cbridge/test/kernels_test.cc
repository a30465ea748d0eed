// The fused CPU kernels against the portable operators, and both against libtorch's autograd in
// double precision.
#include "kernels.h"

#include <ATen/Context.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "check.h"

namespace {

struct Case {
  at::ScalarType dtype;
  double tol;  // bf16 keeps 8 bits: one rounding is 2^-9 of the value
};

const Case kCases[] = {{at::kFloat, 2e-5}, {at::kBFloat16, 1.0 / 64}};

at::Tensor leaf(const at::Tensor& t) { return t.detach().to(at::kDouble).requires_grad_(true); }

// Calls f with the native kernels and then with the portable ones.
template <class F>
void both(F&& f) {
  for (const int32_t portable : {0, 1}) {
    cb_set_portable(portable);
    f();
  }
  cb_set_portable(0);
}

void rms(const Case& c, int64_t n, int64_t h) {
  const at::Tensor x = at::randn({n, h}).mul(3).to(c.dtype);
  const at::Tensor w = at::rand({h}).add(0.5).to(c.dtype), dy = at::randn({n, h}).to(c.dtype);
  const double eps = 1e-5;
  const at::Tensor rx = leaf(x), rw = leaf(w);
  const at::Tensor want = rx.mul(rx.mul(rx).mean(-1, true).add(eps).rsqrt()).mul(rw);
  want.backward(dy.to(at::kDouble));
  both([&] {
    at::Tensor rstd;
    const at::Tensor y = cb::rms_norm(x, w, eps, 0, &rstd);
    EXPECT(y.scalar_type() == c.dtype && rstd.scalar_type() == at::kFloat);
    EXPECT_NEAR(y, want, c.tol);
    EXPECT(test::same(cb::rms_norm(x, w, eps, 0, nullptr), y));
    const at::Tensor dw = at::ones({h});  // what is there is added to
    EXPECT_NEAR(cb::rms_norm_backward(dy, x, w, 0, rstd, dw), rx.grad(), c.tol);
    EXPECT_NEAR(dw, rw.grad().add(1), 10 * c.tol);
  });
}

void swiglu(const Case& c, int64_t n, int64_t f) {
  const at::Tensor gu = at::randn({n, 2 * f}).mul(2).to(c.dtype);
  const at::Tensor dy = at::randn({n, f}).to(c.dtype);
  const at::Tensor ref = leaf(gu);
  const at::Tensor want = at::silu(ref.narrow(1, 0, f)).mul(ref.narrow(1, f, f));
  want.backward(dy.to(at::kDouble));
  both([&] {
    EXPECT_NEAR(cb::swiglu(gu), want, c.tol);
    at::Tensor again;
    EXPECT_NEAR(cb::swiglu_backward(dy, gu, &again), ref.grad(), c.tol);
    EXPECT_NEAR(again, want, c.tol);
  });
}

void swiglu_extremes() {
  const at::Tensor gu = at::ones({4, 2});
  const float gates[] = {-100, 100, -0.0F, 0};
  for (int64_t i = 0; i < 4; i++) gu.select(0, i).select(0, 0).fill_(gates[i]);
  both([&] {
    at::Tensor again;
    const at::Tensor y = cb::swiglu(gu), d = cb::swiglu_backward(at::ones({4, 1}), gu, &again);
    EXPECT(y.isfinite().all().item<bool>() && d.isfinite().all().item<bool>());
    EXPECT(y.select(0, 1).item<float>() == 100);
  });
  // The same in vectors and behind them, where a number that is none stays alone.
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    const at::Tensor row = at::ones({1, 2 * 9});
    const float wide[] = {-100, 100, -0.0F, 0, NAN, -INFINITY, INFINITY, 1, -100};
    for (int64_t i = 0; i < 9; i++) row.select(1, i).fill_(wide[i]);
    both([&] {
      const at::Tensor y = cb::swiglu(row.to(dtype)).to(at::kFloat).select(0, 0);
      const float* v = y.const_data_ptr<float>();
      EXPECT(v[1] == 100 && v[2] == 0 && v[3] == 0 && std::isnan(v[4]) && std::isinf(v[6]));
      EXPECT(std::abs(v[0]) < 1e-30 && std::abs(v[7] - 0.731F) < 2e-3 && std::abs(v[8]) < 1e-30);
    });
  }
}

void rope(const Case& c, int64_t n, int64_t heads, int64_t still, int64_t dim) {
  const int64_t half = dim / 2, context = 50;
  const at::Tensor angle = at::rand({context, half}).mul(6);
  const at::Tensor cos = angle.cos(), sin = angle.sin();
  const at::Tensor pos = at::randint(context, {n}, at::kLong);
  const at::Tensor x = at::randn({n, (heads + still) * dim}).to(c.dtype);
  const at::Tensor p = angle.index_select(0, pos).to(at::kDouble).unsqueeze(1);
  const at::Tensor head = x.narrow(1, 0, heads * dim).to(at::kDouble).view({n, heads, dim});
  const at::Tensor a = head.narrow(2, 0, half), b = head.narrow(2, half, half);
  const at::Tensor turned =
      at::cat({a.mul(p.cos()).sub(b.mul(p.sin())), b.mul(p.cos()).add(a.mul(p.sin()))}, 2);
  const at::Tensor rest = x.narrow(1, heads * dim, still * dim).to(at::kDouble);
  const at::Tensor want = at::cat({turned.reshape({n, heads * dim}), rest}, 1);
  both([&] {
    const at::Tensor y = x.clone();
    cb::rope_(y, heads, dim, cos, sin, pos, 1);
    EXPECT_NEAR(y, want, c.tol);
    cb::rope_(y, heads, dim, cos, sin, pos, -1);  // its inverse, and so its backward pass
    EXPECT_NEAR(y, x, c.tol);
  });
}

// With one thread or two, any number of rows: the same bits.
void threads_do_not_matter() {
  cb_err e;
  const at::Tensor x = at::randn({37, 24}), w = at::randn({24}), dy = at::randn({37, 24});
  at::Tensor rstd, one, two;
  for (const int32_t n : {1, 2}) {
    EXPECT_OK(cb_set_threads(n, &e));
    const at::Tensor y = cb::rms_norm(x, w, 1e-5, 0, &rstd);
    const at::Tensor dx = cb::rms_norm_backward(dy, x, w, 0, rstd, at::zeros({24}));
    (n == 1 ? one : two) = at::cat({y, dx});
  }
  EXPECT(test::same(one, two));
}

void refused() {
  cb_err e;
  const at::Tensor x = at::ones({2, 4}, at::kDouble);
  const auto call = [&] { cb::rms_norm(x, x.select(0, 0), 1e-5, 0, nullptr); };
  EXPECT_FAILS(cb::guard(&e, call), CB_ERR_ARGUMENT);
}

}  // namespace

int main() {
  return test::run([] {
    at::manual_seed(7);
    for (const Case& c : kCases) {
      for (const int64_t n : {1, 5, 33}) {
        rms(c, n, 24);
        swiglu(c, n, 17);
        rope(c, n, 3, 1, 8);
      }
    }
    swiglu_extremes();
    threads_do_not_matter();
    refused();
  });
}
