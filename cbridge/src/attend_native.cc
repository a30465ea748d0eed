#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "attend.h"
#include "dots.h"

namespace cb {

namespace {

template <class T>
void store(const float* from, T* to, int64_t n) {
  for (int64_t i = 0; i < n; i++) round_into(&to[i], from[i]);
}

// Turns q k of len keys into exp(score - top); their sum's inverse. slope (may be NULL):
// dscore/d(q key), without the scale.
float weights(float* p, int64_t len, const Heads& h, float* slope) {
  const auto scale = static_cast<float>(h.scale), cap = static_cast<float>(h.cap);
  float top = -std::numeric_limits<float>::infinity();
  for (int64_t t = 0; t < len; t++) {
    p[t] *= scale;
    if (cap > 0) {
      const float part = std::tanh(p[t] / cap);
      p[t] = part * cap;
      if (slope != nullptr) slope[t] = 1.0F - part * part;
    }
    top = std::max(top, p[t]);
  }
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t t = 0; t < len; t++) {
    p[t] = fast_exp(p[t] - top);
    sum += p[t];
  }
  return 1.0F / sum;
}

// What a thread needs for the heads that share one head of keys: their queries and sums in fp32,
// [group, dim], and a weight of each key, [group, keys].
struct Scratch {
  int64_t group, keys;
  std::vector<float> q, sum, p;
  Scratch(const Heads& h, int64_t most)
      : group(h.q / h.kv),
        keys(most),
        q(static_cast<size_t>(group * h.dim)),
        sum(q.size()),
        p(static_cast<size_t>(group * keys)) {}
};

template <class T>
void widen(const T* from, int64_t n, float* to) {
  for (int64_t i = 0; i < n; i++) to[i] = as_float(from[i]);
}

// out = softmax(q k) v for one row's queries of a group, which lie behind one another.
template <class T, class Key, class Value>
void attend_group(const T* q, const Key& key, const Value& value, T* out, int64_t len,
                  const Heads& h, Scratch* s) {
  widen(q, s->group * h.dim, s->q.data());
  dots(s->q.data(), s->group, key, len, h.dim, s->p.data(), s->keys);
  for (int64_t i = 0; i < s->group; i++) {
    float* p = s->p.data() + i * s->keys;
    const float inverse = weights(p, len, h, nullptr);
    for (int64_t t = 0; t < len; t++) p[t] *= inverse;
  }
  sums(s->p.data(), s->keys, s->group, value, len, h.dim, s->sum.data());
  store(s->sum.data(), out, s->group * h.dim);
}

// Where things lie in the packed rows [N, (heads+2*kv)*D] of a tree.
template <class T>
struct Packed {
  const cb_tree& t;
  const Heads& h;
  const T* qkv;
  int64_t width = (h.q + 2 * h.kv) * h.dim, group = h.q / h.kv;

