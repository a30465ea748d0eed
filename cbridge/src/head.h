// Final norm and output head on selected rows.
#pragma once

#include "model.h"

struct cb_head : cb::Counted {
  int64_t tokens = 0, chunk = 0;
  at::Tensor rows, targets;  // [R]
  at::Tensor x, rstd, h;     // selected hidden rows [R,H], 1/rms [R], normed [R,H]
  at::Tensor lse;            // [R] fp32
};

namespace cb {

// Normed hidden rows [R,H] of packed rows.
at::Tensor head_rows(const cb_model& m, const at::Tensor& hidden, const at::Tensor& rows);
// fp32 logits [r,V] of normed rows.
at::Tensor head_logits(const cb_model& m, const at::Tensor& h);

}  // namespace cb
