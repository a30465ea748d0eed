#include "recording.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <memory>

#include "decode.h"
#include "head.h"
#include "pool.h"

cb_recording::cb_recording(const cb_model& m, int64_t rows)
    : capacity(rows), parts(cb::activation_parts(m.arch)) {
  const cb_arch& a = m.arch;
  const auto size = static_cast<int64_t>(c10::elementSize(m.dtype));
  constexpr int64_t kAlign = 64;
  const auto aligned = [](int64_t n) { return (n + kAlign - 1) / kAlign * kAlign; };
  const int64_t gradients = m.master[0].numel() * static_cast<int64_t>(sizeof(float));
  int64_t width = 0;
  for (const cb::ActivationPart& p : parts) width += p.width;
  layer_bytes = aligned(rows * width * size);
  if (m.device.is_cpu()) layer_bytes = std::max(layer_bytes, aligned(gradients));
  pool = cb::huge_pool(layer_bytes * a.layers + rows * a.hidden * size, at::kByte, m.device);
  int64_t at = 0;
  const auto buffer = [&](int64_t columns) {
    const int64_t bytes = rows * columns * size;
    const at::Tensor t = pool.narrow(0, at, bytes).view(m.dtype).view({rows, columns});
    at += bytes;
    return t;
  };
  for (int64_t i = 0; i < a.layers; i++) {
    at = i * layer_bytes;
    cb::Activations layer;
    for (const cb::ActivationPart& p : parts)
      if (p.width > 0) layer.*p.tensor = buffer(p.width);
    layers.push_back(layer);
  }
  at = layer_bytes * a.layers;
  hidden = buffer(a.hidden);
}

void cb_recording::put(int64_t layer, const cb::Activations& a) {
  const int64_t count = a.x.size(0);
  cb::check(n + count <= capacity, "the recording is full");
  const cb::Activations& to = layers[static_cast<size_t>(layer)];
  for (const cb::ActivationPart& p : parts) {
    if (p.width > 0) (to.*p.tensor).narrow(0, n, count).copy_(a.*p.tensor);
  }
}

void cb_recording::finish(const at::Tensor& last_hidden, const std::vector<int64_t>& slots,
                          const std::vector<int64_t>& at) {
  const int64_t count = last_hidden.size(0);
  cb::check(n + count <= capacity, "the recording is full");
  hidden.narrow(0, n, count).copy_(last_hidden);
  slot.insert(slot.end(), slots.begin(), slots.end());
  position.insert(position.end(), at.begin(), at.end());
  n += count;
  logits_of.resize(static_cast<size_t>(n), nullptr);
}

// The CPU alone keeps them: elsewhere rows would have to be gathered one by one.
void cb_recording::keep_logits(const at::Tensor& l, const std::vector<int64_t>& rows) {
  if (!l.is_cpu() || logits_bytes > cb::kKeptLogits) return;
  logits_bytes += static_cast<int64_t>(l.nbytes());
  if (logits_bytes > cb::kKeptLogits) {
    drop_logits();
    return;
  }
  logits.push_back(l);
  for (size_t i = 0; i < rows.size(); i++) {
    logits_of[static_cast<size_t>(rows[i])] =
        l.const_data_ptr<float>() + static_cast<int64_t>(i) * l.size(1);
  }
}

void cb_recording::drop_logits() {
  logits.clear();
  logits_of.clear();
}

cb::Activations cb_recording::layer(int64_t i, const at::Tensor& rows) const {
  cb::Activations out;
  for (const cb::ActivationPart& p : parts) {
    if (p.width > 0)
      out.*p.tensor = (layers[static_cast<size_t>(i)].*p.tensor).index_select(0, rows);
  }
  return out;
}

void cb_recording::empty() {
  n = 0;
  slot.clear();
  position.clear();
  drop_logits();
  logits_bytes = 0;
}

void cb_recording::drop(int64_t i) {
  cb::release(layer_memory(i));
  present = false;
}

at::Tensor cb_recording::reuse(int64_t i, int64_t count) const {
  const auto bytes = count * static_cast<int64_t>(sizeof(float));
  return layer_memory(i).narrow(0, 0, bytes).view(at::kFloat).zero_();
}

void cb_recording::populate() {
  if (!present) cb::populate(pool);
  present = true;
}

void cb_recording::release() {
  cb::release(pool);
  present = false;
}

using cb::guard;

extern "C" {

int32_t cb_recording_new(cb_model* m, int64_t rows, cb_recording** out, cb_err* e) {
  return guard(e, [&] {
    cb::check(rows > 0, "a recording holds at least one row");
    cb::check(m->trainable, "a frozen model has no use for a recording");
    *out = new cb_recording(*m, rows);
  });
}

void cb_recording_free(cb_recording* r) { delete r; }

int32_t cb_recording_clear(cb_recording* r, cb_err* e) {
  return guard(e, [&] {
    r->empty();
    r->populate();
  });
}

int32_t cb_recording_release(cb_recording* r, cb_err* e) {
  return guard(e, [&] {
    r->empty();
    r->release();
  });
}

int32_t cb_recording_rows(cb_recording* r, int64_t* slot, int64_t* position, int64_t max,
                          int64_t* n, cb_err* e) {
  return guard(e, [&] {
    cb::check(r->n <= max, "the recording has more rows than there is room for");
    std::copy(r->slot.begin(), r->slot.end(), slot);
    std::copy(r->position.begin(), r->position.end(), position);
    *n = r->n;
  });
}

int32_t cb_recording_tape(cb_recording* r, const int64_t* rows, int64_t n, int32_t last,
                          cb_tape** tape, cb_tensor** hidden, cb_err* e) {
  return guard(e, [&] {
    at::NoGradGuard no_grad;
    for (int64_t i = 0; i < n; i++)
      cb::check(rows[i] >= 0 && rows[i] < r->n, "no such recorded row");
    auto t = std::make_unique<cb_tape>();
    t->segment = static_cast<int64_t>(r->layers.size());
    t->recorded = r;
    t->last = last != 0;
    t->rows = cb::ints(rows, n, r->hidden.device());
    if (!r->logits.empty()) {
      for (int64_t i = 0; i < n; i++)
        t->logits_of.push_back(r->logits_of[static_cast<size_t>(rows[i])]);
      t->logits = r->logits;
    }
    if (t->last) r->drop_logits();
    *hidden = cb::wrap(r->hidden.index_select(0, t->rows));
    *tape = t.release();
  });
}

int32_t cb_decoder_record(cb_decoder* d, cb_recording* r, cb_err* e) {
  return guard(e, [&] {
    cb::check(d->active.empty(), "a recording begins before the first sequence is admitted");
    d->recording = r;
  });
}
}
