#include "forward.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <utility>

#include "pool.h"

namespace cb {

Heads heads_of(const cb_model& m, int64_t layer) {
  const cb_arch& a = m.arch;
  const double scale =
      a.query_scale != 0 ? a.query_scale : 1.0 / std::sqrt(static_cast<double>(a.head_dim));
  return {a.heads, a.kv_heads, a.head_dim,
          scale,   a.attn_cap, m.layers[static_cast<size_t>(layer)].window};
}

std::vector<ActivationPart> activation_parts(const cb_arch& a) {
  const int64_t q = query_width(a), kv = key_width(a), h = a.hidden, f = a.ffn;
  const int64_t post = a.post_norms != 0 ? h : 0;
  return {{&Activations::x, h},
          {&Activations::raw, a.qk_norm != 0 ? q + kv : 0},
          {&Activations::qkv, q + 2 * kv},
          {&Activations::o, q},
          {&Activations::ao, post},
          {&Activations::x2, h},
          {&Activations::gu, a.ungated != 0 ? f : 2 * f},
          {&Activations::mo, post}};
}

at::Tensor embed(const cb_model& m, const at::Tensor& ids) {
  const at::Tensor x = m.embed.w.index_select(0, ids);
  return m.embed_scale == 1 ? x : at::Tensor(x).mul_(m.embed_scale);
}

namespace {

// The parts of qkv that have a norm of their own, one row per head.
struct HeadNorm {
  const Norm& norm;
  int64_t first, heads;
};

std::array<HeadNorm, 2> head_norms(const cb_arch& a, const Layer& l) {
  return {{{l.query_norm, 0, a.heads}, {l.key_norm, a.heads, a.kv_heads}}};
}

at::Tensor heads_part(const at::Tensor& qkv, const HeadNorm& n, int64_t dim) {
  return qkv.narrow(1, n.first * dim, n.heads * dim);
}

// The same as a matrix with a row for each head of each row; a copy, or a view of a single row.
at::Tensor head_rows_of(const at::Tensor& qkv, const HeadNorm& n, int64_t dim) {
  return heads_part(qkv, n, dim).contiguous().view({-1, dim});
}

// Norms queries and keys in place; returns what they were.
at::Tensor norm_heads_(const cb_model& m, const Layer& l, const at::Tensor& qkv) {
  if (m.arch.qk_norm == 0) return {};
  const int64_t d = m.arch.head_dim;
  const at::Tensor raw =
      qkv.narrow(1, 0, query_width(m.arch) + key_width(m.arch)).clone(at::MemoryFormat::Contiguous);
  for (const HeadNorm& n : head_norms(m.arch, l)) {
    const at::Tensor y = n.norm.apply(head_rows_of(raw, n, d), nullptr);
    heads_part(qkv, n, d).copy_(y.view({qkv.size(0), n.heads * d}));
  }
  return raw;
}

// Turns dL/d(normed) into dL/d(raw) in place.
void norm_heads_backward_(const cb_model& m, const Layer& l, const at::Tensor& dqkv,
                          const at::Tensor& raw) {
  if (m.arch.qk_norm == 0) return;
  const int64_t d = m.arch.head_dim;
  for (const HeadNorm& n : head_norms(m.arch, l)) {
    const at::Tensor x = head_rows_of(raw, n, d);
    NormStats stats;
    (void)n.norm.apply(x, &stats);
    const at::Tensor dx = n.norm.backward(head_rows_of(dqkv, n, d), x, stats);
    heads_part(dqkv, n, d).copy_(dx.view({dqkv.size(0), n.heads * d}));
  }
}

void rotate_(const cb_model& m, const Layer& l, const at::Tensor& qkv, const at::Tensor& positions,
             int sign) {
  const Rope& r = m.ropes[l.rope];
  rope_(qkv, m.arch.heads + m.arch.kv_heads, m.arch.head_dim, r.cos, r.sin, positions, sign);
}

}  // namespace

at::Tensor layer_forward(const cb_model& m, int64_t i, const at::Tensor& x, const Context& c,
                         Activations* keep) {
  const Layer& l = m.layers[static_cast<size_t>(i)];
  Activations a;
  a.x = x;
  a.qkv = l.qkv.apply(l.attn_norm.apply(x, nullptr));
  a.raw = norm_heads_(m, l, a.qkv);
  rotate_(m, l, a.qkv, c.positions, 1);
  a.o = c.attend(i, a.qkv);
  at::Tensor added = l.out.apply(a.o);
  if (l.post_attn.there()) added = l.post_attn.apply(a.ao = added, nullptr);
  a.x2 = added.add_(x);
  const at::Tensor& mlp_in = m.arch.parallel != 0 ? a.x : a.x2;
  a.gu = l.gate_up.apply(l.mlp_norm.apply(mlp_in, nullptr));
  at::Tensor y = l.down.apply(activate(m.arch, a.gu));
  if (l.post_mlp.there()) y = l.post_mlp.apply(a.mo = y, nullptr);
  y.add_(a.x2);
  if (keep != nullptr) *keep = std::move(a);
  return y;
}

namespace {

Context context_of(const cb_model& m, const cb_tree& t) {
  return {t.positions,
          [&](int64_t i, const at::Tensor& qkv) { return attend(t, qkv, heads_of(m, i)); }};
}

}  // namespace

at::Tensor run_layers(const cb_model& m, const cb_tree& t, cb_tape* tape, const Sink& sink) {
  check(t.last < m.arch.context, "a sequence exceeds the model's context");
  at::Tensor x = embed(m, t.ids);
  const Context context = context_of(m, t);
  const int64_t layers = m.arch.layers;
  const bool keep_all = tape != nullptr && tape->segment >= layers;
  if (tape != nullptr) {
    tape->inputs.clear();
    tape->kept.assign(keep_all ? static_cast<size_t>(layers) : 0, {});
  }
  for (int64_t i = 0; i < layers; i++) {
    if (tape != nullptr && i % tape->segment == 0) tape->inputs.push_back(x);
    Activations a;
    x = layer_forward(m, i, x, context, keep_all || sink ? &a : nullptr);
    if (sink) sink(i, a);
    if (keep_all) tape->kept[static_cast<size_t>(i)] = std::move(a);
  }
  return x;
}

namespace {

// Adds the layer's weight gradients and returns dL/dx from dy = dL/dy.
at::Tensor layer_backward(const cb_model& m, int64_t i, const cb_tree& t, const Activations& a,
                          const at::Tensor& dy) {
  const Layer& l = m.layers[static_cast<size_t>(i)];
  const bool parallel = m.arch.parallel != 0;
  NormStats stats;
  at::Tensor act, dmlp = dy;
  if (l.post_mlp.there()) {
    (void)l.post_mlp.apply(a.mo, &stats);
    dmlp = l.post_mlp.backward(dy, a.mo, stats);
  }
  const at::Tensor dgu = activate_backward(m.arch, l.down.backward_input(dmlp), a.gu, &act);
  l.down.accumulate(dmlp, act);
  const at::Tensor& mlp_in = parallel ? a.x : a.x2;
  l.gate_up.accumulate(dgu, l.mlp_norm.apply(mlp_in, &stats));
  const at::Tensor dmlp_in = l.mlp_norm.backward(l.gate_up.backward_input(dgu), mlp_in, stats);
  const at::Tensor dx2 = parallel ? dy : at::Tensor(dmlp_in).add_(dy);
  at::Tensor dattn = dx2;
  if (l.post_attn.there()) {
    (void)l.post_attn.apply(a.ao, &stats);
    dattn = l.post_attn.backward(dx2, a.ao, stats);
  }
  l.out.accumulate(dattn, a.o);
  const at::Tensor dqkv = attend_backward(t, l.out.backward_input(dattn), a.qkv, heads_of(m, i));
  rotate_(m, l, dqkv, t.positions, -1);
  norm_heads_backward_(m, l, dqkv, a.raw);
  l.qkv.accumulate(dqkv, l.attn_norm.apply(a.x, &stats));
  at::Tensor dx = l.attn_norm.backward(l.qkv.backward_input(dqkv), a.x, stats).add_(dx2);
  return parallel ? dx.add_(dmlp_in) : dx;
}

// Walks the segments from last to first; a segment whose activations were not kept is run again
// from its input.
at::Tensor walk_segments(const cb_model& m, const cb_tree& t, cb_tape* tape, at::Tensor dy) {
  const Context context = context_of(m, t);
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
        x = layer_forward(m, i, x, context, &again[static_cast<size_t>(i - first)]);
      }
      acts = &again;
      base = first;
    }
    for (int64_t i = last - 1; i >= first; i--) {
      populate(m.grad[static_cast<size_t>(i)]);
      const Activations a =
          std::move((*acts)[static_cast<size_t>(i - base)]);  // freed as soon as it is used
      dy = layer_backward(m, i, t, a, dy);
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
    dy = layer_backward(*m, i, t, a, dy);
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
    g.index_add_(0, t->ids, dx.to(at::kFloat), m->embed_scale);
  });
}
}
