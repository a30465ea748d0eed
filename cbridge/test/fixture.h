// A tiny model with random weights, its buffers as tensors, and the same transformer written with
// libtorch's differentiable operators in double precision: what the bridge is compared with.
#pragma once

#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/tril.h>

#include <cmath>
#include <vector>

#include "check.h"
#include "tensor.h"

namespace test {

inline const cb_device kCPU = {CB_CPU, 0};

class Model {
 public:
  cb_arch arch;
  cb_model* m = nullptr;
  cb_err e{};

  // layers 3, hidden 12, FFN 10, context 32, heads of size 4.
  Model(int32_t dtype, bool trainable, bool tied, int32_t heads = 4, int32_t kv_heads = 2,
        int32_t vocab = 23)
      : Model(dtype, trainable, small(heads, kv_heads, vocab, tied)) {}

  Model(int32_t dtype, bool trainable, const cb_arch& a) : arch(a), trainable_(trainable) {
    const std::vector<int32_t> zero(static_cast<size_t>(arch.layers));
    const double magnitude = 1;
    EXPECT_OK(cb_model_new(&arch, zero.data(), zero.data(), kFreq, &magnitude, 1, dtype, kCPU,
                           trainable ? 1 : 0, &m, &e));
    for (int32_t i = 0; i < buffers(); i++) {
      at::Tensor w = buffer(trainable ? CB_MASTER : CB_COMPUTE, i);
      w.copy_(at::randn(w.sizes()).mul(0.4));
    }
    EXPECT_OK(cb_model_commit(m, 0, &e));
  }
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;
  ~Model() { cb_model_free(m); }

  int32_t buffers() const { return arch.layers + (arch.tied != 0 ? 2 : 3); }

  at::Tensor buffer(int32_t kind, int32_t i) {
    cb_tensor* t = nullptr;
    EXPECT_OK(cb_model_buffer(m, kind, i, &t, &e));
    at::Tensor out = cb::unwrap(t);
    cb_tensor_free(&t, 1);
    return out;
  }

  std::vector<at::Tensor> grads() {
    std::vector<at::Tensor> out;
    for (int32_t i = 0; i < buffers(); i++) out.push_back(buffer(CB_GRAD, i).clone());
    return out;
  }

  // The weights that the model computes with, as leaves of a graph.
  std::vector<at::Tensor> leaves() {
    std::vector<at::Tensor> out;
    for (int32_t i = 0; i < buffers(); i++) {
      out.push_back(buffer(CB_COMPUTE, i).to(at::kDouble, false, true).requires_grad_(true));
    }
    return out;
  }

  static cb_arch small(int32_t heads, int32_t kv_heads, int32_t vocab, bool tied) {
    cb_arch a{};
    a.layers = 3;
    a.hidden = 12;
    a.heads = heads;
    a.kv_heads = kv_heads;
    a.head_dim = 4;
    a.ffn = 10;
    a.vocab = vocab;
    a.context = 32;
    a.norm_eps = 1e-5;
    a.tied = tied ? 1 : 0;
    return a;
  }

  static constexpr double kFreq[] = {1.0, 0.1};

 private:
  bool trainable_;
};

// The transformer of the bridge, one sequence at a time, made of operators that autograd knows.
class Reference {
 public:
  cb_arch a;
  std::vector<at::Tensor> w;

  explicit Reference(Model& m) : a(m.arch), w(m.leaves()) {}

  // Last layer's output [T,H] of a sequence of ids [T].
  at::Tensor hidden(const at::Tensor& ids) const {
    at::Tensor x = w[size(a.layers)].view({a.vocab, a.hidden}).index_select(0, ids);
    for (int32_t i = 0; i < a.layers; i++) x = layer(w[size(i)], x);
    return x;
  }

  // Log-probs [R,V] of the next token after normed rows of hidden.
  at::Tensor logprobs(const at::Tensor& hidden) const {
    const at::Tensor& head = w[size(a.tied != 0 ? a.layers : a.layers + 2)];
    const at::Tensor h = norm(hidden, w[size(a.layers + 1)]);
    return h.matmul(head.view({a.vocab, a.hidden}).t()).log_softmax(-1);
  }

 private:
  static size_t size(int32_t i) { return static_cast<size_t>(i); }

