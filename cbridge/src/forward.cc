#include "forward.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "pool.h"

namespace cb {

Heads heads_of(const cb_arch& a) { return {a.heads, a.kv_heads, a.head_dim}; }

at::Tensor layer_forward(const cb_model& m, const Layer& l, const cb_tree& t, const at::Tensor& x,
                         Activations* keep) {
  Activations a;
  a.x = x;
  a.qkv = l.qkv.apply(rms_norm(x, l.attn_norm.w, m.arch.rms_eps, nullptr));
  rope_(a.qkv, m.arch.heads + m.arch.kv_heads, m.arch.head_dim, m.cos, m.sin, t.positions, 1);
  a.o = attend(t, a.qkv, heads_of(m.arch));
  a.x2 = l.out.apply(a.o).add_(x);
  a.gu = l.gate_up.apply(rms_norm(a.x2, l.mlp_norm.w, m.arch.rms_eps, nullptr));
  at::Tensor y = l.down.apply(swiglu(a.gu)).add_(a.x2);
  if (keep != nullptr) *keep = std::move(a);
  return y;
}

at::Tensor run_layers(const cb_model& m, const cb_tree& t, cb_tape* tape, const Sink& sink) {
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
    Activations a;
    x = layer_forward(m, m.layers[static_cast<size_t>(i)], t, x, keep_all || sink ? &a : nullptr);
    if (sink) sink(i, a);
    if (keep_all) tape->kept[static_cast<size_t>(i)] = std::move(a);
  }
  return x;
}

namespace {

// Adds the layer's weight gradients and returns dL/dx from dy = dL/dy.
at::Tensor layer_backward(const cb_model& m, const Layer& l, const cb_tree& t, const Activations& a,
                          const at::Tensor& dy) {
  const Heads heads = heads_of(m.arch);
  at::Tensor act, rstd;
  const at::Tensor dgu = swiglu_backward(l.down.backward_input(dy), a.gu, &act);
  l.down.accumulate(dy, act);
  l.gate_up.accumulate(dgu, rms_norm(a.x2, l.mlp_norm.w, m.arch.rms_eps, &rstd));
  const at::Tensor dx2 =
      rms_norm_backward(l.gate_up.backward_input(dgu), a.x2, l.mlp_norm.w, rstd, l.mlp_norm.grad)
          .add_(dy);
  l.out.accumulate(dx2, a.o);
  const at::Tensor dqkv = attend_backward(t, l.out.backward_input(dx2), a.qkv, heads);
  rope_(dqkv, m.arch.heads + m.arch.kv_heads, m.arch.head_dim, m.cos, m.sin, t.positions, -1);
  l.qkv.accumulate(dqkv, rms_norm(a.x, l.attn_norm.w, m.arch.rms_eps, &rstd));
  return rms_norm_backward(l.qkv.backward_input(dqkv), a.x, l.attn_norm.w, rstd, l.attn_norm.grad)
      .add_(dx2);
}

// Walks the segments from last to first; a segment whose activations were not kept is run again
// from its input.
at::Tensor walk_segments(const cb_model& m, const cb_tree& t, cb_tape* tape, at::Tensor dy) {
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
        x = layer_forward(m, m.layers[static_cast<size_t>(i)], t, x,
                          &again[static_cast<size_t>(i - first)]);
      }
      acts = &again;
      base = first;
    }
    for (int64_t i = last - 1; i >= first; i--) {
      populate(m.grad[static_cast<size_t>(i)]);
      const Activations a =
          std::move((*acts)[static_cast<size_t>(i - base)]);  // freed as soon as it is used
      dy = layer_backward(m, m.layers[static_cast<size_t>(i)], t, a, dy);
    }
    tape->inputs.pop_back();
  }
  tape->kept.clear();
  return dy;
}

// The activations were recorded while the tokens were sampled: nothing is run again. Where this is
// the step's only pass, a layer's gradients take the place of its activations, whose memory is at
// hand: new pages would cost as much as a tenth of the products.
at::Tensor walk_recording(cb_model* m, const cb_tree& t, cb_tape* tape, at::Tensor dy) {
  cb_recording* recorded = std::exchange(tape->recorded, nullptr);  // used up, even by a failure
  const bool in_place = tape->last && !m->layer_grads && recorded->holds_gradients();
  for (int64_t i = m->arch.layers - 1; i >= 0; i--) {
    const at::Tensor grad = m->grad[static_cast<size_t>(i)];
    const Activations a = recorded->layer(i, tape->rows);  // a copy
    if (in_place) {
      m->place_grad(i, recorded->reuse(i, grad.numel()));
    } else {
      if (tape->last) recorded->drop(i);
      populate(grad);
    }
    dy = layer_backward(*m, m->layers[static_cast<size_t>(i)], t, a, dy);
  }
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
    m->need_grad();
    cb::check(!tape->inputs.empty() || tape->recorded != nullptr,
              "the tape is empty: it holds one forward pass and is used up by its backward");
    const at::Tensor dy = cb::unwrap(dhidden);
    const at::Tensor dx = tape->recorded != nullptr ? cb::walk_recording(m, *t, tape, dy)
                                                    : cb::walk_segments(*m, *t, tape, dy);
    m->layer_grads = true;
    at::Tensor g = m->embed.grad;
    g.index_add_(0, t->ids, dx.to(at::kFloat));
  });
}
}
