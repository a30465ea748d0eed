// The log-prob head: chunked equals whole, log-probs, entropies and KL against the formulas in
// double precision, and its gradient against autograd.
#include <ATen/Context.h>
#include <ATen/ops/randn.h>

#include <vector>

#include "check.h"
#include "fixture.h"

namespace {

using test::Model;
using test::Reference;

// Rows may repeat (two answers follow the same prompt token) and come in any order.
const std::vector<int64_t> kRows = {4, 0, 4, 6, 2, 1, 6};
const std::vector<int64_t> kTargets = {0, 22, 7, 3, 3, 11, 3};
const int64_t kR = 7, kN = 8;

at::Tensor floats(const std::vector<float>& v) {
  return at::tensor(at::ArrayRef<float>(v)).to(at::kFloat);
}

at::Tensor index(const std::vector<int64_t>& v) {
  return cb::ints(v.data(), static_cast<int64_t>(v.size()), at::kCPU);
}

struct Result {
  at::Tensor logprob, entropy, dhidden;
  std::vector<at::Tensor> grads;
};

Result run(Model& m, const at::Tensor& hidden, const std::vector<float>& seed, int64_t chunk) {
  cb_err e;
  Result r;
  std::vector<float> lp(kR), ent(kR);
  cb_tensor* h = cb::wrap(hidden);
  cb_tensor* d = nullptr;
  cb_head* head = nullptr;
  EXPECT_OK(cb_model_zero_grad(m.m, &e));
  EXPECT_OK(cb_head_logprobs(m.m, h, kRows.data(), kTargets.data(), kR, chunk, lp.data(),
                             ent.data(), &head, &e));
  EXPECT_OK(cb_head_backward(m.m, head, seed.data(), &d, &e));
  r.logprob = floats(lp);
  r.entropy = floats(ent);
  r.dhidden = cb::unwrap(d);
  r.grads = m.grads();
  std::vector<float> again(kR);
  EXPECT_OK(cb_head_logprobs(m.m, h, kRows.data(), kTargets.data(), kR, chunk, again.data(),
                             nullptr, nullptr, &e));
  EXPECT(again == lp);
  cb_head_free(head);
  cb_tensor* both[] = {h, d};
  cb_tensor_free(both, 2);
  return r;
}

void against_autograd(int32_t dtype, bool tied, double tol) {
  Model m(dtype, true, tied);
  const Reference ref(m);
  const at::Tensor hidden = at::randn({kN, m.arch.hidden}).to(cb::dtype_of(dtype));
  const at::Tensor x = hidden.to(at::kDouble).requires_grad_(true);
  const at::Tensor all = ref.logprobs(x.index_select(0, index(kRows)));
  const at::Tensor want = all.gather(1, index(kTargets).unsqueeze(1)).squeeze(1);
  const std::vector<float> seed = {1, -2, 0.5F, 0, 3, -1, 0.25F};
  want.backward(floats(seed).to(at::kDouble));
  for (const int32_t portable : {0, 1}) {
    cb_set_portable(portable);
    for (const int64_t chunk : {1, 3, 7, 512}) {
      const Result r = run(m, hidden, seed, chunk);
      EXPECT_NEAR(r.logprob, want, tol);
      EXPECT_NEAR(r.entropy, all.exp().mul(all).sum(-1).neg(), tol);
      EXPECT_NEAR(r.dhidden, x.grad(), 4 * tol);
      for (const int32_t i : {m.arch.layers + 1, tied ? m.arch.layers : m.arch.layers + 2}) {
        EXPECT_NEAR(r.grads[static_cast<size_t>(i)], ref.w[static_cast<size_t>(i)].grad(), 4 * tol);
      }
    }
  }
  cb_set_portable(0);
}

// How many rows' logits exist at a time is a question of memory, not of results.
void chunks_agree() {
  Model m(CB_F32, true, true);
  const at::Tensor hidden = at::randn({kN, m.arch.hidden});
  const std::vector<float> seed(kR, 1);
  const Result whole = run(m, hidden, seed, kR);
  for (const int64_t chunk : {1, 2, 3}) {
    const Result r = run(m, hidden, seed, chunk);
    EXPECT_NEAR(r.logprob, whole.logprob, 1e-6);
    EXPECT_NEAR(r.dhidden, whole.dhidden, 1e-6);
    for (size_t i = 0; i < r.grads.size(); i++) EXPECT_NEAR(r.grads[i], whole.grads[i], 1e-6);
  }
}

void candidates_and_logits() {
  Model m(CB_F32, false, false);
  cb_err e;
  const Reference ref(m);
  const at::Tensor hidden = at::randn({kN, m.arch.hidden});
  const at::Tensor all = ref.logprobs(hidden.to(at::kDouble).index_select(0, index(kRows)));
  cb_tensor* h = cb::wrap(hidden);
  const std::vector<int64_t> ids = {5, 22, 5};
  for (const int64_t chunk : {1, 4, 100}) {
    std::vector<float> out(kR * 3);
    EXPECT_OK(cb_head_next(m.m, h, kRows.data(), kR, ids.data(), 3, chunk, out.data(), &e));
    EXPECT_NEAR(floats(out).view({kR, 3}), all.index_select(1, index(ids)), 1e-5);
  }
  cb_tensor* logits = nullptr;
  EXPECT_OK(cb_head_logits(m.m, h, kRows.data(), kR, &logits, &e));
  EXPECT_NEAR(cb::unwrap(logits).log_softmax(-1), all, 1e-5);
  cb_tensor* both[] = {h, logits};
  cb_tensor_free(both, 2);
}

void divergence() {
  Model p(CB_F32, false, true), q(CB_F32, false, false);
  cb_err e;
  const at::Tensor x = at::randn({kN, p.arch.hidden}), y = at::randn({kN, p.arch.hidden});
  const at::Tensor rows = index(kRows);
  const at::Tensor lp = Reference(p).logprobs(x.to(at::kDouble).index_select(0, rows));
  const at::Tensor lq = Reference(q).logprobs(y.to(at::kDouble).index_select(0, rows));
  cb_tensor* hs[] = {cb::wrap(x), cb::wrap(y)};
  for (const int64_t chunk : {2, 7}) {
    std::vector<float> kl(kR), ent(kR);
    EXPECT_OK(
        cb_head_kl(p.m, hs[0], q.m, hs[1], kRows.data(), kR, chunk, kl.data(), ent.data(), &e));
    EXPECT_NEAR(floats(kl), lp.exp().mul(lp.sub(lq)).sum(-1), 1e-5);
    EXPECT_NEAR(floats(ent), lp.exp().mul(lp).sum(-1).neg(), 1e-5);
    EXPECT_OK(cb_head_kl(p.m, hs[0], p.m, hs[0], kRows.data(), kR, chunk, kl.data(), nullptr, &e));
    for (const float k : kl) EXPECT(k == 0);
  }
  cb_tensor_free(hs, 2);
}

void refused() {
  Model m(CB_F32, true, true);
  cb_err e;
  cb_tensor* h = cb::wrap(at::randn({kN, m.arch.hidden}));
  float out[1];
  const int64_t row = kN, zero = 0, id = m.arch.vocab;
  const auto call = [&](const int64_t* r, const int64_t* t, int64_t chunk) {
    return cb_head_logprobs(m.m, h, r, t, 1, chunk, out, nullptr, nullptr, &e);
  };
  EXPECT_FAILS(call(&row, &zero, 1), CB_ERR_INDEX);
  EXPECT(call(&zero, &id, 1) != CB_OK);
  EXPECT_FAILS(call(&zero, &zero, 0), CB_ERR_ARGUMENT);
  cb_tensor_free(&h, 1);
}

}  // namespace

int main() {
  return test::run([] {
    at::manual_seed(23);
    for (const bool tied : {true, false}) {
      against_autograd(CB_F32, tied, 1e-5);
      against_autograd(CB_BF16, tied, 0.05);
    }
    chunks_agree();
    candidates_and_logits();
    divergence();
    refused();
  });
}
