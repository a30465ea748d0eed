#include "decode.h"

#include <ATen/ops/isin.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <memory>
#include <numeric>

#include "head.h"
#include "top.h"

void cb_decoder::set_active(std::vector<int64_t> a) {
  active = std::move(a);
  rows = cb::ints(active.data(), static_cast<int64_t>(active.size()), model->device);
}

std::vector<cb_sampling> cb_decoder::settings(const std::vector<int64_t>& of) const {
  if (!watched) return {how};
  std::vector<cb_sampling> out;
  for (const int64_t s : of) out.push_back(own[static_cast<size_t>(s)]);
  return out;
}

void cb_decoder::draw(const at::Tensor& logits, const std::vector<int64_t>& of,
                      const at::Tensor& slot_rows) {
  const cb::Draw d = cb::sample(logits, settings(of), key.index_select(0, slot_rows),
                                made.index_select(0, slot_rows), eos);
  record(slot_rows, d);
  if (!watched) return;
  drawn = of;
  drawn_logits = logits;
  drawn_lse = d.lse;
}

void cb_decoder::record(const at::Tensor& slot_rows, const cb::Draw& d) {
  // A sequence that has ended keeps its state: its row is decoded on until the next compaction, to
  // no effect.
  const at::Tensor was_done = done.index_select(0, slot_rows);
  const at::Tensor n = made.index_select(0, slot_rows);
  const at::Tensor at = n.clamp_max(how.max_new - 1);
  const at::Tensor old_id = ids.index({slot_rows, at}), old_lp = logprob.index({slot_rows, at});
  ids.index_put_({slot_rows, at}, at::where(was_done, old_id, d.ids));
  logprob.index_put_({slot_rows, at}, at::where(was_done, old_lp, d.logprob));
  const at::Tensor now = n.add(was_done.logical_not().to(at::kLong));
  made.index_copy_(0, slot_rows, now);
  last.index_copy_(0, slot_rows, d.ids);
  const at::Tensor ended = at::isin(d.ids, eos)
                               .logical_or_(now.ge(limit.index_select(0, slot_rows)))
                               .logical_or_(was_done);
  done.index_copy_(0, slot_rows, ended);
}

void cb_decoder::note(const at::Tensor& hidden) {
  std::vector<int64_t> at;
  for (const int64_t s : active) at.push_back(fed[static_cast<size_t>(s)]++);
  if (recording != nullptr) recording->finish(hidden, active, at);
}

void cb_decoder::step() {
  const cb_model& m = *model;
  const at::Tensor was_done = done.index_select(0, rows);
  const at::Tensor at = len.index_select(0, rows).clamp_max(max_len - 1);
  const at::Tensor seen = at.add(1);
  const cb::Context context{at, [&](int64_t i, const at::Tensor& qkv) {
                              const cb::Heads h = cb::heads_of(m, i);
                              const at::Tensor &key = k[static_cast<size_t>(i)],
                                               &value = v[static_cast<size_t>(i)];
                              cb::cache_put(qkv, key, value, rows, at, h);
                              return cb::attend_cache(qkv.narrow(1, 0, cb::query_width(m.arch)),
                                                      key, value, rows, seen, h);
                            }};
  at::Tensor x = cb::embed(m, last.index_select(0, rows));
  for (int64_t i = 0; i < m.arch.layers; i++) {
    cb::Activations a;
    x = cb::layer_forward(m, i, x, context, recording != nullptr ? &a : nullptr);
    if (recording != nullptr) recording->put(i, a);
  }
  note(x);
  len.index_copy_(0, rows, at::where(was_done, len.index_select(0, rows), seen));
  const at::Tensor logits = cb::head_logits(m, m.norm.apply(x, nullptr));
  if (recording != nullptr) {
    std::vector<int64_t> fresh(active.size());
    std::iota(fresh.begin(), fresh.end(), recording->n - static_cast<int64_t>(active.size()));
    recording->keep_logits(logits, fresh);
  }
  draw(logits, active, rows);
}

using cb::guard;

