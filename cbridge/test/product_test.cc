// The product for few rows against double precision, and its rows' independence of each other.
#include "product.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/randn.h>

#include "check.h"

namespace {

at::Tensor exact(const at::Tensor& x, const at::Tensor& w) {
  return at::matmul(x.to(at::kDouble), w.to(at::kDouble).t());
}

// Sizes on both sides of a tile, a vector and a pass over the depth.
void agrees_with_double_precision() {
  for (const int64_t m : {1, 2, 3, 4, 7, 32, 128}) {
    for (const int64_t n : {1, 3, 4, 5, 37, 96}) {
      for (const int64_t k : {1, 7, 8, 9, 576, 640, 641, 1536}) {
        const at::Tensor x = at::randn({m, k}), w = at::randn({n, k});
        EXPECT_NEAR(cb::small_product(x, w), exact(x, w), 1e-4);
      }
    }
  }
}

// What is sampled for one prompt must not depend on the prompts beside it.
void rows_are_independent() {
  const at::Tensor x = at::randn({11, 1300}), w = at::randn({50, 1300});
  const at::Tensor all = cb::small_product(x, w);
  for (int64_t i = 0; i < x.size(0); i++) {
    EXPECT(test::same(cb::small_product(x.narrow(0, i, 1), w), all.narrow(0, i, 1)));
  }
  for (const int64_t first : {1, 2, 5}) {
    const int64_t rest = x.size(0) - first;
    EXPECT(test::same(cb::small_product(x.narrow(0, first, rest), w), all.narrow(0, first, rest)));
  }
}

void threads_change_nothing() {
  const at::Tensor x = at::randn({33, 576}), w = at::randn({1001, 576});
  const int threads = at::get_num_threads();
  const at::Tensor many = cb::small_product(x, w);
  at::set_num_threads(1);
  EXPECT(test::same(cb::small_product(x, w), many));
  at::set_num_threads(threads);
}

void is_for_few_rows_of_fp32() {
  EXPECT(cb::is_small_product(at::randn({1, 8})));
  EXPECT(cb::is_small_product(at::randn({cb::kFewRows, 8})));
  EXPECT(!cb::is_small_product(at::randn({cb::kFewRows + 1, 8})));
  EXPECT(!cb::is_small_product(at::randn({1, 8}).to(at::kBFloat16)));
  cb_set_portable(1);
  EXPECT(!cb::is_small_product(at::randn({1, 8})));
  cb_set_portable(0);
}

}  // namespace

int main() {
  return test::run([] {
    at::manual_seed(7);
    agrees_with_double_precision();
    rows_are_independent();
    threads_change_nothing();
    is_for_few_rows_of_fp32();
  });
}