  at::Tensor norm(const at::Tensor& x, const at::Tensor& weight) const {
    return x.mul(x.mul(x).mean(-1, true).add(a.norm_eps).rsqrt()).mul(weight);
  }

  // x [T,heads,D] turned by its position.
  at::Tensor rope(const at::Tensor& x) const {
    const int64_t half = a.head_dim / 2;
    at::Tensor p = at::ones({x.size(0)}, at::kDouble).cumsum(0).sub(1);
    p = p.unsqueeze(1)
            .mul(at::tensor(at::ArrayRef<double>(Model::kFreq)).to(at::kDouble))
            .unsqueeze(1);
    const at::Tensor u = x.narrow(2, 0, half), v = x.narrow(2, half, half);
    return at::cat({u.mul(p.cos()).sub(v.mul(p.sin())), v.mul(p.cos()).add(u.mul(p.sin()))}, 2);
  }

  at::Tensor attention(const at::Tensor& qkv) const {
    const int64_t t = qkv.size(0), d = a.head_dim, heads = a.heads, kv = a.kv_heads;
    const auto part = [&](int64_t first, int64_t n) {
      return qkv.narrow(1, first * d, n * d).view({t, n, d});
    };
    const at::Tensor q = rope(part(0, heads)).transpose(0, 1);
    const at::Tensor k = rope(part(heads, kv)).repeat_interleave(heads / kv, 1).transpose(0, 1);
    const at::Tensor v = part(heads + kv, kv).repeat_interleave(heads / kv, 1).transpose(0, 1);
    const at::Tensor hide = at::ones({t, t}, at::kBool).tril().logical_not();
    const at::Tensor s = q.matmul(k.transpose(1, 2)).div(std::sqrt(static_cast<double>(d)));
    const at::Tensor p = at::softmax(s.masked_fill(hide, -INFINITY), -1);
    return p.matmul(v).transpose(0, 1).reshape({t, heads * d});
  }

  at::Tensor layer(const at::Tensor& flat, const at::Tensor& in) const {
    int64_t at = 0;
    const auto take = [&](int64_t rows, int64_t cols) {
      const at::Tensor t = flat.narrow(0, at, rows * cols).view({rows, cols});
      at += rows * cols;
      return t;
    };
    const int64_t h = a.hidden, q = a.heads * a.head_dim, kv = a.kv_heads * a.head_dim, f = a.ffn;
    const at::Tensor attn_norm = take(1, h), qkv = take(q + 2 * kv, h), out = take(h, q);
    const at::Tensor mlp_norm = take(1, h), gate_up = take(2 * f, h), down = take(h, f);
    const at::Tensor x = in.add(attention(norm(in, attn_norm).matmul(qkv.t())).matmul(out.t()));
    const at::Tensor gu = norm(x, mlp_norm).matmul(gate_up.t());
    return x.add(at::silu(gu.narrow(1, 0, f)).mul(gu.narrow(1, f, f)).matmul(down.t()));
  }
};

// [prompt | a | b] as a tree: 5 tokens of a prompt, two answers of 3 and 4 tokens.
struct PairTree {
  std::vector<int64_t> ids = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 22};
  std::vector<int64_t> positions = {0, 1, 2, 3, 4, 5, 6, 7, 5, 6, 7, 8};
  std::vector<int64_t> start = {0, 5, 8}, len = {5, 3, 4}, parent = {-1, 0, 0};
  // The packed rows of the two sequences, and of their answers.
  std::vector<int64_t> a = {0, 1, 2, 3, 4, 5, 6, 7}, b = {0, 1, 2, 3, 4, 8, 9, 10, 11};

  cb_tree* make() const {
    cb_err e;
    cb_tree* t = nullptr;
    EXPECT_OK(cb_tree_new(ids.data(), positions.data(), 12, start.data(), len.data(), parent.data(),
                          3, kCPU, &t, &e));
    return t;
  }

  at::Tensor tokens(const std::vector<int64_t>& rows) const {
    std::vector<int64_t> out;
    for (const int64_t r : rows) out.push_back(ids[static_cast<size_t>(r)]);
    return cb::ints(out.data(), static_cast<int64_t>(out.size()), at::kCPU);
  }

  // The reference's hidden rows in packed order [12,H].
  at::Tensor hidden(const Reference& r) const {
    return at::cat({r.hidden(tokens(a)), r.hidden(tokens(b)).narrow(0, 5, 4)}, 0);
  }
};

}  // namespace test
