// The whole transformer over a packed pair against the same transformer in double precision:
// hidden states, and the hand-written backward pass against autograd.
#include <ATen/Context.h>
#include <ATen/ops/randn.h>

#include "check.h"
#include "fixture.h"
#include "parts.h"
#include "reference.h"

namespace {

using test::Model;
using test::PairTree;
using test::Reference;

struct Run {
  at::Tensor hidden;
  std::vector<at::Tensor> grads;
};

// One forward and backward pass with the given seed dL/dhidden, starting from zero gradients.
Run run(Model& m, const PairTree& pair, const at::Tensor& seed, int32_t segment) {
  cb_err e;
  Run r;
  cb_tree* t = pair.make();
  cb_tape* tape = nullptr;
  cb_tensor* h = nullptr;
  EXPECT_OK(cb_model_zero_grad(m.m, &e));
  EXPECT_OK(cb_tape_new(segment, &tape, &e));
  EXPECT_OK(cb_forward(m.m, t, tape, &h, &e));
  r.hidden = cb::unwrap(h);
  cb_tensor* d = cb::wrap(seed);
  EXPECT_OK(cb_backward(m.m, t, tape, d, &e));
  EXPECT_FAILS(cb_backward(m.m, t, tape, d, &e), CB_ERR_ARGUMENT);  // the tape is used up
  r.grads = m.grads();
  cb_tensor* both[] = {h, d};
  cb_tensor_free(both, 2);
  cb_tape_free(tape);
  cb_tree_free(t);
  return r;
}

// The norm of the difference over the norm.
double off(const at::Tensor& got, const at::Tensor& want) {
  return got.to(at::kDouble).sub(want).norm().item<double>() / want.norm().item<double>();
}

// Every part of a layer's gradient by itself, so that a large one hides no small one. Those of
// norms and biases may be off by twice as much: they are sums over all rows, which cancel.
void parts_agree(const cb_arch& a, const at::Tensor& got, const at::Tensor& want, double tol) {
  cb::Layer layer;
  int64_t at = 0;
  cb::each_part(a, layer, [&](at::Tensor&, at::Tensor&, const cb::Shape& s) {
    const int64_t n = cb::product_of(s);
    const double part = off(got.narrow(0, at, n), want.narrow(0, at, n));
    if (!(part <= (s.size() > 1 ? tol : 2 * tol))) {
      test::fail(__FILE__, __LINE__,
                 "the gradient of a part of " + std::to_string(n) + " weights is off by " +
                     std::to_string(part));
    }
    at += n;
  });
  EXPECT(at == want.size(0));
}

void against_autograd(int32_t dtype, const cb_arch& a, const test::Each& each, double tol,
                      double grad_tol) {
  Model m(dtype, true, a, each);
  const PairTree pair;
  const Reference ref(m);
  const at::Tensor want = ref.hidden(pair);
  const at::Tensor seed = at::randn({12, m.arch.hidden}).to(cb::dtype_of(dtype));
  want.backward(seed.to(at::kDouble));
  for (const int32_t portable : {0, 1}) {
    cb_set_portable(portable);
    const Run r = run(m, pair, seed, m.arch.layers);
    EXPECT_NEAR(r.hidden, want, tol);
    for (int32_t i = 0; i < m.arch.layers; i++) {
      const auto k = static_cast<size_t>(i);
      parts_agree(m.arch, r.grads[k], ref.w[k].grad(), grad_tol);
    }
    const auto k = static_cast<size_t>(m.arch.layers);
    EXPECT(off(r.grads[k], ref.w[k].grad()) <= grad_tol);
  }
  cb_set_portable(0);
}

// What sets families apart in an architecture, each alone and then as families have them.
std::vector<cb_arch> variants() {
  std::vector<cb_arch> out;
  const auto with = [&](auto set) {
    cb_arch a = Model::small(4, 2, 23, true);
    set(a);
    out.push_back(a);
  };
  with([](cb_arch& a) { a.tied = 0, a.heads = 3, a.kv_heads = 3; });
  with([](cb_arch& a) { a.kv_heads = 1; });
  with([](cb_arch& a) { a.head_dim = 6, a.rotary_dim = 4; });
  with([](cb_arch& a) { a.qk_norm = 1; });
  with([](cb_arch& a) { a.layer_norm = 1; });
  with([](cb_arch& a) { a.post_norms = 1; });
  with([](cb_arch& a) { a.parallel = 1; });
  with([](cb_arch& a) { a.ungated = 1; });
  with([](cb_arch& a) { a.activation = CB_GELU; });
  with([](cb_arch& a) { a.activation = CB_GELU_TANH; });
  with([](cb_arch& a) { a.qkv_bias = 1; });
  with([](cb_arch& a) { a.out_bias = 1; });
  with([](cb_arch& a) { a.mlp_bias = 1; });
  with([](cb_arch& a) { a.norm_offset = 1; });
  with([](cb_arch& a) { a.embed_scale = 3; });
  with([](cb_arch& a) { a.query_scale = 0.3; });
  with([](cb_arch& a) { a.attn_cap = 2; });
  with([](cb_arch& a) {
    a.layer_norm = a.parallel = a.ungated = a.qkv_bias = a.out_bias = a.mlp_bias = 1;
    a.activation = CB_GELU, a.rotary_dim = 2, a.tied = 0;
  });
  with([](cb_arch& a) {
    a.qk_norm = a.post_norms = 1;
    a.activation = CB_GELU_TANH, a.norm_offset = 1, a.embed_scale = 3;
  });
  with([](cb_arch& a) { a.layer_norm = a.post_norms = a.parallel = 1; });
  return out;
}

// Running segments again gives the bits that keeping everything gives.
void segments(int32_t dtype) {
  Model m(dtype, true, true);
  const PairTree pair;
  const at::Tensor seed = at::randn({12, m.arch.hidden}).to(cb::dtype_of(dtype));
  const Run all = run(m, pair, seed, 100);
  for (const int32_t segment : {1, 2, 3}) {
    const Run r = run(m, pair, seed, segment);
    EXPECT(test::same(r.hidden, all.hidden));
    for (size_t i = 0; i < all.grads.size(); i++) EXPECT(test::same(r.grads[i], all.grads[i]));
  }
}

// The blocked copy of the matrices, where the processor takes one, and no tape change no more than
// rounding.
void prepacked_and_without_tape(int32_t dtype, double tol) {
  Model m(dtype, true, false);
  cb_err e;
  const PairTree pair;
  const Run r = run(m, pair, at::randn({12, m.arch.hidden}).to(cb::dtype_of(dtype)), 1);
  cb_tree* t = pair.make();
  for (const int32_t prepack : {0, 1}) {
    EXPECT_OK(cb_model_commit(m.m, prepack, &e));
    cb_tensor* h = nullptr;
    EXPECT_OK(cb_forward(m.m, t, nullptr, &h, &e));
    EXPECT_NEAR(cb::unwrap(h), r.hidden, tol);
    cb_tensor_free(&h, 1);
  }
  cb_tree_free(t);
}

void refused() {
  cb_err e;
  Model m(CB_F32, false, true);
  PairTree pair;
  cb_tree* t = pair.make();
  cb_tape* tape = nullptr;
  cb_tensor* h = nullptr;
  EXPECT_OK(cb_tape_new(1, &tape, &e));
  EXPECT_OK(cb_forward(m.m, t, tape, &h, &e));
  EXPECT_FAILS(cb_backward(m.m, t, tape, h, &e), CB_ERR_ARGUMENT);
  cb_tensor_free(&h, 1);
  cb_tree_free(t);
  cb_tape_free(tape);
  EXPECT_FAILS(cb_tape_new(0, &tape, &e), CB_ERR_ARGUMENT);
  h = nullptr;
  pair.ids[7] = m.arch.vocab;  // outside the vocabulary
  t = pair.make();
  EXPECT_FAILS(cb_forward(m.m, t, nullptr, &h, &e), CB_ERR_INDEX);
  cb_tree_free(t);
  pair = PairTree();
  pair.positions[11] = m.arch.context;  // outside the rotary tables
  t = pair.make();
  EXPECT_FAILS(cb_forward(m.m, t, nullptr, &h, &e), CB_ERR_ARGUMENT);
  cb_tree_free(t);
  EXPECT(h == nullptr);
}

void bad_architectures() {
  cb_err e;
  const double freq[] = {1, 1, 1, 1};
  const int32_t zero[] = {0, 0, 0}, one[] = {0, 0, 1};
  const double magnitude[] = {1};
  const cb_arch good = test::Model::small(4, 2, 23, true);
  const auto refuse = [&](cb_arch a, int32_t dtype, cb_device d, int32_t code) {
    cb_model* m = nullptr;
    EXPECT_FAILS(cb_model_new(&a, zero, zero, freq, magnitude, 1, dtype, d, 0, &m, &e), code);
    EXPECT(m == nullptr);
  };
  cb_arch a = good;
  a.layers = 0;
  refuse(a, CB_F32, test::kCPU, CB_ERR_ARGUMENT);
  a = good;
  a.heads = 3, a.kv_heads = 2;
  refuse(a, CB_F32, test::kCPU, CB_ERR_ARGUMENT);
  a = good;
  a.head_dim = 3;
  refuse(a, CB_F32, test::kCPU, CB_ERR_ARGUMENT);
  a = good;
  a.norm_eps = 0;
  refuse(a, CB_F32, test::kCPU, CB_ERR_ARGUMENT);
  a = good;
  a.rotary_dim = 6;
  refuse(a, CB_F32, test::kCPU, CB_ERR_ARGUMENT);
  a = good;
  a.activation = 3;
  refuse(a, CB_F32, test::kCPU, CB_ERR_ARGUMENT);
  a = good;
  a.layer_norm = a.qk_norm = 1;
  refuse(a, CB_F32, test::kCPU, CB_ERR_ARGUMENT);
  cb_model* m = nullptr;
  EXPECT_FAILS(cb_model_new(&good, zero, one, freq, magnitude, 1, CB_F32, test::kCPU, 0, &m, &e),
               CB_ERR_ARGUMENT);
  refuse(good, CB_F16, test::kCPU, CB_ERR_ARGUMENT);
  refuse(good, CB_F32, {CB_CUDA, 99}, CB_ERR_DEVICE);
}

}  // namespace

int main() {
  return test::run([] {
    at::manual_seed(19);
    const cb_arch llama = Model::small(4, 2, 23, true);
    const test::Each all_alike, mixed = {{2, 0, 5}, {1, 0, 1}};
    against_autograd(CB_F32, llama, mixed, 2e-5, 1e-5);
    for (const cb_arch& a : variants()) {
      against_autograd(CB_F32, a, all_alike, 2e-5, 2e-5);
      // Norms of what a layer adds make bf16's rounding larger; LayerNorms of it, which no family
      // has, more than a mistake would.
      if (a.post_norms == 0 || a.layer_norm == 0) against_autograd(CB_BF16, a, all_alike, 0.2, 0.1);
    }
    against_autograd(CB_F32, llama, all_alike, 2e-5, 1e-5);
    against_autograd(CB_BF16, llama, all_alike, 0.06, 0.05);
    against_autograd(CB_BF16, llama, mixed, 0.06, 0.05);
    segments(CB_F32);
    segments(CB_BF16);
    prepacked_and_without_tape(CB_F32, 1e-5);
    prepacked_and_without_tape(CB_BF16, 0.06);
    refused();
    bad_architectures();
  });
}
