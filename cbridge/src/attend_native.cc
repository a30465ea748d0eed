#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "attend.h"
#include "vecmath.h"

namespace cb {

namespace {

template <class T>
float dot(const T* a, const T* b, int64_t n) {
  float s = 0;
#pragma omp simd reduction(+ : s)
  for (int64_t i = 0; i < n; i++) s += as_float(a[i]) * as_float(b[i]);
  return s;
}

// y += a * x
template <class T>
void add_scaled(float* y, float a, const T* x, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; i++) y[i] += a * as_float(x[i]);
}

template <class T>
void store(const float* from, T* to, int64_t n, float scale) {
  for (int64_t i = 0; i < n; i++) round_into(&to[i], from[i] * scale);
}

// exp(score - top) of q against len keys, and their sum's inverse; key(t) is the t-th key. slope
// (may be NULL): dscore/d(q key), without the scale.
template <class T, class Key>
float weights(const T* q, const Key& key, int64_t len, const Heads& h, float* p, float* slope) {
  const auto scale = static_cast<float>(h.scale), cap = static_cast<float>(h.cap);
  float top = -std::numeric_limits<float>::infinity();
  for (int64_t t = 0; t < len; t++) {
    p[t] = dot(q, key(t), h.dim) * scale;
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

// out = softmax(q k) v for one query.
template <class T, class Key, class Value>
void attend_row(const T* q, const Key& key, const Value& value, T* out, int64_t len, const Heads& h,
                float* p, float* sums) {
  const float inverse = weights(q, key, len, h, p, nullptr);
  std::fill_n(sums, h.dim, 0.0F);
  for (int64_t t = 0; t < len; t++) add_scaled(sums, p[t], value(t), h.dim);
  store(sums, out, h.dim, inverse);
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
    std::vector<float> p(static_cast<size_t>(t.k)), sums(static_cast<size_t>(h.dim));
    for (int64_t i = begin; i < end; i++) {
      const int64_t row = i / h.kv, kv = i % h.kv;
      const int64_t first = h.first(t.seen(row));
      const int64_t* chain = t.chain_of(row) + first;
      for (int64_t head = kv * x.group; head < (kv + 1) * x.group; head++) {
        attend_row(
            x.query(row, head), [&](int64_t k) { return x.key(chain[k], kv); },
            [&](int64_t k) { return x.value(chain[k], kv); }, out + (row * h.q + head) * h.dim,
            t.seen(row) - first, h, p.data(), sums.data());
      }
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
  at::parallel_for(0, t.n * h.q, 16, [&](int64_t begin, int64_t end) {
    std::vector<float> dq(static_cast<size_t>(h.dim)), slope(static_cast<size_t>(t.k), 1.0F);
    for (int64_t i = begin; i < end; i++) {
      const int64_t row = i / h.q, head = i % h.q, kv = head / x.group;
      const int64_t first = h.first(t.seen(row)), len = t.seen(row) - first;
      const int64_t* chain = t.chain_of(row) + first;
      float* p = kept->p.data() + Kept::at(t, h, row, head) + first;
      float* ds = kept->ds.data() + Kept::at(t, h, row, head) + first;
      const float inverse = weights(
          x.query(row, head), [&](int64_t k) { return x.key(chain[k], kv); }, len, h, p,
          slope.data());
      float mean = 0;
      for (int64_t k = 0; k < len; k++) {
        p[k] *= inverse;
        ds[k] = dot(dout + i * h.dim, x.value(chain[k], kv), h.dim);
        mean += p[k] * ds[k];
      }
      std::fill(dq.begin(), dq.end(), 0.0F);
      for (int64_t k = 0; k < len; k++) {
        ds[k] = (ds[k] - mean) * p[k] * scale * slope[static_cast<size_t>(k)];
        add_scaled(dq.data(), ds[k], x.key(chain[k], kv), h.dim);
      }
      store(dq.data(), dqkv + row * x.width + head * h.dim, h.dim, 1);
    }
  });
}

// dL/dk and dL/dv of one key: the sum over the queries that see it, in the order of the rows.
template <class T>
void backward_key(const Packed<T>& x, const T* dout, const Kept& kept, int64_t row, int64_t kv,
                  float* dk, float* dv) {
  const cb_tree& t = x.t;
  const Heads& h = x.h;
  const int64_t own = t.node_of[static_cast<size_t>(row)], at = t.seen(row) - 1;
  for (const int64_t node : t.below[static_cast<size_t>(own)]) {
    const auto& span = t.spans[static_cast<size_t>(node)];
    for (int64_t n = node == own ? row : span.start; n < span.start + span.len; n++) {
      if (at < h.first(t.seen(n))) break;  // it has left the window of all that follow in the node
      for (int64_t head = kv * x.group; head < (kv + 1) * x.group; head++) {
        const auto entry = static_cast<size_t>(Kept::at(t, h, n, head) + at);
        add_scaled(dk, kept.ds[entry], x.query(n, head), h.dim);
        add_scaled(dv, kept.p[entry], dout + (n * h.q + head) * h.dim, h.dim);
      }
    }
  }
}

template <class T>
void backward_keys(const Packed<T>& x, const T* dout, T* dqkv, const Kept& kept) {
  const cb_tree& t = x.t;
  const Heads& h = x.h;
  // The first rows of a tree are seen by the most queries: rows are dealt out in turn.
  const int64_t parts = at::get_num_threads();
  at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> sums(static_cast<size_t>(2 * h.dim));
    float *dk = sums.data(), *dv = dk + h.dim;
    for (int64_t part = begin; part < end; part++) {
      for (int64_t row = part; row < t.n; row += parts) {
        for (int64_t kv = 0; kv < h.kv; kv++) {
          std::fill(sums.begin(), sums.end(), 0.0F);
          backward_key(x, dout, kept, row, kv, dk, dv);
          store(dk, dqkv + row * x.width + (h.q + kv) * h.dim, h.dim, 1);
          store(dv, dqkv + row * x.width + (h.q + h.kv + kv) * h.dim, h.dim, 1);
        }
      }
    }
  });
}

template <class T>
void cache_rows(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                const at::Tensor& rows, const at::Tensor& len, const Heads& h,
                const at::Tensor& out) {
  const int64_t width = h.q * h.dim, stride = h.kv * h.dim, group = h.q / h.kv, max_len = k.size(1),
                q_stride = q.stride(0);
  const T* qp = elements<T>(q);
  const T* kp = elements<T>(k);
  const T* vp = elements<T>(v);
  T* op = mutable_elements<T>(out);
  const int64_t* slot = rows.const_data_ptr<int64_t>();
  const int64_t* n = len.const_data_ptr<int64_t>();
  at::parallel_for(0, rows.size(0), 1, [&](int64_t begin, int64_t end) {
    std::vector<float> p(static_cast<size_t>(max_len)), sums(static_cast<size_t>(h.dim));
    for (int64_t b = begin; b < end; b++) {
      const int64_t first = h.first(n[b]);
      const T* key = kp + (slot[b] * max_len + first) * stride;
      const T* value = vp + (slot[b] * max_len + first) * stride;
      for (int64_t head = 0; head < h.q; head++) {
        const int64_t at = head / group * h.dim;
        attend_row(
            qp + b * q_stride + head * h.dim, [&](int64_t t) { return key + t * stride + at; },
            [&](int64_t t) { return value + t * stride + at; }, op + b * width + head * h.dim,
            n[b] - first, h, p.data(), sums.data());
      }
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
