#include "softmax.h"

#include <ATen/Parallel.h>
#include <ATen/ops/full.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "vecmath.h"

namespace cb {

namespace {

struct RowSums {
  double sum, first, second;
};

// A vocabulary's row added up in fp32 alone would be wrong by some 1e-5 of its sum.
constexpr int64_t kPiece = 1024;

// One piece of a row, against the running maximum top.
RowSums sum_piece(const float* l, const float* other, int64_t n, float top) {
  float sum = 0, first = 0, second = 0;
#pragma omp simd reduction(+ : sum, first)
  for (int64_t i = 0; i < n; i++) {
    const float p = fast_exp(l[i] - top);
    sum += p;
    first += p * (l[i] - top);  // relative to the maximum: small numbers keep their digits
  }
  if (other != nullptr) {
#pragma omp simd reduction(+ : second)
    for (int64_t i = 0; i < n; i++) second += fast_exp(l[i] - top) * (other[i] - top);
  }
  return {sum, first, second};
}

// One row of a block; other may be null.
RowSums sum_row(const float* l, const float* other, int64_t n, float top) {
  RowSums all{};
  for (int64_t i = 0; i < n; i += kPiece) {
    const RowSums s =
        sum_piece(l + i, other == nullptr ? nullptr : other + i, std::min(kPiece, n - i), top);
    all = {all.sum + s.sum, all.first + s.first, all.second + s.second};
  }
  return all;
}

float max_row(const float* l, int64_t n) {
  float top = l[0];
#pragma omp simd reduction(max : top)
  for (int64_t i = 1; i < n; i++) top = l[i] > top ? l[i] : top;
  return top;
}

}  // namespace

RunningSoftmax::RunningSoftmax(int64_t rows, at::Device d) {
  const auto f32 = at::TensorOptions(at::kFloat).device(d);
  max = at::full({rows}, -std::numeric_limits<float>::infinity(), f32);
  sum = at::zeros({rows}, f32.dtype(at::kDouble));
  first = at::zeros_like(sum);
  second = at::zeros_like(sum);
}

// The weighted sums are kept relative to the running maximum: sum(exp(l-max) * (weight-max)).
void RunningSoftmax::add(const at::Tensor& logits, const at::Tensor& other) {
  const int64_t rows = logits.size(0), n = logits.size(1);
  if (!native_cpu(logits)) {
    const at::Tensor top = at::maximum(max, logits.amax(-1));
    const at::Tensor shift = max.sub(top).to(at::kDouble), scale = shift.exp();
    const at::Tensor old = sum.mul(scale);
    // Moving the maximum from a to b changes each (weight - a) into (weight - b).
    const at::Tensor moved = shift.masked_fill(sum.eq(0), 0);
    const at::Tensor rel = logits.sub(top.unsqueeze(1)), p = rel.exp();
    first = first.mul(scale).add(old.mul(moved)).add(p.mul(rel).sum(-1));
    if (other.defined()) {
      second =
          second.mul(scale).add(old.mul(moved)).add(p.mul(other.sub(top.unsqueeze(1))).sum(-1));
    }
    sum = old.add(p.sum(-1));
    max = top;
    return;
  }
  const float* lp = logits.const_data_ptr<float>();
  const float* op = other.defined() ? other.const_data_ptr<float>() : nullptr;
  float* mp = max.mutable_data_ptr<float>();
  double* sp = sum.mutable_data_ptr<double>();
  double* fp = first.mutable_data_ptr<double>();
  double* gp = second.mutable_data_ptr<double>();
  at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      const float top = std::max(mp[r], max_row(lp + r * n, n));
      const RowSums s = sum_row(lp + r * n, op == nullptr ? nullptr : op + r * n, n, top);
      const double shift = sp[r] == 0 ? 0 : static_cast<double>(mp[r]) - static_cast<double>(top);
      const double scale = std::exp(shift), old = sp[r] * scale;
      fp[r] = fp[r] * scale + old * shift + s.first;
      gp[r] = gp[r] * scale + old * shift + s.second;
      sp[r] = old + s.sum;
      mp[r] = top;
    }
  });
}

at::Tensor RunningSoftmax::lse() const { return sum.log().add_(max); }
at::Tensor RunningSoftmax::mean_logit() const { return first.div(sum).add_(max); }
at::Tensor RunningSoftmax::mean_other() const { return second.div(sum).add_(max); }

void softmax_gradient_(const at::Tensor& logits, const at::Tensor& lse, const at::Tensor& seed,
                       const at::Tensor& targets, int64_t first) {
  const int64_t rows = logits.size(0), n = logits.size(1);
  if (!native_cpu(logits)) {
    const at::Tensor column = targets.sub(first);
    const at::Tensor here = column.ge(0).logical_and(column.lt(n));
    logits.sub_(lse.unsqueeze(1)).exp_().mul_(seed.neg().unsqueeze(1));
    logits.scatter_add_(1, column.clamp(0, n - 1).unsqueeze(1), seed.mul(here).unsqueeze(1));
    return;
  }
  float* lp = logits.mutable_data_ptr<float>();
  const float* ep = lse.const_data_ptr<float>();
  const float* sp = seed.const_data_ptr<float>();
  const int64_t* tp = targets.const_data_ptr<int64_t>();
  at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      float* l = lp + r * n;
      const float shift = ep[r], s = sp[r];
#pragma omp simd
      for (int64_t i = 0; i < n; i++) l[i] = -s * fast_exp(l[i] - shift);
      const int64_t column = tp[r] - first;
      if (column >= 0 && column < n) l[column] += s;
    }
  });
}

}  // namespace cb
