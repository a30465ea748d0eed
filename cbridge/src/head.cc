#include "head.h"

#include <ATen/Parallel.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <memory>

#include "forward.h"
#include "pool.h"
#include "product.h"
#include "softmax.h"
#include "top.h"

namespace cb {

namespace {

// Ids in one block. On a CPU a block of weights and its logits fit in the cache; on CUDA few large
// products are better.
int64_t block_size(const cb_model& m) { return m.device.is_cpu() ? 3072 : 32768; }

// Calls f(first, n) for every block of the vocabulary, in order.
template <class F>
void each_block(const cb_model& m, F&& f) {
  const int64_t size = block_size(m), vocab = m.arch.vocab;
  for (int64_t first = 0; first < vocab; first += size) f(first, std::min(size, vocab - first));
}

// n rows of the head's matrix.
Matrix head_block(const cb_model& m, int64_t first, int64_t n) {
  Matrix block;
  block.w = m.head.w.narrow(0, first, n);
  if (m.head.panels.defined() && first % kPanel == 0)
    block.panels = m.head.panels.narrow(0, first / kPanel, (n + kPanel - 1) / kPanel);
  if (m.head.grad.defined()) block.grad = m.head.grad.narrow(0, first, n);
  return block;
}

at::Tensor cap_(const cb_model& m, at::Tensor logits) {
  const double cap = m.arch.logit_cap;
  return cap == 0 ? logits : logits.div_(cap).tanh_().mul_(cap);
}

// Capped fp32 logits [R,n] of a block for normed rows.
at::Tensor block_logits(const cb_model& m, const at::Tensor& h, int64_t first, int64_t n) {
  return cap_(m, head_block(m, first, n).apply(h).to(at::kFloat));
}

// Takes over the logits that the rows were sampled from, if every row has them.
void take_sampled(cb_head* h, cb_tape* tape, const int64_t* rows, int64_t r) {
  if (tape == nullptr || tape->logits_of.empty()) return;
  for (int64_t i = 0; i < r; i++) {
    const float* logits = tape->logits_of.at(static_cast<size_t>(rows[i]));
    if (logits == nullptr) {
      h->sampled.clear();
      return;
    }
    h->sampled.push_back(logits);
  }
  h->owner = std::move(tape->logits);
  tape->logits_of.clear();
}

// head_blocks for the rows of h, from the sampled logits where there are some.
void blocks_of(const cb_model& m, const cb_head& h,
               const std::function<void(int64_t, const at::Tensor&)>& f) {
  if (h.sampled.empty()) {
    head_blocks(m, h.h, f);
    return;
  }
  const auto rows = static_cast<int64_t>(h.sampled.size());
  each_block(m, [&](int64_t v, int64_t n) {
    const at::Tensor part = at::empty({rows, n}, at::kFloat);
    float* to = part.mutable_data_ptr<float>();
    at::parallel_for(0, rows, 16, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++)
        std::copy_n(h.sampled[static_cast<size_t>(i)] + v, n, to + i * n);
    });
    f(v, part);
  });
}

at::Tensor checked_targets(const cb_model& m, const int64_t* targets, int64_t r) {
  for (int64_t i = 0; i < r; i++) {
    check(targets[i] >= 0 && targets[i] < m.arch.vocab, "a target id is outside the vocabulary");
  }
  return ints(targets, r, m.device);
}

// The logits of each row's target, taken from block after block.
void pick_targets(const at::Tensor& out, const at::Tensor& logits, const at::Tensor& targets,
                  int64_t first) {
  const at::Tensor column = targets.sub(first);
  const at::Tensor here = column.ge(0).logical_and(column.lt(logits.size(1)));
  const at::Tensor hit =
      logits.gather(1, column.clamp(0, logits.size(1) - 1).unsqueeze(1)).squeeze(1);
  out.copy_(at::where(here, hit, out));
}

}  // namespace

at::Tensor head_rows(const cb_model& m, const at::Tensor& hidden, const at::Tensor& rows) {
  return m.norm.apply(hidden.index_select(0, rows), nullptr);
}

