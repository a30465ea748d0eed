// The likeliest ids of a row: the two implementations against sorting, with equal logits and with
// what is no number.
#include "top.h"

#include <ATen/Context.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/sort.h>

#include <limits>

#include "check.h"

namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

void compare(const at::Tensor& logits) {
  const at::Tensor clean = logits.masked_fill(logits.isnan(), -kInf);
  const auto [sorted, order] = at::sort(clean, /*stable=*/true, -1, /*descending=*/true);
  for (const int64_t k : {int64_t{1}, int64_t{3}, logits.size(1)}) {
    for (const int32_t portable : {0, 1}) {
      cb_set_portable(portable);
      const cb::Top t = cb::top(logits, k);
      EXPECT(t.ids.equal(order.narrow(1, 0, k)));
      EXPECT(t.logits.equal(sorted.narrow(1, 0, k)));
    }
  }
  cb_set_portable(0);
}

void refused() {
  cb_err e;
  const at::Tensor x = at::randn({2, 4});
  for (const int64_t k : {int64_t{0}, int64_t{5}}) {
    EXPECT_FAILS(cb::guard(&e, [&] { cb::top(x, k); }), CB_ERR_ARGUMENT);
  }
}

}  // namespace

int main() {
  return test::run([] {
    at::manual_seed(31);
    compare(at::randn({7, 400}));
    compare(at::randint(-3, 4, {9, 50}).to(at::kFloat));  // hardly one is alone
    compare(at::full({2, 6}, -1.5));
    at::Tensor odd = at::randn({4, 20});
    odd.select(0, 0).fill_(kNaN);
    odd.select(0, 1).narrow(0, 3, 9).fill_(kNaN);
    odd.select(0, 2).narrow(0, 5, 2).fill_(kInf);
    odd.select(0, 3).narrow(0, 0, 15).fill_(-kInf);
    compare(odd);
    compare(at::cat({odd, odd}, 1).t().contiguous().t());  // not contiguous
    refused();
  });
}
