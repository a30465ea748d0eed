#include "kernels.h"

#include <ATen/Parallel.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/silu_backward.h>

#include <cmath>
#include <vector>

#include "lanes.h"

namespace cb {

namespace {

// Rows of the given width per task: what takes some microseconds, since waking a thread takes as
// long.
int64_t grain(int64_t width) { return std::max<int64_t>(1, 16384 / width); }

template <class T>
void rms_rows(const T* x, const T* w, float offset, T* y, float* rstd, int64_t begin, int64_t end,
              int64_t h, double eps) {
  for (int64_t n = begin; n < end; n++) {
    const T* xr = x + n * h;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < h; i++) sum += as_float(xr[i]) * as_float(xr[i]);
    const float r = 1.0F / std::sqrt(sum / static_cast<float>(h) + static_cast<float>(eps));
    if (rstd != nullptr) rstd[n] = r;
#pragma omp simd
    for (int64_t i = 0; i < h; i++) {
      round_into(&y[n * h + i], as_float(xr[i]) * r * (as_float(w[i]) + offset));
    }
  }
}

template <class T>
void rms_rows_backward(const T* dy, const T* x, const T* w, float offset, const float* rstd, T* dx,
                       float* dw, int64_t begin, int64_t end, int64_t h) {
  for (int64_t n = begin; n < end; n++) {
    const T* gr = dy + n * h;
    const T* xr = x + n * h;
    const float r = rstd[n];
    float dot = 0;
#pragma omp simd reduction(+ : dot)
    for (int64_t i = 0; i < h; i++) {
      const float g = as_float(gr[i]);
      const float xn = as_float(xr[i]) * r;
      dot += g * (as_float(w[i]) + offset) * xn;
      dw[i] += g * xn;
    }
    dot /= static_cast<float>(h);
#pragma omp simd
    for (int64_t i = 0; i < h; i++) {
      const float xn = as_float(xr[i]) * r;
      const float gw = as_float(gr[i]) * (as_float(w[i]) + offset);
      round_into(&dx[n * h + i], r * (gw - xn * dot));
    }
  }
}

// V is Lanes, or float for what is left over at the end of a row.
template <class V, class T>
void swiglu_at(const T* gate, const T* up, T* y) {
  const V a = load_as<V>(gate);
  round_into(y, a / (1.0F + fast_exp(-a)) * load_as<V>(up));
}

template <class T>
void swiglu_row(const T* gate, const T* up, T* y, int64_t f) {
  int64_t i = 0;
  for (; i + kLanes <= f; i += kLanes) swiglu_at<Lanes>(gate + i, up + i, y + i);
  for (; i < f; i++) swiglu_at<float>(gate + i, up + i, y + i);
}

template <class V, class T>
void swiglu_backward_at(const T* dy, const T* gate, const T* up, T* dgate, T* dup, T* y) {
  const V a = load_as<V>(gate), d = load_as<V>(dy), u = load_as<V>(up);
  const V sig = 1.0F / (1.0F + fast_exp(-a));
  round_into(dgate, d * u * sig * (1.0F + a * (1.0F - sig)));
  round_into(dup, d * a * sig);
  round_into(y, a * sig * u);
}

template <class T>
void swiglu_row_backward(const T* dy, const T* gate, const T* up, T* dgate, T* dup, T* y,
                         int64_t f) {
  int64_t i = 0;
  for (; i + kLanes <= f; i += kLanes)
    swiglu_backward_at<Lanes>(dy + i, gate + i, up + i, dgate + i, dup + i, y + i);
  for (; i < f; i++) swiglu_backward_at<float>(dy + i, gate + i, up + i, dgate + i, dup + i, y + i);
}

// A function of plain pointers: a loop inside a lambda reads captured pointers again for every
// element, and is not vectorized.
// Rotates the halves (a, b) of one head by the angles of cos c and sin s.
template <class T>
void rope_head(T* x, const float* c, const float* s, float sign, int64_t half) {
#pragma omp simd
  for (int64_t i = 0; i < half; i++) {
    const float a = as_float(x[i]), b = as_float(x[half + i]);
    round_into(&x[i], a * c[i] - b * s[i] * sign);
    round_into(&x[half + i], b * c[i] + a * s[i] * sign);
  }
}

at::Tensor rstd_of(const at::Tensor& x, double eps) {
  return x.to(at::kFloat).pow(2).mean(-1).add(eps).rsqrt();
}

}  // namespace

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& w, double eps, double offset,
                    at::Tensor* rstd) {
  if (!native_cpu(x)) {
    const at::Tensor r = rstd_of(x, eps);
    if (rstd != nullptr) *rstd = r;
    return x.to(at::kFloat)
        .mul(r.unsqueeze(-1))
        .mul(w.to(at::kFloat).add(offset))
        .to(x.scalar_type());
  }
  const int64_t rows = x.size(0), h = x.size(1);
  const auto plus = static_cast<float>(offset);
  at::Tensor y = at::empty_like(x);
  float* r = nullptr;
  if (rstd != nullptr) {
    *rstd = at::empty({rows}, x.options().dtype(at::kFloat));
    r = rstd->mutable_data_ptr<float>();
  }
  with_type(x, [&](auto tag) {
    using T = decltype(tag);
    const T* xp = elements<T>(x);
    const T* wp = elements<T>(w);
    T* yp = mutable_elements<T>(y);
    at::parallel_for(0, rows, grain(h),
                     [&](int64_t b, int64_t e) { rms_rows(xp, wp, plus, yp, r, b, e, h, eps); });
  });
  return y;
}

