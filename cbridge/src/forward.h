// The transformer over a packed tree: forward, and a hand-written backward that keeps as much as it
// is allowed to.
#pragma once

#include <functional>
#include <vector>

#include "activation.h"
#include "attend.h"
#include "kernels.h"
#include "model.h"
#include "recording.h"

namespace cb {

// What one layer's backward pass needs, a row per packed token; parts that the architecture does
// not have are undefined. Norms, attention probabilities and the product of the gate are cheap to
// compute again from it and are not kept.
struct Activations {
  at::Tensor x;    // layer input [N,H]
  at::Tensor raw;  // queries and keys before their norms [N,(heads+kv)*D]
  at::Tensor qkv;  // rotated [N,(heads+2*kv)*D]
  at::Tensor o;    // attention output [N,heads*D]
  at::Tensor ao;   // its product, before the norm after it [N,H]
  at::Tensor x2;   // after attention [N,H]
  at::Tensor gu;   // gate and up [N,2F], or up alone [N,F]
  at::Tensor mo;   // the MLP's output before the norm after it [N,H]
};

// All of the above, and their widths in a model.
struct ActivationPart {
  at::Tensor Activations::* tensor;
  int64_t width;  // 0: the architecture has no such part
};
std::vector<ActivationPart> activation_parts(const cb_arch& a);

// Sees each layer's activations as they are computed: how prefill fills the KV cache and a
// recording.
using Sink = std::function<void(int64_t layer, const Activations& a)>;

// Where the rows of a pass stand, and what they attend to: rotated qkv of layer i -> [N,heads*D].
struct Context {
  const at::Tensor& positions;
  std::function<at::Tensor(int64_t layer, const at::Tensor& qkv)> attend;
};

Heads heads_of(const cb_model& m, int64_t layer);

// Rows of the embedding [N,H].
at::Tensor embed(const cb_model& m, const at::Tensor& ids);

// Layer i on rows x: x + attention(norm(x)), then + mlp(norm(.)). keep may be NULL.
at::Tensor layer_forward(const cb_model& m, int64_t i, const at::Tensor& x, const Context& c,
                         Activations* keep);

// Embeds and runs all layers; tape and sink may be empty.
at::Tensor run_layers(const cb_model& m, const cb_tree& t, cb_tape* tape, const Sink& sink);

}  // namespace cb

struct cb_tape : cb::Counted {
  int64_t segment = 0;
  cb_recording* recorded = nullptr;  // activations come from here when set, at `rows`
  at::Tensor rows;
  std::vector<at::Tensor> logits;       // as in the recording: what logits_of points into
  std::vector<const float*> logits_of;  // of each packed row; empty when none were recorded
  bool last = false;                    // nothing reads the recording after this tape
  std::vector<at::Tensor> inputs;       // one per segment
  std::vector<cb::Activations> kept;    // of all layers when segment >= L, else empty between calls
};
