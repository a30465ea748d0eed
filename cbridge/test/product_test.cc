// The products for few and for many rows: against double precision, and that their rows do not
// depend on each other.
#include "product.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <torch/version.h>

#include <vector>

#include "check.h"

namespace {

at::Tensor exact(const at::Tensor& x, const at::Tensor& w) {
  return at::matmul(x.to(at::kDouble), w.to(at::kDouble).t());
}

// Of fp32 and bf16 those that few_rows_product takes on this processor.
std::vector<at::ScalarType> types() {
  std::vector<at::ScalarType> out = {at::kFloat};
  if (cb::has_few_rows(at::kBFloat16)) out.push_back(at::kBFloat16);
  return out;
}

// Sizes on both sides of a tile, a vector and a pass over the depth. The result of bf16 is the sum
// rounded once: half a unit in its last place is up to 2^-8 of it.
void agrees_with_double_precision() {
  for (const at::ScalarType type : types()) {
    for (const int64_t m : {1, 2, 3, 4, 7, 28, 29, 32, 128}) {
      for (const int64_t n : {1, 3, 4, 5, 37, 96}) {
        for (const int64_t k : {1, 7, 8, 9, 31, 32, 33, 576, 640, 641, 1536}) {
          const at::Tensor x = at::randn({m, k}).to(type), w = at::randn({n, k}).to(type);
          const at::Tensor got = cb::few_rows_product(x, w);
          EXPECT(got.scalar_type() == type);
          EXPECT_NEAR(got, exact(x, w), type == at::kFloat ? 1e-4 : 3.95e-3);
        }
      }
    }
  }
}

// The bits are those of oneDNN's products, with which texts are scored and trained on: else the
// same token would have two log-probs. In which order it sums is its own affair: held to the pinned
// version, and to processors where it has no instructions for whole tiles.
void has_the_bits_of_one_dnn() {
#if TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR == 11
  if (!cb::computes_in_bf16()) return;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("amx-bf16") != 0) return;
#endif
  for (const int64_t n : {100, 960}) {
    for (const int64_t k : {64, 100, 512, 576, 960, 1024, 1026, 1536, 2048, 2560}) {
      const at::Tensor x = at::randn({300, k}).to(at::kBFloat16);
      const at::Tensor w = at::randn({n, k}).to(at::kBFloat16), all = at::linear(x, w);
      for (const int64_t m : {1, 16, 28, 33, 100}) {
        EXPECT(test::same(cb::few_rows_product(x.narrow(0, 0, m), w), all.narrow(0, 0, m)));
      }
    }
  }
#endif
}

// What is sampled for one prompt must not depend on the prompts beside it.
void rows_are_independent(at::ScalarType type) {
  const at::Tensor x = at::randn({11, 1300}).to(type), w = at::randn({50, 1300}).to(type);
  const at::Tensor all = cb::few_rows_product(x, w);
  for (int64_t i = 0; i < x.size(0); i++) {
    EXPECT(test::same(cb::few_rows_product(x.narrow(0, i, 1), w), all.narrow(0, i, 1)));
  }
  for (const int64_t first : {1, 2, 5}) {
    const int64_t rest = x.size(0) - first;
    EXPECT(
        test::same(cb::few_rows_product(x.narrow(0, first, rest), w), all.narrow(0, first, rest)));
  }
}

void threads_change_nothing(at::ScalarType type) {
  const at::Tensor x = at::randn({33, 576}).to(type), w = at::randn({1001, 576}).to(type);
  const int threads = at::get_num_threads();
  const at::Tensor many = cb::few_rows_product(x, w);
  at::set_num_threads(1);
  EXPECT(test::same(cb::few_rows_product(x, w), many));
  at::set_num_threads(threads);
}

void is_for_few_rows() {
  EXPECT(cb::is_few_rows(at::randn({1, 8})));
  EXPECT(cb::is_few_rows(at::randn({cb::kFewRows, 8})));
  EXPECT(!cb::is_few_rows(at::randn({cb::kFewRows + 1, 8})));
  EXPECT(!cb::is_few_rows(at::randn({1, 8}).to(at::kDouble)));
  EXPECT(cb::is_few_rows(at::randn({1, 8}).to(at::kBFloat16)) == cb::computes_in_bf16());
  cb_set_portable(1);
  EXPECT(!cb::is_few_rows(at::randn({1, 8})));
  cb_set_portable(0);
}

