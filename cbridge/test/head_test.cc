// The log-prob head, which walks the vocabulary in blocks: log-probs, entropies and KL against the
// formulas in double precision on vocabularies of one block and of several, and its gradient
// against autograd.
#include <ATen/Context.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/topk.h>

#include <cmath>
#include <vector>

#include "check.h"
#include "fixture.h"
#include "reference.h"

namespace {

using test::Model;
using test::Reference;

// Rows may repeat (two answers follow the same prompt token) and come in any order.
const std::vector<int64_t> kRows = {4, 0, 4, 6, 2, 1, 6};
// The first and last ids of a small vocabulary and, where it has more, of its blocks.
const std::vector<int64_t> kSmall = {0, 22, 7, 3, 3, 11, 3};
const std::vector<int64_t> kLarge = {0, 6243, 3071, 3072, 6143, 6144, 3};
const int32_t kVocab[] = {23, 6244};
const int64_t kR = 7, kN = 8;

at::Tensor floats(const std::vector<float>& v) {
  return at::tensor(at::ArrayRef<float>(v)).to(at::kFloat);
}

at::Tensor index(const std::vector<int64_t>& v) {
  return cb::ints(v.data(), static_cast<int64_t>(v.size()), at::kCPU);
}

const std::vector<int64_t>& targets(const Model& m) { return m.arch.vocab == 23 ? kSmall : kLarge; }

struct Result {
  at::Tensor logprob, entropy, dhidden;
  std::vector<at::Tensor> grads;
};

Result run(Model& m, const at::Tensor& hidden, const std::vector<float>& seed) {
  cb_err e;
  Result r;
  std::vector<float> lp(kR), ent(kR);
  cb_tensor* h = cb::wrap(hidden);
  cb_tensor* d = nullptr;
  cb_head* head = nullptr;
  const int64_t* ids = targets(m).data();
  EXPECT_OK(cb_model_zero_grad(m.m, &e));
  EXPECT_OK(
      cb_head_logprobs(m.m, nullptr, h, kRows.data(), ids, kR, lp.data(), ent.data(), &head, &e));
  EXPECT_OK(cb_head_backward(m.m, head, seed.data(), &d, &e));
  r.logprob = floats(lp);
  r.entropy = floats(ent);
  r.dhidden = cb::unwrap(d);
  r.grads = m.grads();
  std::vector<float> again(kR);
  EXPECT_OK(
      cb_head_logprobs(m.m, nullptr, h, kRows.data(), ids, kR, again.data(), nullptr, nullptr, &e));
  EXPECT(again == lp);
  cb_head_free(head);
  cb_tensor* both[] = {h, d};
  cb_tensor_free(both, 2);
  return r;
}

void against_autograd(int32_t dtype, bool tied, int32_t vocab, double cap, double tol) {
  cb_arch a = Model::small(4, 2, vocab, tied);
  a.logit_cap = cap;
  Model m(dtype, true, a);
  const Reference ref(m);
  const at::Tensor hidden = at::randn({kN, m.arch.hidden}).to(cb::dtype_of(dtype));
  const at::Tensor x = hidden.to(at::kDouble).requires_grad_(true);
  const at::Tensor all = ref.logprobs(x.index_select(0, index(kRows)));
  const at::Tensor want = all.gather(1, index(targets(m)).unsqueeze(1)).squeeze(1);
  const std::vector<float> seed = {1, -2, 0.5F, 0, 3, -1, 0.25F};
  want.backward(floats(seed).to(at::kDouble));
  for (const int32_t portable : {0, 1}) {
    cb_set_portable(portable);
    const Result r = run(m, hidden, seed);
    EXPECT_NEAR(r.logprob, want, tol);
    EXPECT_NEAR(r.entropy, all.exp().mul(all).sum(-1).neg(), tol);
    EXPECT_NEAR(r.dhidden, x.grad(), 4 * tol);
    for (const int32_t i : {m.arch.layers + 1, tied ? m.arch.layers : m.arch.layers + 2}) {
      EXPECT_NEAR(r.grads[static_cast<size_t>(i)], ref.w[static_cast<size_t>(i)].grad(), 4 * tol);
    }
    const Result again = run(m, hidden, seed);
    EXPECT(test::same(again.logprob, r.logprob) && test::same(again.dhidden, r.dhidden));
  }
  cb_set_portable(0);
}

void candidates_and_logits(int32_t vocab) {
  Model m(CB_F32, false, false, 4, 2, vocab);
  cb_err e;
  const Reference ref(m);
  const at::Tensor hidden = at::randn({kN, m.arch.hidden});
  const at::Tensor all = ref.logprobs(hidden.to(at::kDouble).index_select(0, index(kRows)));
  cb_tensor* h = cb::wrap(hidden);
  const std::vector<int64_t> ids = {5, vocab - 1, 5};
  std::vector<float> out(kR * 3);
  EXPECT_OK(cb_head_next(m.m, h, kRows.data(), kR, ids.data(), 3, out.data(), &e));
  EXPECT_NEAR(floats(out).view({kR, 3}), all.index_select(1, index(ids)), 1e-5);
  const int64_t k = 5;
  std::vector<int64_t> best(kR * k);
  std::vector<float> value(kR * k), hit(kR), plain(kR);
  const int64_t* given = targets(m).data();
  const auto top = [&](int64_t n) {
    return cb_head_top(m.m, h, kRows.data(), given, kR, n, hit.data(), best.data(), value.data(),
                       &e);
  };
  EXPECT_OK(top(k));
  EXPECT_OK(cb_head_logprobs(m.m, nullptr, h, kRows.data(), given, kR, plain.data(), nullptr,
                             nullptr, &e));
  EXPECT(hit == plain);
  const auto [want, want_ids] = at::topk(all, k, -1);
  EXPECT_NEAR(floats(value).view({kR, k}), want, 1e-5);
  EXPECT(test::same(index(best).view({kR, k}), want_ids));
  for (const int64_t none : {0, vocab + 1}) EXPECT_FAILS(top(none), CB_ERR_ARGUMENT);
  cb_tensor* logits = nullptr;
  EXPECT_OK(cb_head_logits(m.m, h, kRows.data(), kR, &logits, &e));
  EXPECT_NEAR(cb::unwrap(logits).log_softmax(-1), all, 1e-5);
  cb_tensor* both[] = {h, logits};
  cb_tensor_free(both, 2);
}

void divergence(int32_t vocab) {
  Model p(CB_F32, false, true, 4, 2, vocab), q(CB_F32, false, false, 4, 2, vocab);
  cb_err e;
  const at::Tensor x = at::randn({kN, p.arch.hidden}), y = at::randn({kN, p.arch.hidden});
  const at::Tensor rows = index(kRows);
  const at::Tensor lp = Reference(p).logprobs(x.to(at::kDouble).index_select(0, rows));
  const at::Tensor lq = Reference(q).logprobs(y.to(at::kDouble).index_select(0, rows));
  cb_tensor* hs[] = {cb::wrap(x), cb::wrap(y)};
  for (const int32_t portable : {0, 1}) {
    cb_set_portable(portable);
    std::vector<float> kl(kR), ent(kR);
    EXPECT_OK(cb_head_kl(p.m, hs[0], q.m, hs[1], kRows.data(), kR, kl.data(), ent.data(), &e));
    EXPECT_NEAR(floats(kl), lp.exp().mul(lp.sub(lq)).sum(-1), 1e-5);
    EXPECT_NEAR(floats(ent), lp.exp().mul(lp).sum(-1).neg(), 1e-5);
    EXPECT_OK(cb_head_kl(p.m, hs[0], p.m, hs[0], kRows.data(), kR, kl.data(), nullptr, &e));
    for (const float k : kl) EXPECT(std::abs(k) < 1e-6);
  }
  cb_set_portable(0);
  cb_tensor_free(hs, 2);
}

void refused() {
  Model m(CB_F32, true, true), other(CB_F32, false, true, 4, 2, 24);
  cb_err e;
  cb_tensor* h = cb::wrap(at::randn({kN, m.arch.hidden}));
  float out[1];
  const int64_t row = kN, zero = 0;
  const auto call = [&](const int64_t* r, const int64_t* t) {
    return cb_head_logprobs(m.m, nullptr, h, r, t, 1, out, nullptr, nullptr, &e);
  };
  EXPECT_FAILS(call(&row, &zero), CB_ERR_INDEX);
  for (const int64_t id : {int64_t{-1}, int64_t{m.arch.vocab}}) {
    EXPECT_FAILS(call(&zero, &id), CB_ERR_ARGUMENT);
    EXPECT(cb_head_next(m.m, h, &zero, 1, &id, 1, out, &e) != CB_OK);
  }
  EXPECT_FAILS(cb_head_kl(m.m, h, other.m, h, &zero, 1, out, nullptr, &e), CB_ERR_ARGUMENT);
  cb_tensor_free(&h, 1);
}

}  // namespace

int main() {
  return test::run([] {
    at::manual_seed(23);
    for (const int32_t vocab : kVocab) {
      for (const bool tied : {true, false}) {
        for (const double cap : {0.0, 2.0}) {
          against_autograd(CB_F32, tied, vocab, cap, 1e-5);
          against_autograd(CB_BF16, tied, vocab, cap, 0.05);
        }
      }
      candidates_and_logits(vocab);
      divergence(vocab);
    }
    refused();
  });
}
