// Running log-sum-exp over blocks of logits.
#pragma once

#include "tensor.h"

namespace cb {

// For each of R rows: the maximum so far, sum(exp(l - max)), and with weights sum(exp(l - max) *
// weight).
struct RunningSoftmax {
  at::Tensor max, sum;       // [R] fp32, [R] double
  at::Tensor first, second;  // [R] double: sums weighted by l itself and by another logit

  RunningSoftmax(int64_t rows, at::Device d);
  // Takes in a block of logits [R,n] fp32; other [R,n] fp32 weighs `second`, and may be undefined.
  void add(const at::Tensor& logits, const at::Tensor& other);
  at::Tensor lse() const;         // [R] double
  at::Tensor mean_logit() const;  // [R] double: expectation of l
  at::Tensor mean_other() const;  // [R] double: expectation of the other logit
};

// logits [R,n] fp32 of ids first..first+n become dL/dlogit = seed * (onehot(target) - softmax), in
// place.
void softmax_gradient_(const at::Tensor& logits, const at::Tensor& lse, const at::Tensor& seed,
                       const at::Tensor& targets, int64_t first);

}  // namespace cb
