#include "tree.h"

#include <ATen/ops/_softmax.h>
#include <ATen/ops/baddbmm.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding_dense_backward.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

namespace cb {

namespace {

struct Node {
  int64_t start, len, parent, depth;  // depth: tokens of all ancestors
};

std::vector<Node> read_nodes(const int64_t* start, const int64_t* len, const int64_t* parent,
                             int64_t m, int64_t n) {
  std::vector<Node> nodes;
  int64_t next = 0;
  for (int64_t i = 0; i < m; i++) {
    check(start[i] == next && len[i] > 0, "tree nodes must follow one another without gaps");
    check(parent[i] < i && parent[i] >= -1, "a tree node's parent must come before it");
    next += len[i];
    int64_t depth = 0;
    if (parent[i] >= 0)
      depth =
          nodes[static_cast<size_t>(parent[i])].depth + nodes[static_cast<size_t>(parent[i])].len;
    nodes.push_back({start[i], len[i], parent[i], depth});
  }
  check(next == n, "tree nodes must cover all packed tokens");
  return nodes;
}

// Packed rows that node i's queries may see at most: its ancestors' and its own, in sequence order.
std::vector<int64_t> chain(const std::vector<Node>& nodes, int64_t i) {
  std::vector<int64_t> up;
  for (int64_t j = i; j >= 0; j = nodes[static_cast<size_t>(j)].parent) up.push_back(j);
  std::vector<int64_t> rows;
  for (auto it = up.rbegin(); it != up.rend(); ++it) {
    const Node& x = nodes[static_cast<size_t>(*it)];
    for (int64_t r = 0; r < x.len; r++) rows.push_back(x.start + r);
  }
  return rows;
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

}  // namespace

Attended attended(const cb_tree& t, const at::Tensor& qkv, const Heads& h) {
  const int64_t g = h.q / h.kv, qd = h.q * h.dim, kd = h.kv * h.dim;
  const at::Tensor q =
      by_head(qkv.narrow(1, 0, qd).index_select(0, t.query_rows), t.nodes, t.q, h.kv, g, h.dim);
  const at::Tensor kv = qkv.narrow(1, qd, 2 * kd).index_select(0, t.key_rows);
  const at::Tensor k = by_head(kv.narrow(1, 0, kd).contiguous(), t.nodes, t.k, h.kv, 1, h.dim);
  const at::Tensor v = by_head(kv.narrow(1, kd, kd).contiguous(), t.nodes, t.k, h.kv, 1, h.dim);
  at::Tensor s = at::bmm(q, k.transpose(1, 2)).mul_(1.0 / std::sqrt(static_cast<double>(h.dim)));
  s.view({t.nodes, h.kv, g, t.q, t.k})
      .masked_fill_(t.hidden_key, -std::numeric_limits<double>::infinity());
  at::Tensor p = at::_softmax(s.to(at::kFloat), -1, false).to(qkv.scalar_type());
  return {q, k, v, p};
}

at::Tensor attend(const cb_tree& t, const at::Tensor& qkv, const Heads& h) {
  const Attended a = attended(t, qkv, h);
  const at::Tensor o = from_head(at::bmm(a.p, a.v), t.nodes, t.q, h.kv, h.q / h.kv, h.dim);
  return o.index_select(0, t.query_slot);
}

at::Tensor attend_backward(const cb_tree& t, const at::Tensor& dout, const Heads& h,
                           const Attended& kept) {
  const int64_t g = h.q / h.kv;
  const double scale = 1.0 / std::sqrt(static_cast<double>(h.dim));
  // Padded queries repeat row 0: zero their gradient, or row 0's would count many times over.
  at::Tensor d = dout.index_select(0, t.query_rows);
  d.masked_fill_(t.query_pad.eq(t.n).unsqueeze(1), 0);
  const at::Tensor dy = by_head(d, t.nodes, t.q, h.kv, g, h.dim);
  const at::Tensor dv = at::bmm(kept.p.transpose(1, 2), dy);
  const at::Tensor p = kept.p.to(at::kFloat);
  at::Tensor ds = at::bmm(dy, kept.v.transpose(1, 2)).to(at::kFloat);
  ds = ds.sub_(ds.mul(p).sum(-1, true)).mul_(p).mul_(scale).to(dout.scalar_type());
  const at::Tensor dq = at::bmm(ds, kept.k);
  const at::Tensor dk = at::bmm(ds.transpose(1, 2), kept.q);
  const at::Tensor q_rows =
      from_head(dq, t.nodes, t.q, h.kv, g, h.dim).index_select(0, t.query_slot);
  const at::Tensor kv = at::cat(
      {from_head(dk, t.nodes, t.k, h.kv, 1, h.dim), from_head(dv, t.nodes, t.k, h.kv, 1, h.dim)},
      1);
  return at::cat({q_rows, scatter_rows(kv, t.key_pad, t.n)}, 1);
}

}  // namespace cb

using cb::guard;

extern "C" {

int32_t cb_tree_new(const int64_t* ids, const int64_t* positions, int64_t n, const int64_t* start,
                    const int64_t* len, const int64_t* parent, int64_t m, cb_device d,
                    cb_tree** out, cb_err* e) {
  return guard(e, [&] {
    cb::check(n > 0 && m > 0, "a tree needs at least one token");
    const at::Device dev = cb::device_of(d);
    const std::vector<cb::Node> nodes = cb::read_nodes(start, len, parent, m, n);
    auto t = std::make_unique<cb_tree>();
    t->n = n;
    t->nodes = m;
    cb::check(*std::min_element(positions, positions + n) >= 0, "positions are counted from 0");
    t->last = *std::max_element(positions, positions + n);
    for (const cb::Node& x : nodes) {
      t->q = std::max(t->q, x.len);
      t->k = std::max(t->k, x.depth + x.len);
    }
    const auto size = [](int64_t a, int64_t b) { return static_cast<size_t>(a * b); };
    std::vector<int64_t> qr(size(m, t->q), 0), qp(size(m, t->q), n), qs(size(n, 1)),
        kr(size(m, t->k), 0), kp(size(m, t->k), n);
    const at::Tensor hide = at::empty({m, 1, 1, t->q, t->k}, at::kBool);
    bool* hp = hide.mutable_data_ptr<bool>();
    for (int64_t i = 0; i < m; i++) {
      const cb::Node& x = nodes[static_cast<size_t>(i)];
      for (int64_t r = 0; r < x.len; r++) {
        qr[size(i, t->q) + size(r, 1)] = qp[size(i, t->q) + size(r, 1)] = x.start + r;
        qs[size(x.start + r, 1)] = i * t->q + r;
      }
      const std::vector<int64_t> c = cb::chain(nodes, i);
      std::copy(c.begin(), c.end(), kr.begin() + i * t->k);
      std::copy(c.begin(), c.end(), kp.begin() + i * t->k);
      for (int64_t r = 0; r < t->q; r++) {
        // A padded query sees key 0 alone, so that its softmax stays finite.
        const int64_t seen = r < x.len ? x.depth + r + 1 : 1;
        for (int64_t j = 0; j < t->k; j++) hp[(i * t->q + r) * t->k + j] = j >= seen;
      }
    }
    t->ids = cb::ints(ids, n, dev);
    t->positions = cb::ints(positions, n, dev);
    t->query_rows = cb::ints(qr.data(), m * t->q, dev);
    t->query_pad = cb::ints(qp.data(), m * t->q, dev);
    t->query_slot = cb::ints(qs.data(), n, dev);
    t->key_rows = cb::ints(kr.data(), m * t->k, dev);
    t->key_pad = cb::ints(kp.data(), m * t->k, dev);
    t->hidden_key = hide.to(dev);
    *out = t.release();
  });
}

void cb_tree_free(cb_tree* t) { delete t; }
}