at::Tensor rms_norm_backward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& w,
                             double offset, const at::Tensor& rstd, const at::Tensor& dw) {
  if (!native_cpu(x)) {
    const at::Tensor g = dy.to(at::kFloat);
    const at::Tensor xn = x.to(at::kFloat).mul(rstd.unsqueeze(-1));
    dw.add_(g.mul(xn).sum(0));
    const at::Tensor gw = g.mul(w.to(at::kFloat).add(offset));
    const at::Tensor dot = gw.mul(xn).mean(-1, true);
    return gw.sub(xn.mul(dot)).mul(rstd.unsqueeze(-1)).to(x.scalar_type());
  }
  const int64_t rows = x.size(0), h = x.size(1);
  const auto plus = static_cast<float>(offset);
  at::Tensor dx = at::empty_like(x);
  // One partial sum of dw per thread's range, added in order, so that the result does not depend on
  // timing.
  const int64_t parts =
      std::max<int64_t>(1, std::min<int64_t>(at::get_num_threads(), rows / grain(h)));
  const int64_t step = (rows + parts - 1) / parts;
  std::vector<float> partial(static_cast<size_t>(parts * h), 0.0F);
  with_type(x, [&](auto tag) {
    using T = decltype(tag);
    const T* gp = elements<T>(dy);
    const T* xp = elements<T>(x);
    const T* wp = elements<T>(w);
    T* dp = mutable_elements<T>(dx);
    const float* rp = rstd.const_data_ptr<float>();
    at::parallel_for(0, parts, 1, [&](int64_t b, int64_t e) {
      for (int64_t p = b; p < e; p++) {
        rms_rows_backward(gp, xp, wp, plus, rp, dp, partial.data() + p * h, p * step,
                          std::min(rows, (p + 1) * step), h);
      }
    });
  });
  float* out = dw.mutable_data_ptr<float>();
  for (int64_t p = 0; p < parts; p++) {
    for (int64_t i = 0; i < h; i++) out[i] += partial[static_cast<size_t>(p * h + i)];
  }
  return dx;
}

at::Tensor swiglu(const at::Tensor& gu) {
  const int64_t rows = gu.size(0), f = gu.size(1) / 2;
  const at::Tensor gate = gu.narrow(1, 0, f), up = gu.narrow(1, f, f);
  if (!native_cpu(gu)) return at::silu(gate).mul(up);
  at::Tensor y = at::empty_like(gate, gu.options(), at::MemoryFormat::Contiguous);
  with_type(gu, [&](auto tag) {
    using T = decltype(tag);
    const T* in = elements<T>(gu);
    T* out = mutable_elements<T>(y);
    at::parallel_for(0, rows, grain(2 * f), [&](int64_t b, int64_t e) {
      for (int64_t n = b; n < e; n++) {
        const T* g = in + n * 2 * f;
        swiglu_row(g, g + f, out + n * f, f);
      }
    });
  });
  return y;
}

at::Tensor swiglu_backward(const at::Tensor& dy, const at::Tensor& gu, at::Tensor* y) {
  const int64_t rows = gu.size(0), f = gu.size(1) / 2;
  if (!native_cpu(gu)) {
    const at::Tensor gate = gu.narrow(1, 0, f), up = gu.narrow(1, f, f), s = at::silu(gate);
    *y = s.mul(up);
    return at::cat({at::silu_backward(dy.mul(up), gate), dy.mul(s)}, 1);
  }
  *y = at::empty({rows, f}, gu.options());
  at::Tensor dgu = at::empty_like(gu);
  with_type(gu, [&](auto tag) {
    using T = decltype(tag);
    const T* in = elements<T>(gu);
    const T* d = elements<T>(dy);
    T* out = mutable_elements<T>(dgu);
    T* act = mutable_elements<T>(*y);
    at::parallel_for(0, rows, grain(2 * f), [&](int64_t b, int64_t e) {
      for (int64_t n = b; n < e; n++) {
        const T* g = in + n * 2 * f;
        T* dg = out + n * 2 * f;
        swiglu_row_backward(d + n * f, g, g + f, dg, dg + f, act + n * f, f);
      }
    });
  });
  return dgu;
}

void rope_(const at::Tensor& qkv, int64_t heads, int64_t head_dim, const at::Tensor& cos,
           const at::Tensor& sin, const at::Tensor& positions, int sign) {
  const int64_t rows = qkv.size(0), width = qkv.size(1), half = cos.size(1);
  if (!native_cpu(qkv)) {
    const at::Tensor c = cos.index_select(0, positions).unsqueeze(1);
    const at::Tensor s = sin.index_select(0, positions).unsqueeze(1).mul(sign);
    const at::Tensor x = qkv.narrow(1, 0, heads * head_dim).view({rows, heads, head_dim});
    const at::Tensor a = x.narrow(2, 0, half).to(at::kFloat, false, true);
    const at::Tensor b = x.narrow(2, half, half).to(at::kFloat, false, true);
    x.narrow(2, 0, half).copy_(a.mul(c).sub(b.mul(s)));
    x.narrow(2, half, half).copy_(b.mul(c).add(a.mul(s)));
    return;
  }
  const float* cp = cos.const_data_ptr<float>();
  const float* sp = sin.const_data_ptr<float>();
  const int64_t* pos = positions.const_data_ptr<int64_t>();
  const float sg = static_cast<float>(sign);
  with_type(qkv, [&](auto tag) {
    using T = decltype(tag);
    T* x = mutable_elements<T>(qkv);
    at::parallel_for(0, rows, grain(heads * head_dim), [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; n++) {
        const float* c = cp + pos[n] * half;
        const float* s = sp + pos[n] * half;
        for (int64_t h = 0; h < heads; h++) rope_head(x + n * width + h * head_dim, c, s, sg, half);
      }
    });
  });
}

}  // namespace cb
