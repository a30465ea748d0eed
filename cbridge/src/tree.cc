#include "tree.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <memory>

namespace cb {

namespace {

std::vector<Span> read_nodes(const int64_t* start, const int64_t* len, const int64_t* parent,
                             int64_t m, int64_t n) {
  std::vector<Span> nodes;
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
std::vector<int64_t> chain(const std::vector<Span>& nodes, int64_t i) {
  std::vector<int64_t> up;
  for (int64_t j = i; j >= 0; j = nodes[static_cast<size_t>(j)].parent) up.push_back(j);
  std::vector<int64_t> rows;
  for (auto it = up.rbegin(); it != up.rend(); ++it) {
    const Span& x = nodes[static_cast<size_t>(*it)];
    for (int64_t r = 0; r < x.len; r++) rows.push_back(x.start + r);
  }
  return rows;
}

}  // namespace

}  // namespace cb

void cb_tree::lay_out(const std::vector<cb::Span>& nodes) {
  spans = nodes;
  below.resize(nodes.size());
  seen_before.push_back(0);
  for (size_t i = 0; i < nodes.size(); i++) {
    const cb::Span& x = nodes[i];
    const auto node = static_cast<int64_t>(i);
    chain_at.push_back(static_cast<int64_t>(chains.size()));
    const std::vector<int64_t> c = cb::chain(nodes, node);
    chains.insert(chains.end(), c.begin(), c.end());
    for (int64_t r = 0; r < x.len; r++) {
      node_of.push_back(node);
      seen_before.push_back(seen_before.back() + x.depth + r + 1);
    }
    for (int64_t up = node; up >= 0; up = nodes[static_cast<size_t>(up)].parent) {
      below[static_cast<size_t>(up)].push_back(node);
    }
  }
}

const at::Tensor& cb_tree::hidden_key(int64_t window) const {
  if (window >= k) window = 0;
  at::Tensor& made = hidden_keys[window];
  if (made.defined()) return made;
  const at::Tensor hide = at::empty({nodes, 1, 1, q, k}, at::kBool);
  bool* to = hide.mutable_data_ptr<bool>();
  for (const cb::Span& x : spans) {
    for (int64_t r = 0; r < q; r++, to += k) {
      // A padded query sees key 0 alone, so that its softmax stays finite.
      const int64_t seen = r < x.len ? x.depth + r + 1 : 1;
      const int64_t first = window > 0 && seen > window ? seen - window : 0;
      for (int64_t j = 0; j < k; j++) to[j] = j < first || j >= seen;
    }
  }
  return made = hide.to(ids.device());
}

using cb::guard;

extern "C" {

int32_t cb_tree_new(const int64_t* ids, const int64_t* positions, int64_t n, const int64_t* start,
                    const int64_t* len, const int64_t* parent, int64_t m, cb_device d,
                    cb_tree** out, cb_err* e) {
  return guard(e, [&] {
    cb::check(n > 0 && m > 0, "a tree needs at least one token");
    const at::Device dev = cb::device_of(d);
    const std::vector<cb::Span> nodes = cb::read_nodes(start, len, parent, m, n);
    auto t = std::make_unique<cb_tree>();
    t->n = n;
    t->nodes = m;
    cb::check(*std::min_element(positions, positions + n) >= 0, "positions are counted from 0");
    t->last = *std::max_element(positions, positions + n);
    for (const cb::Span& x : nodes) {
      t->q = std::max(t->q, x.len);
      t->k = std::max(t->k, x.depth + x.len);
    }
    const auto size = [](int64_t a, int64_t b) { return static_cast<size_t>(a * b); };
    std::vector<int64_t> qr(size(m, t->q), 0), qp(size(m, t->q), n), qs(size(n, 1)),
        kr(size(m, t->k), 0), kp(size(m, t->k), n);
    t->lay_out(nodes);
    for (int64_t i = 0; i < m; i++) {
      const cb::Span& x = nodes[static_cast<size_t>(i)];
      for (int64_t r = 0; r < x.len; r++) {
        qr[size(i, t->q) + size(r, 1)] = qp[size(i, t->q) + size(r, 1)] = x.start + r;
        qs[size(x.start + r, 1)] = i * t->q + r;
      }
      const int64_t* chain = t->chain_of(x.start);
      std::copy_n(chain, x.depth + x.len, kr.begin() + i * t->k);
      std::copy_n(chain, x.depth + x.len, kp.begin() + i * t->k);
    }
    t->ids = cb::ints(ids, n, dev);
    t->positions = cb::ints(positions, n, dev);
    t->query_rows = cb::ints(qr.data(), m * t->q, dev);
    t->query_pad = cb::ints(qp.data(), m * t->q, dev);
    t->query_slot = cb::ints(qs.data(), n, dev);
    t->key_rows = cb::ints(kr.data(), m * t->k, dev);
    t->key_pad = cb::ints(kp.data(), m * t->k, dev);
    *out = t.release();
  });
}

void cb_tree_free(cb_tree* t) { delete t; }
}
