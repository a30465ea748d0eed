// The transformer of the bridge written with libtorch's differentiable operators in double
// precision, one sequence at a time: what the bridge is compared with.
#pragma once

#include <ATen/ops/cat.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/tril.h>
#include <ATen/ops/triu.h>

#include <cmath>
#include <vector>

#include "fixture.h"

namespace test {

class Reference {
 public:
  cb_arch a;
  Each each;
  std::vector<at::Tensor> w;

  explicit Reference(Model& m) : a(m.arch), each(m.each), w(m.leaves()) {}

  // Last layer's output [T,H] of a sequence of ids [T].
  at::Tensor hidden(const at::Tensor& ids) const {
    at::Tensor x = w[size(a.layers)].view({a.vocab, a.hidden}).index_select(0, ids);
    if (a.embed_scale != 0) x = x.mul(a.embed_scale);
    for (int32_t i = 0; i < a.layers; i++) x = layer(i, x);
    return x;
  }

  // The rows of a packed pair [12,H].
  at::Tensor hidden(const PairTree& p) const {
    return at::cat({hidden(p.tokens(p.a)), hidden(p.tokens(p.b)).narrow(0, 5, 4)}, 0);
  }

  // Log-probs [R,V] of the next token after rows of hidden.
  at::Tensor logprobs(const at::Tensor& hidden) const {
    const at::Tensor& head = w[size(a.tied != 0 ? a.layers : a.layers + 2)];
    Parts last{w[size(a.layers + 1)]};
    const at::Tensor h = norm(hidden, last);
    const at::Tensor logits = h.matmul(head.view({a.vocab, a.hidden}).t());
    if (a.logit_cap == 0) return logits.log_softmax(-1);
    return logits.div(a.logit_cap).tanh().mul(a.logit_cap).log_softmax(-1);
  }

 private:
  // A flat buffer, read in the order that cbridge.h gives.
  struct Parts {
    at::Tensor flat;
    int64_t at = 0;
    at::Tensor vector(int64_t n) {
      at += n;
      return flat.narrow(0, at - n, n);
    }
    // x [R,in] -> [R,out]
    at::Tensor apply(const at::Tensor& x, int64_t out, bool bias) {
      const at::Tensor y = x.matmul(vector(out * x.size(1)).view({out, x.size(1)}).t());
      return bias ? y.add(vector(out)) : y;
    }
  };

  static size_t size(int32_t i) { return static_cast<size_t>(i); }

  at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight) const {
    return x.mul(x.mul(x).mean(-1, true).add(a.norm_eps).rsqrt()).mul(weight.add(a.norm_offset));
  }

  at::Tensor norm(const at::Tensor& x, Parts& p) const {
    const at::Tensor weight = p.vector(a.hidden);
    if (a.layer_norm == 0) return rms_norm(x, weight);
    const at::Tensor c = x.sub(x.mean(-1, true));
    return c.mul(c.mul(c).mean(-1, true).add(a.norm_eps).rsqrt())
        .mul(weight)
        .add(p.vector(a.hidden));
  }

  // x [T,heads,D] of layer i turned by its position, in its first dimensions.
  at::Tensor rope(int32_t i, const at::Tensor& x) const {
    const int64_t turned = a.rotary_dim != 0 ? a.rotary_dim : a.head_dim, half = turned / 2;
    const int32_t table = each.table[size(i)];
    const double* freq = Model::kFreq + table * half;
    at::Tensor p = at::ones({x.size(0)}, at::kDouble).cumsum(0).sub(1);
    p = p.unsqueeze(1)
            .mul(at::tensor(at::ArrayRef<double>(freq, size(static_cast<int32_t>(half))))
                     .to(at::kDouble))
            .unsqueeze(1);
    const at::Tensor c = p.cos().mul(Model::kMagnitude[table]),
                     s = p.sin().mul(Model::kMagnitude[table]);
    const at::Tensor u = x.narrow(2, 0, half), v = x.narrow(2, half, half);
    return at::cat(
        {u.mul(c).sub(v.mul(s)), v.mul(c).add(u.mul(s)), x.narrow(2, turned, a.head_dim - turned)},
        2);
  }

  // [T,T]: which positions (columns) a position of layer i does not see.
  at::Tensor unseen(int32_t i, int64_t t) const {
    const at::Tensor before = at::ones({t, t}, at::kBool).tril();
    const int64_t window = each.window[size(i)];
    const at::Tensor seen = window == 0 ? before : before.triu(1 - window);
    return seen.logical_not();
  }

  // [T, heads*D] of x [T,H], which has gone through the first norm of layer i.
  at::Tensor attention(int32_t i, const at::Tensor& x, Parts& parts) const {
    const int64_t t = x.size(0), d = a.head_dim, heads = a.heads, kv = a.kv_heads;
    const at::Tensor qkv = parts.apply(x, (heads + 2 * kv) * d, a.qkv_bias != 0);
    const auto part = [&](int64_t first, int64_t n) {
      return qkv.narrow(1, first * d, n * d).view({t, n, d});
    };
    at::Tensor q = part(0, heads), k = part(heads, kv);
    if (a.qk_norm != 0) {
      q = rms_norm(q, parts.vector(d));
      k = rms_norm(k, parts.vector(d));
    }
    q = rope(i, q).transpose(0, 1);
    k = rope(i, k).repeat_interleave(heads / kv, 1).transpose(0, 1);
    const at::Tensor v = part(heads + kv, kv).repeat_interleave(heads / kv, 1).transpose(0, 1);
    const double scale = a.query_scale != 0 ? a.query_scale : 1 / std::sqrt(static_cast<double>(d));
    at::Tensor s = q.matmul(k.transpose(1, 2)).mul(scale);
    if (a.attn_cap != 0) s = s.div(a.attn_cap).tanh().mul(a.attn_cap);
    const at::Tensor p = at::softmax(s.masked_fill(unseen(i, t), -INFINITY), -1);
    return p.matmul(v).transpose(0, 1).reshape({t, heads * d});
  }

  at::Tensor activation(const at::Tensor& x) const {
    if (a.activation == CB_SILU) return at::silu(x);
    return at::gelu(x, a.activation == CB_GELU_TANH ? "tanh" : "none");
  }

  at::Tensor layer(int32_t i, const at::Tensor& in) const {
    const at::Tensor& flat = w[size(i)];
    Parts p{flat};
    at::Tensor added = attention(i, norm(in, p), p);
    added = p.apply(added, a.hidden, a.out_bias != 0);
    if (a.post_norms != 0) added = norm(added, p);
    const at::Tensor x = in.add(added), y = norm(a.parallel != 0 ? in : x, p);
    const int64_t f = a.ffn;
    at::Tensor up = p.apply(y, a.ungated != 0 ? f : 2 * f, a.mlp_bias != 0);
    up = a.ungated != 0 ? activation(up) : activation(up.narrow(1, 0, f)).mul(up.narrow(1, f, f));
    at::Tensor down = p.apply(up, a.hidden, a.mlp_bias != 0);
    if (a.post_norms != 0) down = norm(down, p);
    EXPECT(p.at == flat.size(0));
    return x.add(down);
  }
};

}  // namespace test