// Sizes on both sides of a tile, a pass over the depth and a block; every order of the operands
// that a layer's forward and backward passes use; a result that is a part of a wider matrix.
void many_rows_agree_with_double_precision() {
  for (const int64_t m : {1, 5, 6, 7, 193, 850}) {
    for (const int64_t n : {1, 15, 16, 17, 1025}) {
      for (const int64_t k : {1, 2, 319, 320, 321, 1000}) {
        const at::Tensor x = at::randn({m, k}), w = at::randn({n, k});
        const at::Tensor xt = x.t().contiguous().t(), wt = w.t().contiguous().t();
        const at::Tensor want = exact(x, w);
        const at::Tensor wide = at::zeros({m, n + 3});
        const at::Tensor out = wide.narrow(1, 2, n);
        cb::product(out, x, w.t(), false);
        EXPECT_NEAR(out, want, 1e-4);
        cb::product(out, x, wt.t(), true);
        EXPECT_NEAR(out, want.mul(2), 1e-4);
        cb::product(out, xt, wt.t(), false);
        EXPECT_NEAR(out, want, 1e-4);
        EXPECT(test::same(wide.narrow(1, 0, 2), at::zeros({m, 2})));
        EXPECT(test::same(wide.narrow(1, n + 2, 1), at::zeros({m, 1})));
      }
    }
  }
}

void many_rows_are_independent() {
  const at::Tensor x = at::randn({301, 650}), w = at::randn({50, 650});
  const auto times_w = [&](const at::Tensor& rows) {
    at::Tensor out = at::empty({rows.size(0), w.size(0)});
    cb::product(out, rows, w.t(), false);
    return out;
  };
  const at::Tensor all = times_w(x);
  for (const int64_t first : {1, 6, 7, 192, 300}) {
    const int64_t rest = x.size(0) - first;
    EXPECT(test::same(times_w(x.narrow(0, first, rest)), all.narrow(0, first, rest)));
  }
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  EXPECT(test::same(times_w(x), all));
  at::set_num_threads(threads);
}

// A backward pass over no rows is a product of depth 0.
void without_depth() {
  const at::Tensor out = at::ones({3, 20});
  cb::product(out, at::empty({3, 0}), at::empty({0, 20}), true);
  EXPECT(test::same(out, at::ones({3, 20})));
  cb::product(out, at::empty({3, 0}), at::empty({0, 20}), false);
  EXPECT(test::same(out, at::zeros({3, 20})));
}

void is_for_many_rows_of_fp32() {
  const at::Tensor many = at::randn({cb::kManyRows, 8});
  const bool own = cb::has_own_product(many, cb::kManyRows);
  EXPECT(!cb::has_own_product(many, cb::kManyRows - 1));
  EXPECT(!cb::has_own_product(many.narrow(0, 1, cb::kManyRows - 1), cb::kManyRows));
  EXPECT(!cb::has_own_product(many.to(at::kBFloat16), cb::kManyRows));
  cb_set_portable(1);
  EXPECT(!cb::has_own_product(many, cb::kManyRows));
  cb_set_portable(0);
  EXPECT(own == cb::has_own_product(many, cb::kManyRows));
}

void refuses_what_does_not_fit() {
  const auto product = [](const at::Tensor& a, const at::Tensor& b) {
    try {
      cb::product(at::empty({4, 4}), a, b, false);
      return true;
    } catch (const cb::Error&) {
      return false;
    }
  };
  const at::Tensor square = at::randn({4, 4});
  EXPECT(product(square, square.t()));
  EXPECT(!product(square, at::randn({5, 4})));
  EXPECT(!product(at::randn({3, 4}), square));
  EXPECT(product(square, at::randn({8, 8}).slice(0, 0, 8, 2).slice(1, 0, 8, 2)));
}

}  // namespace

int main() {
  return test::run([] {
    at::manual_seed(7);
    agrees_with_double_precision();
    for (const at::ScalarType type : types()) {
      rows_are_independent(type);
      threads_change_nothing(type);
    }
    is_for_few_rows();
    has_the_bits_of_one_dnn();
    at::manual_seed(8);  // other numbers than those above, however many those are
    many_rows_agree_with_double_precision();
    many_rows_are_independent();
    without_depth();
    is_for_many_rows_of_fp32();
    refuses_what_does_not_fit();
  });
}