  const T* query(int64_t row, int64_t head) const { return qkv + row * width + head * h.dim; }
  const T* key(int64_t row, int64_t kv) const { return qkv + row * width + (h.q + kv) * h.dim; }
  const T* value(int64_t row, int64_t kv) const {
    return qkv + row * width + (h.q + h.kv + kv) * h.dim;
  }
};

template <class T>
void forward_rows(const Packed<T>& x, T* out) {
  const cb_tree& t = x.t;
  const Heads& h = x.h;
  at::parallel_for(0, t.n * h.kv, 16, [&](int64_t begin, int64_t end) {
    Scratch scratch(h, t.k);
    for (int64_t i = begin; i < end; i++) {
      const int64_t row = i / h.kv, kv = i % h.kv, head = kv * x.group;
      const int64_t first = h.first(t.seen(row));
      const int64_t* chain = t.chain_of(row) + first;
      attend_group(
          x.query(row, head), [&](int64_t k) { return x.key(chain[k], kv); },
          [&](int64_t k) { return x.value(chain[k], kv); }, out + (row * h.q + head) * h.dim,
          t.seen(row) - first, h, &scratch);
    }
  });
}

// Probabilities and their gradients, [head, key] of each row behind one another; those of keys
// outside of the row's window are not used.
struct Kept {
  std::vector<float> p, ds;
  Kept(const cb_tree& t, const Heads& h)
      : p(static_cast<size_t>(t.seen_before[static_cast<size_t>(t.n)] * h.q)), ds(p.size()) {}
  static int64_t at(const cb_tree& t, const Heads& h, int64_t row, int64_t head) {
    return t.seen_before[static_cast<size_t>(row)] * h.q + head * t.seen(row);
  }
};

// dL/dq of every row, which needs the row's own keys alone.
template <class T>
void backward_queries(const Packed<T>& x, const T* dout, T* dqkv, Kept* kept) {
  const cb_tree& t = x.t;
  const Heads& h = x.h;
  const auto scale = static_cast<float>(h.scale);
  at::parallel_for(0, t.n * h.kv, 16, [&](int64_t begin, int64_t end) {
    Scratch s(h, 0);
    std::vector<float> slope(static_cast<size_t>(t.k), 1.0F);
    for (int64_t i = begin; i < end; i++) {
      const int64_t row = i / h.kv, kv = i % h.kv, head = kv * x.group, seen = t.seen(row);
      const int64_t first = h.first(seen), len = seen - first;
      const int64_t* chain = t.chain_of(row) + first;
      const auto key = [&](int64_t k) { return x.key(chain[k], kv); };
      const auto value = [&](int64_t k) { return x.value(chain[k], kv); };
      const auto at = static_cast<size_t>(Kept::at(t, h, row, head) + first);
      float *p = kept->p.data() + at, *ds = kept->ds.data() + at;
      widen(dout + (row * h.q + head) * h.dim, s.group * h.dim, s.q.data());
      dots(s.q.data(), s.group, value, len, h.dim, ds, seen);
      widen(x.query(row, head), s.group * h.dim, s.q.data());
      dots(s.q.data(), s.group, key, len, h.dim, p, seen);
      for (int64_t g = 0; g < s.group; g++) {
        float *pg = p + g * seen, *dg = ds + g * seen;
        const float inverse = weights(pg, len, h, slope.data());
        float mean = 0;
        for (int64_t k = 0; k < len; k++) {
          pg[k] *= inverse;
          mean += pg[k] * dg[k];
        }
        for (int64_t k = 0; k < len; k++)
          dg[k] = (dg[k] - mean) * pg[k] * scale * slope[static_cast<size_t>(k)];
      }
      sums(ds, seen, s.group, key, len, h.dim, s.sum.data());
      store(s.sum.data(), dqkv + row * x.width + head * h.dim, s.group * h.dim);
    }
  });
}

// dL/dk and dL/dv of one key, B blocks of lanes from d on, or n lanes: the sum over the queries
// that see it, in the order of the rows.
template <int64_t B, bool Whole, class T>
void backward_key(const Packed<T>& x, const T* dout, const Kept& kept, int64_t row, int64_t kv,
                  int64_t d, int64_t n, T* dqkv) {
  const cb_tree& t = x.t;
  const Heads& h = x.h;
  const int64_t own = t.node_of[static_cast<size_t>(row)], at = t.seen(row) - 1;
  Lanes dk[B] = {}, dv[B] = {};
  for (const int64_t node : t.below[static_cast<size_t>(own)]) {
    const auto& span = t.spans[static_cast<size_t>(node)];
    for (int64_t i = node == own ? row : span.start; i < span.start + span.len; i++) {
      if (at < h.first(t.seen(i))) break;  // it has left the window of all that follow in the node
      for (int64_t head = kv * x.group; head < (kv + 1) * x.group; head++) {
        const auto entry = static_cast<size_t>(Kept::at(t, h, i, head) + at);
        const float ds = kept.ds[entry], p = kept.p[entry];
        const T *q = x.query(i, head) + d, *o = dout + (i * h.q + head) * h.dim + d;
        for (int64_t b = 0; b < B; b++) {
          dk[b] += ds * load_lanes<Whole>(q + b * kLanes, n);
          dv[b] += p * load_lanes<Whole>(o + b * kLanes, n);
        }
      }
    }
  }
  T* key = dqkv + row * x.width + (h.q + kv) * h.dim + d;
  for (int64_t b = 0; b < B; b++) {
    round_lanes_into<Whole>(key + b * kLanes, dk[b], n);
    round_lanes_into<Whole>(key + h.kv * h.dim + b * kLanes, dv[b], n);
  }
}

template <class T>
void backward_keys(const Packed<T>& x, const T* dout, T* dqkv, const Kept& kept) {
  const cb_tree& t = x.t;
  const Heads& h = x.h;
  // The first rows of a tree are seen by the most queries: rows are dealt out in turn.
  const int64_t parts = at::get_num_threads();
  at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; part++) {
      for (int64_t row = part; row < t.n; row += parts) {
        for (int64_t kv = 0; kv < h.kv; kv++) {
          by_blocks(h.dim, [&](int64_t d, auto blocks, auto whole, int64_t n) {
            backward_key<decltype(blocks)::value, decltype(whole)::value>(x, dout, kept, row, kv, d,
                                                                          n, dqkv);
          });
        }
      }
    }
  });
}

