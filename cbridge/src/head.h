// Final norm and output head on selected rows. The vocabulary is walked in blocks, so that the
// logits of a block stay in cache and those of all rows and the whole vocabulary never exist at
// once.
#pragma once

#include <functional>
#include <vector>

#include "model.h"

struct cb_head : cb::Counted {
  int64_t tokens = 0;
  at::Tensor rows, targets;  // [R]
  at::Tensor x, h;           // selected hidden rows [R,H], normed [R,H]
  cb::NormStats stats;       // of the norm
  at::Tensor lse;            // [R] fp32
  // Logits, where they need not be computed again: those of the rows [V] as they were sampled from,
  // or those of every block [R,n], fp32.
  std::vector<const float*> sampled;  // points into `owner`
  std::vector<at::Tensor> owner, logits;
};

namespace cb {

// Logits up to this many bytes are kept for the backward pass, which saves a quarter of the head's
// arithmetic, or half of it where sampling has computed them.
constexpr int64_t kKeptLogits = 192 << 20;

// Normed hidden rows [R,H] of packed rows.
at::Tensor head_rows(const cb_model& m, const at::Tensor& hidden, const at::Tensor& rows);
// Capped fp32 logits [R,V] of normed rows: for sampling, where the whole row is needed.
at::Tensor head_logits(const cb_model& m, const at::Tensor& h);
// Calls f(first, logits) with the capped fp32 logits [R,n] of ids first..first+n, block by block in
// order.
void head_blocks(const cb_model& m, const at::Tensor& h,
                 const std::function<void(int64_t, const at::Tensor&)>& f);

}  // namespace cb
