#include "model.h"

#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <memory>
#include <numeric>

#include "parts.h"
#include "pool.h"
#include "product.h"

namespace cb {

namespace {

int64_t layer_size(const cb_arch& a) {
  Layer l;
  int64_t size = 0;
  each_part(a, l, [&](at::Tensor&, at::Tensor&, const Shape& s) { size += product_of(s); });
  return size;
}

void check_arch(const cb_arch& a) {
  check(a.layers > 0 && a.hidden > 0 && a.heads > 0 && a.kv_heads > 0 && a.head_dim > 0 &&
            a.ffn > 0 && a.vocab > 0 && a.context > 0,
        "every size of a model must be positive");
  check(a.heads % a.kv_heads == 0,
        "the number of heads must be a multiple of the number of KV heads");
  check(a.head_dim % 2 == 0, "the head size must be even");
  check(a.rotary_dim % 2 == 0 && a.rotary_dim >= 0 && a.rotary_dim <= a.head_dim,
        "the rotated part of a head must be even and no larger than the head");
  check(a.norm_eps > 0, "the norm's epsilon must be positive");
  check(a.activation >= CB_SILU && a.activation <= CB_GELU_TANH, "no such activation");
  check(a.layer_norm == 0 || a.qk_norm == 0, "norms of queries and keys are RMSNorms");
  check(a.attn_cap >= 0 && a.logit_cap >= 0, "a cap must not be negative");
}

// Cuts consecutive pieces off a flat buffer.
struct Cutter {
  at::Tensor flat;
  int64_t at = 0;
  at::Tensor take(const Shape& shape) {
    if (!flat.defined()) return {};
    const int64_t n = product_of(shape);
    at::Tensor t = flat.narrow(0, at, n).view(shape);
    at += n;
    return t;
  }
};

Layer make_layer(const cb_model& m, const at::Tensor& compute) {
  Cutter c{compute};
  Layer l;
  for (Norm* n : {&l.attn_norm, &l.mlp_norm, &l.query_norm, &l.key_norm, &l.post_attn, &l.post_mlp})
    *n = m.new_norm();
  each_part(m.arch, l, [&](at::Tensor& w, at::Tensor&, const Shape& s) { w = c.take(s); });
  return l;
}

// Rotary tables in double precision, stored in fp32.
Rope make_rope(const cb_model& m, const double* inv_freq, double magnitude) {
  const int64_t half = m.rotary_dim() / 2, p = m.arch.context;
  const at::Tensor cos = at::zeros({p, half}, at::kFloat), sin = at::zeros({p, half}, at::kFloat);
  float* c = cos.mutable_data_ptr<float>();
  float* s = sin.mutable_data_ptr<float>();
  for (int64_t i = 0; i < p; i++) {
    for (int64_t j = 0; j < half; j++) {
      const double angle = static_cast<double>(i) * inv_freq[j];
      c[i * half + j] = static_cast<float>(magnitude * std::cos(angle));
      s[i * half + j] = static_cast<float>(magnitude * std::sin(angle));
    }
  }
  return {cos.to(m.device), sin.to(m.device)};
}

void make_buffers(cb_model* m) {
  const cb_arch& a = m->arch;
  const int64_t vh = static_cast<int64_t>(a.vocab) * a.hidden;
  std::vector<int64_t> sizes(static_cast<size_t>(a.layers), layer_size(a));
  sizes.push_back(vh);
  sizes.push_back(a.layer_norm != 0 ? 2 * a.hidden : a.hidden);
  if (a.tied == 0) sizes.push_back(vh);
  const auto buffers = [&](at::ScalarType dtype) {
    // One that is frozen gives back what it does not need beside its blocked copies.
    if (!m->trainable) {
      std::vector<at::Tensor> each;
      for (const int64_t n : sizes) each.push_back(zero_pool(n, dtype, m->device));
      return each;
    }
    const int64_t all = std::accumulate(sizes.begin(), sizes.end(), int64_t{0});
    return huge_pool(all, dtype, m->device).split_with_sizes(sizes);
  };
  if (m->trainable) m->master = buffers(at::kFloat);
  m->compute = m->trainable && m->dtype == at::kFloat ? m->master : buffers(m->dtype);
}

// The final norm's buffer: weights, and a LayerNorm's bias behind them.
void split_norm(const cb_arch& a, const at::Tensor& flat, at::Tensor* w, at::Tensor* bias) {
  *w = flat.defined() ? flat.narrow(0, 0, a.hidden) : at::Tensor();
  const bool both = flat.defined() && a.layer_norm != 0;
  *bias = both ? flat.narrow(0, a.hidden, a.hidden) : at::Tensor();
}

void make_views(cb_model* m) {
  const cb_arch& a = m->arch;
  const auto comp = [&](int64_t i) { return m->compute[static_cast<size_t>(i)]; };
  for (int64_t i = 0; i < a.layers; i++) m->layers.push_back(make_layer(*m, comp(i)));
  m->embed.w = comp(a.layers).view({a.vocab, a.hidden});
  m->norm = m->new_norm();
  split_norm(a, comp(a.layers + 1), &m->norm.w, &m->norm.bias);
  m->head.w = a.tied != 0 ? m->embed.w : comp(a.layers + 2).view({a.vocab, a.hidden});
}

at::Tensor grad_buffer(const cb_model* m, int64_t i) {
  return m->grad.empty() ? at::Tensor() : m->grad[static_cast<size_t>(i)];
}

// Points a layer's matrices and vectors at their parts of its gradient buffer, or at nothing when
// there is none.
void attach_layer_grad(cb_model* m, int64_t i) {
  Cutter c{grad_buffer(m, i)};
  each_part(m->arch, m->layers[static_cast<size_t>(i)],
            [&](at::Tensor&, at::Tensor& grad, const Shape& s) { grad = c.take(s); });
}

void attach_grad(cb_model* m) {
  const cb_arch& a = m->arch;
  for (int64_t i = 0; i < a.layers; i++) attach_layer_grad(m, i);
  const auto grad = [&](int64_t i) { return grad_buffer(m, i); };
  const auto table = [&](int64_t i) {
    const at::Tensor g = grad(i);
    return g.defined() ? g.view({a.vocab, a.hidden}) : g;
  };
  m->embed.grad = table(a.layers);
  split_norm(a, grad(a.layers + 1), &m->norm.grad, &m->norm.bias_grad);
  m->head.grad = a.tied != 0 ? m->embed.grad : table(a.layers + 2);
}

}  // namespace

}  // namespace cb

