// A tiny model with random weights, its buffers as tensors, and a packed pair to run it on.
#pragma once

#include <ATen/ops/randn.h>

#include <utility>
#include <vector>

#include "check.h"
#include "tensor.h"

namespace test {

inline const cb_device kCPU = {CB_CPU, 0};

// What layers have of their own: how far each sees (0: all) and which rotary table it turns by.
struct Each {
  std::vector<int32_t> window = {0, 0, 0}, table = {0, 0, 0};
};

class Model {
 public:
  cb_arch arch;
  Each each;
  cb_model* m = nullptr;
  cb_err e{};

  // layers 3, hidden 12, FFN 10, context 32, heads of size 4.
  Model(int32_t dtype, bool trainable, bool tied, int32_t heads = 4, int32_t kv_heads = 2,
        int32_t vocab = 23)
      : Model(dtype, trainable, small(heads, kv_heads, vocab, tied)) {}

  Model(int32_t dtype, bool trainable, const cb_arch& a, Each of_layers = {})
      : arch(a), each(std::move(of_layers)), trainable_(trainable) {
    EXPECT_OK(cb_model_new(&arch, each.window.data(), each.table.data(), kFreq, kMagnitude, 2,
                           dtype, kCPU, trainable ? 1 : 0, &m, &e));
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

  // Two tables of two frequencies, and what each table's sines and cosines are multiplied by.
  static constexpr double kFreq[] = {1.0, 0.1, 0.7, 0.02};
  static constexpr double kMagnitude[] = {1.0, 1.2};

 private:
  bool trainable_;
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
};

}  // namespace test
