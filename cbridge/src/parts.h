// What a layer's flat buffer is made of.
#pragma once

#include <vector>

#include "model.h"

namespace cb {

using Shape = std::vector<int64_t>;

// Calls f(weight, gradient, shape) for every part of a layer that the architecture has, in the
// order of its flat buffer.
template <class F>
void each_part(const cb_arch& a, Layer& l, F&& f) {
  const int64_t h = a.hidden, d = a.head_dim, q = query_width(a), kv = key_width(a), ffn = a.ffn;
  const auto norm = [&](Norm& n, int64_t width, bool bias) {
    f(n.w, n.grad, Shape{width});
    if (bias) f(n.bias, n.bias_grad, Shape{width});
  };
  const auto matrix = [&](Matrix& m, int64_t out, int64_t in) { f(m.w, m.grad, Shape{out, in}); };
  const auto bias = [&](Matrix& m, bool there, int64_t out) {
    if (there) f(m.bias, m.bias_grad, Shape{out});
  };
  const bool layer_norm = a.layer_norm != 0, post = a.post_norms != 0;
  const int64_t up = a.ungated != 0 ? ffn : 2 * ffn;
  norm(l.attn_norm, h, layer_norm);
  matrix(l.qkv, q + 2 * kv, h);
  bias(l.qkv, a.qkv_bias != 0, q + 2 * kv);
  if (a.qk_norm != 0) {
    norm(l.query_norm, d, false);
    norm(l.key_norm, d, false);
  }
  matrix(l.out, h, q);
  bias(l.out, a.out_bias != 0, h);
  if (post) norm(l.post_attn, h, layer_norm);
  norm(l.mlp_norm, h, layer_norm);
  matrix(l.gate_up, up, h);
  bias(l.gate_up, a.mlp_bias != 0, up);
  matrix(l.down, h, ffn);
  bias(l.down, a.mlp_bias != 0, h);
  if (post) norm(l.post_mlp, h, layer_norm);
}

inline int64_t product_of(const Shape& shape) {
  int64_t n = 1;
  for (const int64_t s : shape) n *= s;
  return n;
}

}  // namespace cb