extern "C" {

int32_t cb_decoder_new(cb_model* m, int64_t slots, int64_t max_len, const cb_sampling* s,
                       const int64_t* eos, int64_t n_eos, cb_decoder** out, cb_err* e) {
  return guard(e, [&] {
    cb::check(slots > 0, "a decoder needs at least one slot");
    cb::check(max_len > 0 && max_len <= m->arch.context,
              "prompt and completion exceed the model's context");
    cb::check_sampling(*s);
    auto d = std::make_unique<cb_decoder>();
    d->model = m;
    d->how = *s;
    d->slots = slots;
    d->max_len = max_len;
    d->eos = cb::ints(eos, n_eos, m->device);
    const auto i64 = at::TensorOptions(at::kLong).device(m->device);
    for (int64_t i = 0; i < m->arch.layers; i++) {
      for (auto* cache : {&d->k, &d->v})
        cache->push_back(
            at::zeros({slots, m->arch.kv_heads, max_len, m->arch.head_dim}, i64.dtype(m->dtype)));
    }
    for (at::Tensor* t : {&d->last, &d->len, &d->made, &d->limit, &d->key})
      *t = at::zeros({slots}, i64);
    d->own.assign(static_cast<size_t>(slots), *s);
    d->done = at::zeros({slots}, i64.dtype(at::kBool));
    d->ids = at::zeros({slots, s->max_new}, i64);
    d->logprob = at::zeros({slots, s->max_new}, i64.dtype(at::kFloat));
    d->fed.assign(static_cast<size_t>(slots), 0);
    for (int64_t i = slots - 1; i >= 0; i--) d->free_slots.push_back(i);
    *out = d.release();
  });
}

void cb_decoder_free(cb_decoder* d) { delete d; }

int32_t cb_decoder_admit(cb_decoder* d, cb_tree* t, const int64_t* chain, const int64_t* chain_len,
                         int64_t b, const uint64_t* key, const cb_sampling* own, int64_t* slot,
                         cb_err* e) {
  return guard(e, [&] {
    at::NoGradGuard no_grad;
    cb::check(b > 0 && b <= static_cast<int64_t>(d->free_slots.size()),
              "not enough free decode slots");
    std::vector<int64_t> ends, slot_of, place;  // where each chain row goes
    std::vector<int64_t> limits;
    int64_t total = 0;
    std::vector<int64_t> taken(d->free_slots.end() - b, d->free_slots.end());
    std::reverse(taken.begin(), taken.end());
    for (int64_t i = 0; i < b; i++) {
      const cb_sampling& how = own == nullptr ? d->how : own[i];
      cb::check_sampling(how);
      cb::check(how.max_new <= d->how.max_new, "max_new exceeds the decoder's");
      cb::check(chain_len[i] > 0 && chain_len[i] + how.max_new <= d->max_len,
                "a prompt and its completion exceed the decoder's length");
      limits.push_back(how.max_new);
      for (int64_t r = 0; r < chain_len[i]; r++) {
        slot_of.push_back(taken[static_cast<size_t>(i)]);
        place.push_back(r);
      }
      total += chain_len[i];
      ends.push_back(chain[total - 1]);
    }
    const at::Device dev = d->model->device;
    const at::Tensor from = cb::ints(chain, total, dev),
                     to_slot = cb::ints(slot_of.data(), total, dev),
                     to_place = cb::ints(place.data(), total, dev);
    cb::check(d->recording == nullptr || d->recording->n == 0,
              "a recording holds one admitted tree");
    const at::Tensor hidden =
        cb::run_layers(*d->model, *t, nullptr, [&](int64_t i, const cb::Activations& a) {
          if (d->recording != nullptr) d->recording->put(i, a);
          cb::cache_put(a.qkv.index_select(0, from), d->k[static_cast<size_t>(i)],
                        d->v[static_cast<size_t>(i)], to_slot, to_place,
                        cb::heads_of(*d->model, i));
        });
    if (d->recording != nullptr) {
      std::vector<int64_t> tree_rows(static_cast<size_t>(t->n));
      std::iota(tree_rows.begin(), tree_rows.end(), 0);
      d->recording->finish(hidden, std::vector<int64_t>(tree_rows.size(), -1), tree_rows);
    }
    for (int64_t i = 0; i < b; i++) {
      const auto to = static_cast<size_t>(taken[static_cast<size_t>(i)]);
      d->fed[to] = chain_len[i];
      d->own[to] = own == nullptr ? d->how : own[i];
    }
    d->watched = d->watched || own != nullptr;
    const at::Tensor s = cb::ints(taken.data(), b, dev);
    d->len.index_copy_(0, s, cb::ints(chain_len, b, dev));
    d->limit.index_copy_(0, s, cb::ints(limits.data(), b, dev));
    d->made.index_fill_(0, s, 0);
    d->done.index_fill_(0, s, 0);
    d->key.index_copy_(0, s, cb::ints(reinterpret_cast<const int64_t*>(key), b, dev));
    const at::Tensor rows = cb::head_rows(*d->model, hidden, cb::ints(ends.data(), b, dev));
    const at::Tensor logits = cb::head_logits(*d->model, rows);
    if (d->recording != nullptr) d->recording->keep_logits(logits, ends);
    d->draw(logits, taken, s);
    d->free_slots.resize(d->free_slots.size() - static_cast<size_t>(b));
    std::vector<int64_t> now = d->active;
    now.insert(now.end(), taken.begin(), taken.end());
    d->set_active(std::move(now));
    std::copy(taken.begin(), taken.end(), slot);
  });
}

int32_t cb_decoder_step(cb_decoder* d, int64_t n, cb_err* e) {
  return guard(e, [&] {
    at::NoGradGuard no_grad;
    for (int64_t i = 0; i < n && !d->active.empty(); i++) d->step();
  });
}

int32_t cb_decoder_compact(cb_decoder* d, int64_t* ended, int64_t* n_ended, cb_err* e) {
  return guard(e, [&] {
    at::NoGradGuard no_grad;
    const at::Tensor done = d->done.to(at::kCPU);
    const bool* flag = done.const_data_ptr<bool>();
    std::vector<int64_t> stay;
    *n_ended = 0;
    for (const int64_t s : d->active) {
      if (flag[s]) {
        ended[(*n_ended)++] = s;
      } else {
        stay.push_back(s);
      }
    }
    if (*n_ended > 0) d->set_active(std::move(stay));
  });
}

int32_t cb_decoder_last(cb_decoder* d, const int64_t* slot, int64_t n, int64_t k, int64_t* id,
                        float* logprob, int64_t* top_id, float* top_logprob, cb_err* e) {
  return guard(e, [&] {
    at::NoGradGuard no_grad;
    std::vector<int64_t> row;
    for (int64_t i = 0; i < n; i++) {
      cb::check(slot[i] >= 0 && slot[i] < d->slots, "no such decode slot");
      const auto at = std::find(d->drawn.begin(), d->drawn.end(), slot[i]);
      cb::check(k == 0 || at != d->drawn.end(), "the decode slot has no part in the last draw");
      row.push_back(at - d->drawn.begin());
    }
    const at::Tensor s = cb::ints(slot, n, d->model->device);
    const at::Tensor at = d->made.index_select(0, s).sub(1).clamp_min(0);
    cb::copy_ids(d->ids.index({s, at}), id);
    cb::copy_floats(d->logprob.index({s, at}), logprob);
    if (k == 0) return;
    const at::Tensor rows = cb::ints(row.data(), n, d->model->device);
    const cb::Top t = cb::top(d->drawn_logits.index_select(0, rows), k);
    const at::Tensor lse = d->drawn_lse.index_select(0, rows).unsqueeze(1);
    cb::copy_ids(t.ids, top_id);
    cb::copy_floats(t.logits.to(at::kDouble).sub(lse), top_logprob);
  });
}

int32_t cb_decoder_release(cb_decoder* d, int64_t slot, int64_t* ids, float* logprob,
                           int64_t* count, cb_err* e) {
  return guard(e, [&] {
    at::NoGradGuard no_grad;
    cb::check(slot >= 0 && slot < d->slots, "no such decode slot");
    cb::check(std::find(d->free_slots.begin(), d->free_slots.end(), slot) == d->free_slots.end(),
              "the decode slot is free already");
    cb::copy_ids(d->ids.select(0, slot), ids);
    cb::copy_floats(d->logprob.select(0, slot), logprob);
    *count = d->made.select(0, slot).to(at::kCPU).item<int64_t>();
    std::vector<int64_t> stay;
    for (const int64_t s : d->active) {
      if (s != slot) stay.push_back(s);
    }
    d->set_active(std::move(stay));
    d->free_slots.push_back(slot);
  });
}
}
