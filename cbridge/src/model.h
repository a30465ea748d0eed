// Weights of one model: flat buffers per layer, the matrices as views into them, and their
// products.
#pragma once

#include <array>
#include <vector>

#include "norm.h"

namespace cb {

// Numbers of a row of queries, and of one of keys or of values.
inline int64_t query_width(const cb_arch& a) { return int64_t{a.heads} * a.head_dim; }
inline int64_t key_width(const cb_arch& a) { return int64_t{a.kv_heads} * a.head_dim; }

// One matrix [out, in] in compute dtype, optionally with a blocked copy that the CPU multiplies
// faster, and with a bias [out].
struct Matrix {
  at::Tensor w;       // [out, in], view into a flat compute buffer
  at::Tensor packed;  // undefined when not prepacked
  at::Tensor panels;  // of w as it is now, for products of few rows; undefined when there are none
  at::Tensor grad;    // [out, in] fp32 view into a flat gradient buffer; undefined when frozen
  at::Tensor bias, bias_grad;  // [out]; undefined when there is none

  // Makes the blocked copy, or drops it.
  void prepack(bool on);
  // Makes the panels anew, or drops them.
  void lay_panels(bool on);
  // x [N,in] -> [N,out]
  at::Tensor apply(const at::Tensor& x) const;
  // dL/dx from dy [N,out]
  at::Tensor backward_input(const at::Tensor& dy) const;
  // grad += dy^T x, and the bias's
  void accumulate(const at::Tensor& dy, const at::Tensor& x) const;
};

// out = a b, or out += a b; all of one dtype, out with steps of 1 along its rows.
void multiply(at::Tensor out, const at::Tensor& a, const at::Tensor& b, bool add);

// Whether matrices of this dtype have a blocked layout on this CPU.
bool can_prepack(at::ScalarType t);

struct Layer {
  int64_t window = 0;  // 0: all
  size_t rope = 0;     // which table
  Norm attn_norm, mlp_norm, query_norm, key_norm, post_attn, post_mlp;
  Matrix qkv, out, gate_up, down;

  std::array<Matrix*, 4> matrices() { return {&qkv, &out, &gate_up, &down}; }
};

// cos and sin of position * frequency [context, rotary_dim/2] fp32, times the table's magnitude.
struct Rope {
  at::Tensor cos, sin;
};

}  // namespace cb

struct cb_model : cb::Counted {
  cb_arch arch;
  at::Device device{at::kCPU};
  at::ScalarType dtype;
  bool trainable;
  std::vector<cb::Rope> ropes;
  double embed_scale = 1;                   // of embeddings, as the compute type has it
  std::vector<at::Tensor> master, compute;  // by buffer index; masters only when trainable
  std::vector<at::Tensor> grad;             // empty when there are none
  bool layer_grads = false;                 // a backward pass has added to those of the layers
  std::vector<cb::Layer> layers;
  cb::Matrix embed;  // [V,H], also the head of a tied model
  cb::Matrix head;   // [V,H]; shares memory with embed when tied
  cb::Norm norm;

  // Makes zero gradients where there are none; refuses a frozen model.
  void need_grad();
  // Puts the gradients of a layer into this memory, which holds zeroes. Only before anything was
  // added to them.
  void place_grad(int64_t layer, const at::Tensor& memory);
  void drop_grad();
  cb::Norm new_norm() const;  // without weights
  int64_t rotary_dim() const { return arch.rotary_dim != 0 ? arch.rotary_dim : arch.head_dim; }
  int64_t buffers() const { return arch.layers + 2 + (arch.tied != 0 ? 0 : 1); }
  void pack(bool on);
  // The panels of a model that trains or decodes; after its weights changed, before they are
  // packed.
  void lay_panels(bool on);
};
