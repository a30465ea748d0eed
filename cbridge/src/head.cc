#include "head.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "kernels.h"

namespace cb {

at::Tensor head_rows(const cb_model& m, const at::Tensor& hidden, const at::Tensor& rows) {
  return rms_norm(hidden.index_select(0, rows), m.norm.w, m.arch.rms_eps, nullptr);
}

at::Tensor head_logits(const cb_model& m, const at::Tensor& h) { return m.head.apply(h).to(at::kFloat); }

namespace {

void copy_out(const at::Tensor& t, float* out) {
  if (out == nullptr) return;
  const at::Tensor host = t.to(at::kCPU, at::kFloat).contiguous();
  std::copy_n(host.const_data_ptr<float>(), host.numel(), out);
}

// Calls f(first, count) for consecutive chunks of n rows.
template <class F>
void chunks(int64_t n, int64_t chunk, F&& f) {
  check(chunk > 0, "a chunk holds at least one row");
  for (int64_t at = 0; at < n; at += chunk) f(at, std::min(chunk, n - at));
}

// Log-sum-exp and sum(p * logit) of each row in two passes over the row while it is in cache. logits fp32 [r,V].
void row_stats(const at::Tensor& logits, at::Tensor* lse, at::Tensor* mean_logit) {
  *lse = at::logsumexp(logits, {-1});
  *mean_logit = logits.sub(lse->unsqueeze(-1)).exp_().mul_(logits).sum(-1);
}

}  // namespace

}  // namespace cb

using cb::guard;
using cb::unwrap;

extern "C" {

int32_t cb_head_logprobs(cb_model* m, cb_tensor* hidden, const int64_t* rows, const int64_t* targets, int64_t r,
                         int64_t chunk, float* logprob, float* entropy, cb_head** keep, cb_err* e) {
  return guard(e, [&] {
    at::NoGradGuard no_grad;
    const at::Tensor& x = unwrap(hidden);
    auto h = std::make_unique<cb_head>();
    h->tokens = x.size(0);
    h->chunk = chunk;
    h->rows = cb::ints(rows, r, m->device);
    h->targets = cb::ints(targets, r, m->device);
    h->x = x.index_select(0, h->rows);
    h->h = cb::rms_norm(h->x, m->norm.w, m->arch.rms_eps, &h->rstd);
    const auto f32 = at::TensorOptions(at::kFloat).device(m->device);
    h->lse = at::empty({r}, f32);
    const at::Tensor lp = at::empty({r}, f32), ent = at::empty({r}, f32);
    cb::chunks(r, chunk, [&](int64_t at, int64_t n) {
      const at::Tensor logits = cb::head_logits(*m, h->h.narrow(0, at, n));
      at::Tensor lse, mean;
      if (entropy != nullptr) {
        cb::row_stats(logits, &lse, &mean);
        ent.narrow(0, at, n).copy_(lse.sub(mean));
      } else {
        lse = at::logsumexp(logits, {-1});
      }
      h->lse.narrow(0, at, n).copy_(lse);
      const at::Tensor hit = logits.gather(1, h->targets.narrow(0, at, n).unsqueeze(1)).squeeze(1);
      lp.narrow(0, at, n).copy_(hit.sub(lse));
    });
    cb::copy_out(lp, logprob);
    if (entropy != nullptr) cb::copy_out(ent, entropy);
    if (keep != nullptr) *keep = h.release();
  });
}

int32_t cb_head_backward(cb_model* m, cb_head* h, const float* seed, cb_tensor** dhidden, cb_err* e) {
  return guard(e, [&] {
    at::NoGradGuard no_grad;
    cb::check(m->trainable, "a frozen model has no gradients");
    const int64_t r = h->rows.size(0);
    at::Tensor s = at::empty({r}, at::kFloat);
    std::copy_n(seed, r, s.mutable_data_ptr<float>());
    s = s.to(m->device);
    const at::Tensor dh = at::empty_like(h->h);
    cb::chunks(r, h->chunk, [&](int64_t at, int64_t n) {
      // dL/dlogit = seed * (onehot - softmax); the logits are computed again rather than kept.
      const at::Tensor rows = h->h.narrow(0, at, n);
      at::Tensor d = cb::head_logits(*m, rows).sub_(h->lse.narrow(0, at, n).unsqueeze(1)).exp_();
      const at::Tensor sd = s.narrow(0, at, n).unsqueeze(1);
      d.mul_(sd.neg());
      d.scatter_add_(1, h->targets.narrow(0, at, n).unsqueeze(1), sd);
      d = d.to(m->dtype);
      m->head.accumulate(d, rows);
      dh.narrow(0, at, n).copy_(m->head.backward_input(d));
    });
    const at::Tensor dx = cb::rms_norm_backward(dh, h->x, m->norm.w, h->rstd, m->norm.grad);
    at::Tensor full = at::zeros({h->tokens, h->x.size(1)}, dx.options());
    full.index_add_(0, h->rows, dx);
    *dhidden = cb::wrap(full);
  });
}

void cb_head_free(cb_head* h) { delete h; }

int32_t cb_head_next(cb_model* m, cb_tensor* hidden, const int64_t* rows, int64_t r, const int64_t* ids, int64_t c,
                     int64_t chunk, float* out, cb_err* e) {
  return guard(e, [&] {
    at::NoGradGuard no_grad;
    const at::Tensor h = cb::head_rows(*m, unwrap(hidden), cb::ints(rows, r, m->device));
    const at::Tensor want = cb::ints(ids, c, m->device);
    cb::chunks(r, chunk, [&](int64_t at, int64_t n) {
      const at::Tensor logits = cb::head_logits(*m, h.narrow(0, at, n));
      const at::Tensor lse = at::logsumexp(logits, {-1}).unsqueeze(1);
      cb::copy_out(logits.index_select(1, want).sub_(lse), out + at * c);
    });
  });
}

int32_t cb_head_kl(cb_model* mp, cb_tensor* hp, cb_model* mq, cb_tensor* hq, const int64_t* rows, int64_t r,
                   int64_t chunk, float* kl, float* entropy, cb_err* e) {
  return guard(e, [&] {
    at::NoGradGuard no_grad;
    const at::Tensor idx = cb::ints(rows, r, mp->device);
    const at::Tensor a = cb::head_rows(*mp, unwrap(hp), idx), b = cb::head_rows(*mq, unwrap(hq), idx);
    cb::chunks(r, chunk, [&](int64_t at, int64_t n) {
      const at::Tensor lp = cb::head_logits(*mp, a.narrow(0, at, n));
      const at::Tensor lq = cb::head_logits(*mq, b.narrow(0, at, n));
      lp.sub_(at::logsumexp(lp, {-1}, true));
      lq.sub_(at::logsumexp(lq, {-1}, true));
      const at::Tensor p = lp.exp();
      cb::copy_out(lp.sub(lq).mul_(p).sum(-1), kl + at);
      if (entropy != nullptr) cb::copy_out(lp.mul_(p).sum(-1).neg_(), entropy + at);
    });
  });
}

int32_t cb_head_logits(cb_model* m, cb_tensor* hidden, const int64_t* rows, int64_t r, cb_tensor** out, cb_err* e) {
  return guard(e, [&] {
    at::NoGradGuard no_grad;
    const at::Tensor h = cb::head_rows(*m, unwrap(hidden), cb::ints(rows, r, m->device));
    *out = cb::wrap(cb::head_logits(*m, h));
  });
}
}
