// Sampling as argmax(logits / T + Gumbel noise). The noise is a pure function of (key, position,
// token id): no generator state, so a row draws the same token whatever batch it sits in.
#pragma once

#include <vector>

#include "tensor.h"

namespace cb {

struct Draw {
  at::Tensor ids;      // [B] int64
  at::Tensor logprob;  // [B] fp32, temperature 1
  at::Tensor lse;      // [B] double: log-sum-exp of the logits
};

// logits [B,V] fp32; s holds one setting for all rows or one for each; key, pos [B] int64 (key's 64
// bits are the row's noise key); eos [E] int64, may be empty. Rows with pos < min_new cannot draw
// an id of eos.
Draw sample(const at::Tensor& logits, const std::vector<cb_sampling>& s, const at::Tensor& key,
            const at::Tensor& pos, const at::Tensor& eos);

void check_sampling(const cb_sampling& s);

}  // namespace cb
