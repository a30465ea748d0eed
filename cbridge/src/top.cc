#include "top.h"

#include <ATen/Parallel.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/nan_to_num.h>
#include <ATen/ops/topk.h>

#include <limits>

namespace cb {

namespace {

constexpr float kLeast = -std::numeric_limits<float>::infinity();

// Puts x[i] among the `held` best, which are at most k and in order.
void insert(float* best, int64_t* id, int64_t held, int64_t k, float x, int64_t i) {
  int64_t at = held < k ? held : k - 1;
  for (; at > 0 && best[at - 1] < x; at--) {
    best[at] = best[at - 1];
    id[at] = id[at - 1];
  }
  best[at] = x;
  id[at] = i;
}

// One row. All but a few elements are no larger than the least of those held.
void top_row(const float* x, int64_t n, int64_t k, float* best, int64_t* id) {
  for (int64_t i = 0; i < n; i++) {
    const float v = x[i] == x[i] ? x[i] : kLeast;
    if (i < k || v > best[k - 1]) insert(best, id, i < k ? i : k, k, v, i);
  }
}

// An integer that orders as the float with these bits does.
at::Tensor ordered(const at::Tensor& bits) {
  return bits.bitwise_xor(bits.lt(0).to(at::kInt).mul(std::numeric_limits<int32_t>::max()));
}

// By keys that are all different: the logit above, the place counted from the end below.
Top top_portable(const at::Tensor& logits, int64_t k) {
  const int64_t n = logits.size(1);
  const at::Tensor x = at::nan_to_num(logits, kLeast, -kLeast, kLeast).add(0.0F);  // -0 is 0
  const at::Tensor place = at::arange(n - 1, -1, -1, logits.options().dtype(at::kLong));
  const at::Tensor key = ordered(x.view(at::kInt)).to(at::kLong).mul(int64_t{1} << 32).add(place);
  const at::Tensor ids = std::get<1>(at::topk(key, k, -1));
  return {ids, x.gather(1, ids)};
}

}  // namespace

Top top(const at::Tensor& logits, int64_t k) {
  const int64_t rows = logits.size(0), n = logits.size(1);
  check(k > 0 && k <= n, "a row has no so many likeliest ids");
  if (!native_cpu(logits)) return top_portable(logits, k);
  const at::Tensor in = logits.contiguous();
  Top out{at::empty({rows, k}, at::kLong), at::empty({rows, k}, at::kFloat)};
  const float* x = in.const_data_ptr<float>();
  int64_t* id = out.ids.mutable_data_ptr<int64_t>();
  float* best = out.logits.mutable_data_ptr<float>();
  at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) top_row(x + r * n, n, k, best + r * k, id + r * k);
  });
  return out;
}

}  // namespace cb
