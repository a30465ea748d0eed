#include "forward.h"

#include <algorithm>
#include <memory>

namespace cb {

Heads heads_of(const cb_arch& a) { return {a.heads, a.kv_heads, a.head_dim}; }

namespace {

// One layer: x -> x + attention(norm(x)) -> + mlp(norm(.)). x [N,H].
at::Tensor layer_forward(const cb_model& m, const Layer& l, const cb_tree& t, const at::Tensor& x, Activations* keep,
                         const std::function<void(const at::Tensor&)>& on_qkv) {
  Activations a;
  a.x = x;
  const bool k = keep != nullptr;
  a.h1 = rms_norm(x, l.attn_norm.w, m.arch.rms_eps, k ? &a.rstd1 : nullptr);
  const at::Tensor qkv = l.qkv.apply(a.h1);
  rope_(qkv, m.arch.heads + m.arch.kv_heads, m.arch.head_dim, m.cos, m.sin, t.positions, 1);
  if (on_qkv) on_qkv(qkv);
  a.o = attend(t, qkv, heads_of(m.arch), k ? &a.att : nullptr);
  a.x2 = l.out.apply(a.o).add_(x);
  a.h2 = rms_norm(a.x2, l.mlp_norm.w, m.arch.rms_eps, k ? &a.rstd2 : nullptr);
  a.gu = l.gate_up.apply(a.h2);
  a.act = swiglu(a.gu);
  at::Tensor y = l.down.apply(a.act).add_(a.x2);
  if (k) *keep = std::move(a);
  return y;
}

// Adds the layer's weight gradients and returns dL/dx from dy = dL/dy.
at::Tensor layer_backward(const cb_model& m, const Layer& l, const cb_tree& t, const Activations& a,
                          const at::Tensor& dy) {
  l.down.accumulate(dy, a.act);
  const at::Tensor dgu = swiglu_backward(l.down.backward_input(dy), a.gu);
  l.gate_up.accumulate(dgu, a.h2);
  const at::Tensor dx2 =
      rms_norm_backward(l.gate_up.backward_input(dgu), a.x2, l.mlp_norm.w, a.rstd2, l.mlp_norm.grad).add_(dy);
  l.out.accumulate(dx2, a.o);
  const at::Tensor dqkv = attend_backward(t, l.out.backward_input(dx2), heads_of(m.arch), a.att);
  rope_(dqkv, m.arch.heads + m.arch.kv_heads, m.arch.head_dim, m.cos, m.sin, t.positions, -1);
  l.qkv.accumulate(dqkv, a.h1);
  return rms_norm_backward(l.qkv.backward_input(dqkv), a.x, l.attn_norm.w, a.rstd1, l.attn_norm.grad).add_(dx2);
}

}  // namespace

at::Tensor run_layers(const cb_model& m, const cb_tree& t, cb_tape* tape, const QkvSink& sink) {
  check(t.last < m.arch.context, "a sequence exceeds the model's context");
  at::Tensor x = m.embed.w.index_select(0, t.ids);
  const int64_t layers = m.arch.layers;
  const bool keep_all = tape != nullptr && tape->segment >= layers;
  if (tape != nullptr) {
    tape->inputs.clear();
    tape->kept.assign(keep_all ? static_cast<size_t>(layers) : 0, {});
  }
  for (int64_t i = 0; i < layers; i++) {
    if (tape != nullptr && i % tape->segment == 0) tape->inputs.push_back(x);
    const auto on_qkv = [&](const at::Tensor& qkv) { sink(i, qkv); };
    x = layer_forward(m, m.layers[static_cast<size_t>(i)], t, x,
                      keep_all ? &tape->kept[static_cast<size_t>(i)] : nullptr,
                      sink ? std::function<void(const at::Tensor&)>(on_qkv) : nullptr);
  }
  return x;
}

namespace {

// Walks the segments from last to first; a segment whose activations were not kept is run again from its input.
at::Tensor run_backward(const cb_model& m, const cb_tree& t, cb_tape* tape, at::Tensor dy) {
  const int64_t layers = m.arch.layers, seg = std::min<int64_t>(tape->segment, layers);
  for (int64_t s = static_cast<int64_t>(tape->inputs.size()) - 1; s >= 0; s--) {
    const int64_t first = s * seg, last = std::min(layers, first + seg);
    std::vector<Activations> again;
    std::vector<Activations>* acts = &tape->kept;
    int64_t base = 0;
    if (tape->kept.empty()) {
      at::Tensor x = tape->inputs[static_cast<size_t>(s)];
      again.resize(static_cast<size_t>(last - first));
      for (int64_t i = first; i < last; i++) {
        x = layer_forward(m, m.layers[static_cast<size_t>(i)], t, x, &again[static_cast<size_t>(i - first)], nullptr);
      }
      acts = &again;
      base = first;
    }
    for (int64_t i = last - 1; i >= first; i--) {
      Activations a = std::move((*acts)[static_cast<size_t>(i - base)]);  // freed as soon as it is used
      dy = layer_backward(m, m.layers[static_cast<size_t>(i)], t, a, dy);
    }
    tape->inputs.pop_back();
  }
  tape->kept.clear();
  return dy;
}

}  // namespace

}  // namespace cb

using cb::guard;

extern "C" {

int32_t cb_tape_new(int32_t segment, cb_tape** out, cb_err* e) {
  return guard(e, [&] {
    cb::check(segment >= 1, "a segment holds at least one layer");
    auto t = std::make_unique<cb_tape>();
    t->segment = segment;
    *out = t.release();
  });
}

void cb_tape_free(cb_tape* t) { delete t; }

int32_t cb_forward(cb_model* m, cb_tree* t, cb_tape* tape, cb_tensor** hidden, cb_err* e) {
  return guard(e, [&] {
    at::NoGradGuard no_grad;
    *hidden = cb::wrap(cb::run_layers(*m, *t, tape, nullptr));
  });
}

int32_t cb_backward(cb_model* m, cb_tree* t, cb_tape* tape, cb_tensor* dhidden, cb_err* e) {
  return guard(e, [&] {
    at::NoGradGuard no_grad;
    cb::check(m->trainable, "a frozen model has no gradients");
    cb::check(!tape->inputs.empty(), "the tape is empty: it holds one forward pass and is used up by its backward");
    const at::Tensor dx = cb::run_backward(*m, *t, tape, cb::unwrap(dhidden));
    at::Tensor g = m->embed.grad;
    g.index_add_(0, t->ids, dx.to(at::kFloat));
  });
}
}