cb::Norm cb_model::new_norm() const {
  cb::Norm n;
  n.eps = arch.norm_eps;
  n.offset = arch.norm_offset;
  return n;
}

void cb_model::need_grad() {
  cb::check(trainable, "a frozen model has no gradients");
  if (!grad.empty()) return;
  // One allocation, which goes back to the system as a whole when the gradients are dropped, and
  // of which no part takes memory that the backward pass does not write to.
  layer_grads = false;
  int64_t all = 0, at = 0;
  for (const at::Tensor& w : master) all += w.numel();
  const at::Tensor pool = cb::zero_pool(all, at::kFloat, device);
  for (const at::Tensor& w : master) {
    grad.push_back(pool.narrow(0, at, w.numel()));
    at += w.numel();
  }
  cb::attach_grad(this);
}

void cb_model::place_grad(int64_t layer, const at::Tensor& memory) {
  const auto i = static_cast<size_t>(layer);
  cb::check(memory.sizes().equals(grad[i].sizes()), "gradients of another size");
  grad[i] = memory;
  cb::attach_layer_grad(this, layer);
}

void cb_model::drop_grad() {
  grad.clear();
  layer_grads = false;
  cb::attach_grad(this);
}

void cb_model::lay_panels(bool on) {
  on = on && device.is_cpu() && dtype == at::kBFloat16 && cb::has_few_rows(dtype);
  for (cb::Layer& l : layers) {
    for (cb::Matrix* m : l.matrices()) m->lay_panels(on);
  }
  head.lay_panels(on);
}

