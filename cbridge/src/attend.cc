#include "attend.h"

#include <ATen/ops/_softmax.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding_dense_backward.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/scaled_dot_product_attention.h>

#include <algorithm>
#include <limits>

namespace cb {

namespace {

bool is_short(const cb_tree& t, const at::Tensor& qkv) {
  return native_cpu(qkv) && t.k <= kShortKeys;
}

// Heads to the front for batched products: [M,P,kv,G,D] -> [M*kv, G*P, D].
at::Tensor by_head(const at::Tensor& x, int64_t m, int64_t p, int64_t kv, int64_t g, int64_t d) {
  return x.view({m, p, kv, g, d}).permute({0, 2, 3, 1, 4}).reshape({m * kv, g * p, d});
}

at::Tensor from_head(const at::Tensor& x, int64_t m, int64_t p, int64_t kv, int64_t g, int64_t d) {
  return x.view({m, kv, g, p, d}).permute({0, 3, 1, 2, 4}).reshape({m * p, kv * g * d});
}

// Sums padded gradient rows into their packed rows; padding is dropped. Deterministic on CPU and
// CUDA.
at::Tensor scatter_rows(const at::Tensor& padded, const at::Tensor& rows, int64_t n) {
  return at::embedding_dense_backward(padded, rows, n + 1, n, false).narrow(0, 0, n);
}

// What the products of attention share, padded to Q queries and K keys a node.
struct Attended {
  at::Tensor q, k, v;  // [M*kv, G*Q, D], [M*kv, K, D], [M*kv, K, D]
  at::Tensor p;        // probabilities [M*kv, G*Q, K]
  at::Tensor slope;    // dscore/d(scaled q k), undefined where it is 1
};

// Caps scores in place; the derivative, where there is a cap.
at::Tensor cap_(const at::Tensor& scores, double cap) {
  if (cap == 0) return {};
  const at::Tensor part = scores.to(at::kFloat).div(cap).tanh_();
  scores.copy_(part.mul(cap));
  return part.mul_(part).neg_().add_(1);
}

Attended attended(const cb_tree& t, const at::Tensor& qkv, const Heads& h) {
  const int64_t g = h.q / h.kv, qd = h.q * h.dim, kd = h.kv * h.dim;
  const at::Tensor q =
      by_head(qkv.narrow(1, 0, qd).index_select(0, t.query_rows), t.nodes, t.q, h.kv, g, h.dim);
  const at::Tensor kv = qkv.narrow(1, qd, 2 * kd).index_select(0, t.key_rows);
  const at::Tensor k = by_head(kv.narrow(1, 0, kd).contiguous(), t.nodes, t.k, h.kv, 1, h.dim);
  const at::Tensor v = by_head(kv.narrow(1, kd, kd).contiguous(), t.nodes, t.k, h.kv, 1, h.dim);
  at::Tensor s = at::bmm(q, k.transpose(1, 2)).mul_(h.scale);
  const at::Tensor slope = cap_(s, h.cap);
  s.view({t.nodes, h.kv, g, t.q, t.k})
      .masked_fill_(t.hidden_key(h.window), -std::numeric_limits<double>::infinity());
  at::Tensor p = at::_softmax(s.to(at::kFloat), -1, false).to(qkv.scalar_type());
  return {q, k, v, p, slope};
}

}  // namespace

at::Tensor attend(const cb_tree& t, const at::Tensor& qkv, const Heads& h) {
  if (is_short(t, qkv)) return attend_short(t, qkv, h);
  const Attended a = attended(t, qkv, h);
  const at::Tensor o = from_head(at::bmm(a.p, a.v), t.nodes, t.q, h.kv, h.q / h.kv, h.dim);
  return o.index_select(0, t.query_slot);
}

at::Tensor attend_backward(const cb_tree& t, const at::Tensor& dout, const at::Tensor& qkv,
                           const Heads& h) {
  if (is_short(t, qkv)) return attend_short_backward(t, dout, qkv, h);
  const Attended kept = attended(t, qkv, h);
  const int64_t g = h.q / h.kv;
  // Padded queries repeat row 0: zero their gradient, or row 0's would count many times over.
  at::Tensor d = dout.index_select(0, t.query_rows);
  d.masked_fill_(t.query_pad.eq(t.n).unsqueeze(1), 0);
  const at::Tensor dy = by_head(d, t.nodes, t.q, h.kv, g, h.dim);
  const at::Tensor dv = at::bmm(kept.p.transpose(1, 2), dy);
  const at::Tensor p = kept.p.to(at::kFloat);
  at::Tensor ds = at::bmm(dy, kept.v.transpose(1, 2)).to(at::kFloat);
  ds = ds.sub_(ds.mul(p).sum(-1, true)).mul_(p).mul_(h.scale);
  if (kept.slope.defined()) ds.mul_(kept.slope);
  ds = ds.to(dout.scalar_type());
  const at::Tensor dq = at::bmm(ds, kept.k);
  const at::Tensor dk = at::bmm(ds.transpose(1, 2), kept.q);
  const at::Tensor q_rows =
      from_head(dq, t.nodes, t.q, h.kv, g, h.dim).index_select(0, t.query_slot);
  const at::Tensor kv = at::cat(
      {from_head(dk, t.nodes, t.k, h.kv, 1, h.dim), from_head(dv, t.nodes, t.k, h.kv, 1, h.dim)},
      1);
  return at::cat({q_rows, scatter_rows(kv, t.key_pad, t.n)}, 1);
}

void cache_put(const at::Tensor& qkv, const at::Tensor& k, const at::Tensor& v,
               const at::Tensor& rows, const at::Tensor& at, const Heads& h) {
  const int64_t qd = h.q * h.dim, kd = h.kv * h.dim;
  if (!native_cpu(qkv)) {
    const int64_t b = qkv.size(0);
    k.transpose(1, 2).index_put_({rows, at}, qkv.narrow(1, qd, kd).reshape({b, h.kv, h.dim}));
    v.transpose(1, 2).index_put_({rows, at}, qkv.narrow(1, qd + kd, kd).reshape({b, h.kv, h.dim}));
    return;
  }
  const int64_t max_len = k.size(2);
  const auto size = static_cast<int64_t>(qkv.element_size()), bytes = h.dim * size;
  const auto* from = static_cast<const char*>(qkv.const_data_ptr());
  auto* to_k = static_cast<char*>(k.mutable_data_ptr());
  auto* to_v = static_cast<char*>(v.mutable_data_ptr());
  const int64_t* slot = rows.const_data_ptr<int64_t>();
  const int64_t* position = at.const_data_ptr<int64_t>();
  for (int64_t b = 0; b < qkv.size(0); b++) {
    const char* row = from + b * qkv.stride(0) * size;
    for (int64_t kv = 0; kv < h.kv; kv++) {
      const int64_t to = ((slot[b] * h.kv + kv) * max_len + position[b]) * bytes;
      std::copy_n(row + qd * size + kv * bytes, bytes, to_k + to);
      std::copy_n(row + (qd + kd) * size + kv * bytes, bytes, to_v + to);
    }
  }
}

at::Tensor attend_cache(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                        const at::Tensor& rows, const at::Tensor& len, const Heads& h) {
  if (native_cpu(q)) return attend_cache_native(q, k, v, rows, len, h);
  const int64_t b = q.size(0), t = k.size(2);
  const at::Tensor keys = k.index_select(0, rows), values = v.index_select(0, rows);
  const at::Tensor place = at::arange(t, len.options()).unsqueeze(0), last = len.unsqueeze(1);
  at::Tensor seen = place.lt(last);
  if (h.window > 0) seen = seen.logical_and(place.ge(last.sub(h.window)));
  const at::Tensor query = q.reshape({b, h.q, 1, h.dim});
  if (h.cap == 0) {
    const at::Tensor o = at::scaled_dot_product_attention(
        query, keys, values, seen.view({b, 1, 1, t}), 0.0, false, h.scale,
        /*enable_gqa=*/true);
    return o.reshape({b, h.q * h.dim});
  }
  const at::Tensor group = query.view({b, h.kv, h.q / h.kv, h.dim});
  at::Tensor s = at::matmul(group, keys.transpose(2, 3)).mul_(h.scale);
  cap_(s, h.cap);
  s.masked_fill_(seen.logical_not().view({b, 1, 1, t}), -std::numeric_limits<double>::infinity());
  const at::Tensor p = at::_softmax(s.to(at::kFloat), -1, false).to(q.scalar_type());
  return at::matmul(p, values).reshape({b, h.q * h.dim});
}

}  // namespace cb
