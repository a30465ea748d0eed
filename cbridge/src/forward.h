// The transformer over a packed tree: forward, and a hand-written backward that keeps as much as it is allowed to.
#pragma once

#include <functional>
#include <vector>

#include "kernels.h"
#include "model.h"
#include "tree.h"

namespace cb {

// All that one layer's backward pass needs.
struct Activations {
  at::Tensor x, rstd1, h1;  // layer input [N,H], its 1/rms [N], normed [N,H]
  Attended att;
  at::Tensor o;             // attention output [N, heads*D]
  at::Tensor x2, rstd2, h2; // after attention
  at::Tensor gu, act;       // gate and up [N,2F], swiglu [N,F]
};

// Sees layer i's rotated qkv rows as they are computed: how prefill fills the KV cache.
using QkvSink = std::function<void(int64_t layer, const at::Tensor& qkv)>;

Heads heads_of(const cb_arch& a);

// Embeds and runs all layers.
at::Tensor run_layers(const cb_model& m, const cb_tree& t, cb_tape* tape, const QkvSink& sink);

}  // namespace cb

struct cb_tape : cb::Counted {
  int64_t segment = 0;
  std::vector<at::Tensor> inputs;     // one per segment
  std::vector<cb::Activations> kept;  // of all layers when segment >= L, else empty between calls
};