void cb_model::pack(bool on) {
  cb::check(trainable || compute[0].defined(), "a frozen model is prepacked once");
  // A model that trains decodes by few_rows_product, where there is one.
  on = on && device.is_cpu() && cb::can_prepack(dtype) && !(trainable && cb::has_few_rows(dtype));
  const cb::ReturnBlocks guard;  // blocked copies come and go with every step
  for (cb::Layer& l : layers) {
    for (cb::Matrix* m : l.matrices()) m->prepack(on);
  }
  if (trainable || !on) return;
  // Nothing reads a frozen model's plain matrices any more; its embedding stays for lookups and as
  // the head.
  for (size_t i = 0; i < layers.size(); i++) {
    cb::Layer& l = layers[i];
    cb::each_part(arch, l, [](at::Tensor& w, at::Tensor&, const cb::Shape& s) {
      if (s.size() == 1) w = w.clone();
    });
    for (cb::Matrix* m : l.matrices()) m->w = at::Tensor();
    compute[i] = at::Tensor();
  }
}

using cb::guard;

extern "C" {

int32_t cb_model_new(const cb_arch* a, const int32_t* window, const int32_t* table,
                     const double* inv_freq, const double* magnitude, int32_t tables, int32_t dtype,
                     cb_device d, int32_t trainable, cb_model** out, cb_err* e) {
  return guard(e, [&] {
    cb::check_arch(*a);
    cb::check(dtype == CB_F32 || dtype == CB_BF16, "a model computes in float32 or bfloat16");
    auto m = std::make_unique<cb_model>();
    m->arch = *a;
    m->device = cb::device_of(d);
    m->dtype = cb::dtype_of(dtype);
    m->trainable = trainable != 0;
    if (a->embed_scale != 0)
      m->embed_scale = at::scalar_tensor(a->embed_scale, m->dtype).item<double>();
    for (int32_t i = 0; i < tables; i++)
      m->ropes.push_back(cb::make_rope(*m, inv_freq + i * (m->rotary_dim() / 2), magnitude[i]));
    cb::make_buffers(m.get());
    cb::make_views(m.get());
    for (size_t i = 0; i < m->layers.size(); i++) {
      cb::check(window[i] >= 0, "a window must not be negative");
      cb::check(table[i] >= 0 && table[i] < tables, "no such rotary table");
      m->layers[i].window = window[i];
      m->layers[i].rope = static_cast<size_t>(table[i]);
    }
    *out = m.release();
  });
}

void cb_model_free(cb_model* m) { delete m; }

int32_t cb_model_buffer(cb_model* m, int32_t kind, int32_t index, cb_tensor** out, cb_err* e) {
  return guard(e, [&] {
    cb::check(index >= 0 && index < m->buffers(), "no such weight buffer");
    cb::check(kind == CB_COMPUTE || m->trainable,
              "a frozen model has neither masters nor gradients");
    if (kind == CB_GRAD) m->need_grad();
    const auto& from = kind == CB_MASTER ? m->master : kind == CB_GRAD ? m->grad : m->compute;
    cb::check(from[static_cast<size_t>(index)].defined(),
              "a prepacked frozen model has no layer buffers");
    *out = cb::wrap(from[static_cast<size_t>(index)]);
  });
}

int32_t cb_model_commit(cb_model* m, int32_t prepack, cb_err* e) {
  return guard(e, [&] {
    at::NoGradGuard no_grad;
    if (m->trainable && m->dtype != at::kFloat) {
      for (size_t i = 0; i < m->master.size(); i++) m->compute[i].copy_(m->master[i]);
    }
    // Before a frozen model gives its plain matrices back.
    m->lay_panels(prepack == 2 || (prepack != 0 && m->trainable));
    m->pack(prepack != 0);
  });
}

int32_t cb_model_unpack(cb_model* m, cb_err* e) {
  return guard(e, [&] { m->pack(false); });
}

int32_t cb_model_zero_grad(cb_model* m, cb_err* e) {
  return guard(e, [&] {
    at::NoGradGuard no_grad;
    if (m->grad.empty()) {
      m->need_grad();
    } else {
      for (const at::Tensor& g : m->grad) g.zero_();
      m->layer_grads = false;
    }
  });
}

int32_t cb_model_drop_grad(cb_model* m, cb_err* e) {
  return guard(e, [&] {
    m->drop_grad();
    if (m->device.is_cpu()) cb::return_kept_blocks();
  });
}
}