template <class T>
void cache_rows(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                const at::Tensor& rows, const at::Tensor& len, const Heads& h,
                const at::Tensor& out) {
  const int64_t width = h.q * h.dim, group = h.q / h.kv, max_len = k.size(2),
                q_stride = q.stride(0);
  const T* qp = elements<T>(q);
  const T* kp = elements<T>(k);
  const T* vp = elements<T>(v);
  T* op = mutable_elements<T>(out);
  const int64_t* slot = rows.const_data_ptr<int64_t>();
  const int64_t* n = len.const_data_ptr<int64_t>();
  at::parallel_for(0, rows.size(0) * h.kv, h.kv, [&](int64_t begin, int64_t end) {
    Scratch scratch(h, max_len);
    for (int64_t i = begin; i < end; i++) {
      const int64_t b = i / h.kv, kv = i % h.kv, head = kv * group, first = h.first(n[b]);
      const int64_t at = ((slot[b] * h.kv + kv) * max_len + first) * h.dim;
      const T *key = kp + at, *value = vp + at;
      attend_group(
          qp + b * q_stride + head * h.dim, [&](int64_t t) { return key + t * h.dim; },
          [&](int64_t t) { return value + t * h.dim; }, op + b * width + head * h.dim, n[b] - first,
          h, &scratch);
    }
  });
}

}  // namespace

at::Tensor attend_short(const cb_tree& t, const at::Tensor& qkv, const Heads& h) {
  at::Tensor out = at::empty({t.n, h.q * h.dim}, qkv.options());
  with_type(qkv, [&](auto tag) {
    using T = decltype(tag);
    forward_rows(Packed<T>{t, h, elements<T>(qkv)}, mutable_elements<T>(out));
  });
  return out;
}

at::Tensor attend_short_backward(const cb_tree& t, const at::Tensor& dout, const at::Tensor& qkv,
                                 const Heads& h) {
  at::Tensor dqkv = at::empty_like(qkv);
  Kept kept(t, h);
  with_type(qkv, [&](auto tag) {
    using T = decltype(tag);
    const Packed<T> x{t, h, elements<T>(qkv)};
    const T* d = elements<T>(dout);
    backward_queries(x, d, mutable_elements<T>(dqkv), &kept);
    backward_keys(x, d, mutable_elements<T>(dqkv), kept);
  });
  return dqkv;
}

at::Tensor attend_cache_native(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                               const at::Tensor& rows, const at::Tensor& len, const Heads& h) {
  at::Tensor out = at::empty({q.size(0), h.q * h.dim}, q.options());
  with_type(q, [&](auto tag) { cache_rows<decltype(tag)>(q, k, v, rows, len, h, out); });
  return out;
}

}  // namespace cb