at::Tensor head_logits(const cb_model& m, const at::Tensor& h) {
  if (m.dtype != at::kFloat || is_few_rows(h)) return cap_(m, m.head.apply(h).to(at::kFloat));
  at::Tensor out = at::empty({h.size(0), m.arch.vocab}, h.options());
  each_block(m, [&](int64_t v, int64_t n) {
    multiply(out.narrow(1, v, n), h, m.head.w.narrow(0, v, n).t(), false);
  });
  return cap_(m, out);
}

void head_blocks(const cb_model& m, const at::Tensor& h,
                 const std::function<void(int64_t, const at::Tensor&)>& f) {
  each_block(m, [&](int64_t v, int64_t n) { f(v, block_logits(m, h, v, n)); });
}

}  // namespace cb

using cb::guard;
using cb::unwrap;

extern "C" {

int32_t cb_head_logprobs(cb_model* m, cb_tape* tape, cb_tensor* hidden, const int64_t* rows,
                         const int64_t* targets, int64_t r, float* logprob, float* entropy,
                         cb_head** keep, cb_err* e) {
  return guard(e, [&] {
    at::NoGradGuard no_grad;
    const at::Tensor& x = unwrap(hidden);
    const at::Tensor target = cb::checked_targets(*m, targets, r);
    auto h = std::make_unique<cb_head>();
    h->tokens = x.size(0);
    h->rows = cb::ints(rows, r, m->device);
    h->targets = target;
    h->x = x.index_select(0, h->rows);
    h->h = m->norm.apply(h->x, &h->stats);
    cb::take_sampled(h.get(), tape, rows, r);
    cb::RunningSoftmax sm(r, m->device);
    const at::Tensor hit = at::zeros({r}, at::TensorOptions(at::kFloat).device(m->device));
    const bool keep_logits =
        keep != nullptr && h->sampled.empty() &&
        r * m->arch.vocab * static_cast<int64_t>(sizeof(float)) <= cb::kKeptLogits;
    cb::blocks_of(*m, *h, [&](int64_t first, const at::Tensor& logits) {
      sm.add(logits, {});
      if (keep_logits) h->logits.push_back(logits);
      cb::pick_targets(hit, logits, h->targets, first);
    });
    const at::Tensor lse = sm.lse();
    h->lse = lse.to(at::kFloat);
    cb::copy_floats(hit.to(at::kDouble).sub(lse), logprob);
    if (entropy != nullptr) cb::copy_floats(lse.sub(sm.mean_logit()), entropy);
    if (keep != nullptr) *keep = h.release();
  });
}

int32_t cb_head_backward(cb_model* m, cb_head* h, const float* seed, cb_tensor** dhidden,
                         cb_err* e) {
  return guard(e, [&] {
    at::NoGradGuard no_grad;
    m->need_grad();
    const int64_t r = h->rows.size(0);
    at::Tensor s = at::empty({r}, at::kFloat);
    std::copy_n(seed, r, s.mutable_data_ptr<float>());
    s = s.to(m->device);
    const at::Tensor dh = at::zeros_like(h->h, at::kFloat);
    cb::populate(m->head.grad);
    const auto block_backward = [&](int64_t first, const at::Tensor& logits) {
      const double cap = m->arch.logit_cap;
      const at::Tensor part = cap == 0 ? at::Tensor() : logits.div(cap);
      cb::softmax_gradient_(logits, h->lse, s, h->targets, first);
      // d(cap tanh(x / cap))/dx = 1 - tanh^2
      if (part.defined()) logits.addcmul_(logits, part.square(), -1);
      const at::Tensor d = logits.to(m->dtype);
      const int64_t n = logits.size(1);
      const cb::Matrix block = cb::head_block(*m, first, n);
      block.accumulate(d, h->h);
      if (m->dtype == at::kFloat) {
        cb::multiply(dh, d, block.w, true);
      } else {
        dh.add_(at::mm(d, block.w));
      }
    };
    if (h->logits.empty()) {
      cb::blocks_of(*m, *h, block_backward);
    } else {
      int64_t first = 0;
      for (at::Tensor& kept : h->logits) {
        const at::Tensor logits = std::move(kept);  // freed behind its use
        block_backward(first, logits);
        first += logits.size(1);
      }
      h->logits.clear();
    }
    const at::Tensor dx = m->norm.backward(dh.to(m->dtype), h->x, h->stats);
    at::Tensor full = at::zeros({h->tokens, h->x.size(1)}, dx.options());
    full.index_add_(0, h->rows, dx);
    *dhidden = cb::wrap(full);
  });
}

void cb_head_free(cb_head* h) { delete h; }

int32_t cb_head_next(cb_model* m, cb_tensor* hidden, const int64_t* rows, int64_t r,
                     const int64_t* ids, int64_t c, float* out, cb_err* e) {
  return guard(e, [&] {
    at::NoGradGuard no_grad;
    const at::Tensor h = cb::head_rows(*m, unwrap(hidden), cb::ints(rows, r, m->device));
    cb::RunningSoftmax sm(r, m->device);
    cb::head_blocks(*m, h, [&](int64_t, const at::Tensor& logits) { sm.add(logits, {}); });
    const at::Tensor hit = cb::cap_(
        *m, at::linear(h, m->head.w.index_select(0, cb::ints(ids, c, m->device))).to(at::kFloat));
    cb::copy_floats(hit.to(at::kDouble).sub(sm.lse().unsqueeze(1)), out);
  });
}

int32_t cb_head_top(cb_model* m, cb_tensor* hidden, const int64_t* rows, const int64_t* targets,
                    int64_t r, int64_t k, float* logprob, int64_t* ids, float* top, cb_err* e) {
  return guard(e, [&] {
    at::NoGradGuard no_grad;
    cb::check(k > 0 && k <= m->arch.vocab, "a vocabulary has no so many likeliest ids");
    const at::Tensor h = cb::head_rows(*m, unwrap(hidden), cb::ints(rows, r, m->device));
    cb::RunningSoftmax sm(r, m->device);
    const at::Tensor target = cb::checked_targets(*m, targets, r);
    const at::Tensor hit = at::zeros({r}, at::TensorOptions(at::kFloat).device(m->device));
    std::vector<at::Tensor> all, value;  // the best of every block, in order
    cb::head_blocks(*m, h, [&](int64_t first, const at::Tensor& logits) {
      sm.add(logits, {});
      cb::pick_targets(hit, logits, target, first);
      const cb::Top t = cb::top(logits, std::min(k, logits.size(1)));
      all.push_back(t.ids.add(first));
      value.push_back(t.logits);
    });
    // Of equal logits the first is taken: the one of the lowest id, here too.
    const cb::Top t = cb::top(at::cat(value, 1), k);
    const at::Tensor lse = sm.lse();
    cb::copy_floats(hit.to(at::kDouble).sub(lse), logprob);
    cb::copy_ids(at::cat(all, 1).gather(1, t.ids), ids);
    cb::copy_floats(t.logits.to(at::kDouble).sub(lse.unsqueeze(1)), top);
  });
}

int32_t cb_head_kl(cb_model* mp, cb_tensor* hp, cb_model* mq, cb_tensor* hq, const int64_t* rows,
                   int64_t r, float* kl, float* entropy, cb_err* e) {
  return guard(e, [&] {
    at::NoGradGuard no_grad;
    cb::check(mp->arch.vocab == mq->arch.vocab, "the two models have different vocabularies");
    const at::Tensor idx = cb::ints(rows, r, mp->device);
    const at::Tensor a = cb::head_rows(*mp, unwrap(hp), idx),
                     b = cb::head_rows(*mq, unwrap(hq), idx);
    cb::RunningSoftmax p(r, mp->device), q(r, mp->device);
    cb::head_blocks(*mp, a, [&](int64_t first, const at::Tensor& lp) {
      const at::Tensor lq = cb::block_logits(*mq, b, first, lp.size(1));
      p.add(lp, lq);
      q.add(lq, {});
    });
    // KL(p||q) = E_p[log p - log q], with log p = l_p - lse_p.
    const at::Tensor log_p = p.mean_logit().sub(p.lse()), log_q = p.mean_other().sub(q.lse());
    cb::copy_floats(log_p.sub(log_q), kl);
    if (entropy != nullptr) cb::copy_floats(log_p.neg(), entropy);
  });
}

int32_t cb_head_logits(cb_model* m, cb_tensor* hidden, const int64_t* rows, int64_t r,
                       cb_tensor** out, cb_err* e) {
  return guard(e, [&] {
    at::NoGradGuard no_grad;
    const at::Tensor h = cb::head_rows(*m, unwrap(hidden), cb::ints(rows, r, m->device));
    *out = cb::wrap(cb::head_logits(*m, h));
  });
}
}
