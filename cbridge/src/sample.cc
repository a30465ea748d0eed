#include "sample.h"

#include <ATen/Parallel.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/topk.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "softmax.h"

namespace cb {

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

// The noise counter: two rounds of murmur3's 32-bit finalizer over (token, position, key). Integer
// only, so that the CPU kernel and the portable operators agree bit for bit.
inline uint32_t mix(uint32_t x) {
  x ^= x >> 16;
  x *= 0x85ebca6bU;
  x ^= x >> 13;
  x *= 0xc2b2ae35U;
  x ^= x >> 16;
  return x;
}

inline uint32_t row_base(uint64_t key, int64_t pos) {
  return mix(static_cast<uint32_t>(key) + 0x9e3779b9U * (static_cast<uint32_t>(pos) + 1U));
}

inline uint32_t noise_bits(uint32_t base, uint32_t high, uint32_t token) {
  return mix(mix(token + base) ^ high);
}

// Uniform in (0,1) from 32 bits, then standard Gumbel.
inline double gumbel(uint32_t bits) {
  const double u = (static_cast<double>(bits) + 0.5) * 0x1p-32;
  return -std::log(-std::log(u));
}

// An upper bound of gumbel(bits) that vectorizes: -log(-log u) <= -log(1-u), and the exponent of
// 1-u as a float bounds its logarithm from below. The margin covers rounding here and in the
// caller's arithmetic.
inline float gumbel_bound(uint32_t bits) {
  const float rest = static_cast<float>(static_cast<int32_t>(~bits >> 1)) + 0.5F;  // (1-u) * 2^31
  const int32_t e = (std::bit_cast<int32_t>(rest) >> 23) - 127;
  return 0.6931472F * static_cast<float>(31 - e) + 1e-3F;
}

// Argmax of logit / T + noise over one row. Only tokens whose bound can still win are looked at
// closely.
int64_t draw_row(const float* x, int64_t v, float inv_t, uint64_t key, int64_t pos) {
  const uint32_t base = row_base(key, pos), high = static_cast<uint32_t>(key >> 32);
  const auto score_of = [&](int64_t i) {
    return static_cast<double>(x[i]) * inv_t +
           gumbel(noise_bits(base, high, static_cast<uint32_t>(i)));
  };
  float top = x[0];
#pragma omp simd reduction(max : top)
  for (int64_t i = 1; i < v; i++) top = x[i] > top ? x[i] : top;
  // Logits that are no numbers compare equal to nothing: the first token stands for them.
  int64_t best = std::find(x, x + v, top) - x;
  if (best == v) best = 0;
  double score = score_of(best);
  constexpr int64_t kBlock = 64;
  for (int64_t at = 0; at < v; at += kBlock) {
    const int64_t end = std::min(v, at + kBlock);
    const float least = static_cast<float>(score);
    int32_t may_win = 0;
#pragma omp simd reduction(| : may_win)
    for (int64_t i = at; i < end; i++) {
      const float bound =
          x[i] * inv_t + gumbel_bound(noise_bits(base, high, static_cast<uint32_t>(i)));
      may_win |= bound >= least ? 1 : 0;
    }
    for (int64_t i = at; may_win != 0 && i < end; i++) {
      const double s = score_of(i);
      if (s > score || (s == score && i < best)) {
        score = s;
        best = i;
      }
    }
  }
  return best;
}

at::Tensor draw_native(const at::Tensor& logits, float inv_t, const at::Tensor& key,
                       const at::Tensor& pos) {
  const int64_t b = logits.size(0), v = logits.size(1);
  at::Tensor ids = at::empty({b}, at::kLong);
  const float* x = logits.const_data_ptr<float>();
  const int64_t* k = key.const_data_ptr<int64_t>();
  const int64_t* p = pos.const_data_ptr<int64_t>();
  int64_t* out = ids.mutable_data_ptr<int64_t>();
  at::parallel_for(0, b, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      out[i] = draw_row(x + i * v, v, inv_t, static_cast<uint64_t>(k[i]), p[i]);
    }
  });
  return ids;
}

// mix() on int64 tensors that hold 32-bit values.
at::Tensor mix(at::Tensor x) {
  constexpr int64_t m = 0xffffffff;
  x = x.bitwise_xor(x.bitwise_right_shift(16));
  x = x.mul(0x85ebca6bLL).bitwise_and(m);
  x = x.bitwise_xor(x.bitwise_right_shift(13));
  x = x.mul(0xc2b2ae35LL).bitwise_and(m);
  return x.bitwise_xor(x.bitwise_right_shift(16));
}

at::Tensor draw_portable(const at::Tensor& logits, double inv_t, const at::Tensor& key,
                         const at::Tensor& pos) {
  constexpr int64_t m = 0xffffffff;
  const at::Tensor low = key.bitwise_and(m), high = key.bitwise_right_shift(32).bitwise_and(m);
  const at::Tensor base = mix(pos.add(1).mul(0x9e3779b9LL).add(low).bitwise_and(m)).unsqueeze(1);
  const at::Tensor token =
      at::arange(logits.size(1), at::TensorOptions(at::kLong).device(logits.device()));
  const at::Tensor bits =
      mix(mix(base.add(token.unsqueeze(0)).bitwise_and(m)).bitwise_xor(high.unsqueeze(1)));
  const at::Tensor u = bits.to(at::kDouble).add_(0.5).mul_(0x1p-32);
  const at::Tensor noise = u.log_().neg_().log_().neg_();
  return at::argmax(logits.to(at::kDouble).mul_(inv_t).add_(noise), -1);
}

// The logits of the ids that min_new forbids are -inf in place until the ban is lifted: a copy of
// all logits for a few columns would take longer than the draw.
class Ban {
 public:
  Ban(const at::Tensor& logits, const cb_sampling& s, const at::Tensor& pos, const at::Tensor& eos)
      : logits_(logits), eos_(eos) {
    if (s.min_new == 0 || eos.numel() == 0) return;
    before_ = logits.index_select(1, eos);
    logits_.index_copy_(1, eos, before_.masked_fill(pos.lt(s.min_new).unsqueeze(1), -kInf));
  }
  // Not a destructor, which must not throw: logits of a failed draw are of no use.
  void lift() {
    if (before_.defined()) logits_.index_copy_(1, eos_, before_);
  }
  Ban(const Ban&) = delete;
  Ban& operator=(const Ban&) = delete;

 private:
  at::Tensor logits_, eos_, before_;
};

// -inf for what top-k and top-p cut off (after temperature, as is usual).
at::Tensor filter(const at::Tensor& logits, const cb_sampling& s) {
  at::Tensor x = logits;
  if (s.temperature == 0) return x;
  if (s.top_k > 0 && s.top_k < x.size(1)) {
    const at::Tensor least =
        std::get<0>(at::topk(x, s.top_k, -1)).select(1, s.top_k - 1).unsqueeze(1);
    x = x.masked_fill(x.lt(least), -kInf);
  }
  if (s.top_p < 1) {
    const auto [sorted, order] = at::sort(x, /*stable=*/true, -1, /*descending=*/true);
    const at::Tensor p = at::softmax(sorted.div(s.temperature), -1);
    // A token stays while the mass before it is below top_p: the most probable one always stays.
    const at::Tensor cut = p.cumsum(-1).sub_(p).ge_(s.top_p).to(at::kBool);
    x = at::empty_like(x).scatter_(1, order, sorted.masked_fill(cut, -kInf));
  }
  return x;
}

at::Tensor draw(const at::Tensor& logits, const cb_sampling& s, const at::Tensor& key,
                const at::Tensor& pos, const at::Tensor& eos) {
  Ban ban(logits, s, pos, eos);
  const at::Tensor x = filter(logits, s);
  at::Tensor ids;
  if (s.temperature == 0) {
    ids = at::argmax(x, -1);
  } else if (native_cpu(x)) {
    ids = draw_native(x.contiguous(), 1.0F / s.temperature, key, pos);
  } else {
    ids = draw_portable(x, static_cast<double>(1.0F / s.temperature), key, pos);
  }
  ban.lift();
  return ids;
}

bool draws_alike(const cb_sampling& a, const cb_sampling& b) {
  return a.temperature == b.temperature && a.top_k == b.top_k && a.top_p == b.top_p &&
         a.min_new == b.min_new;
}

// Rows with equal settings are drawn together. What a row draws does not depend on that.
at::Tensor draw_each(const at::Tensor& logits, const std::vector<cb_sampling>& s,
                     const at::Tensor& key, const at::Tensor& pos, const at::Tensor& eos) {
  const at::Tensor ids = at::empty_like(key);
  std::vector<bool> drawn(s.size());
  for (size_t i = 0; i < s.size(); i++) {
    if (drawn[i]) continue;
    std::vector<int64_t> alike;
    for (size_t j = i; j < s.size(); j++) {
      if (!draws_alike(s[i], s[j])) continue;
      drawn[j] = true;
      alike.push_back(static_cast<int64_t>(j));
    }
    if (alike.size() == s.size()) return draw(logits, s[i], key, pos, eos);
    const at::Tensor rows = ints(alike.data(), static_cast<int64_t>(alike.size()), logits.device());
    ids.index_copy_(0, rows,
                    draw(logits.index_select(0, rows), s[i], key.index_select(0, rows),
                         pos.index_select(0, rows), eos));
  }
  return ids;
}

}  // namespace

void check_sampling(const cb_sampling& s) {
  check(s.temperature >= 0 && std::isfinite(s.temperature), "temperature must be 0 or more");
  check(s.top_k >= 0, "top_k must be 0 (off) or more");
  check(s.top_p > 0 && s.top_p <= 1, "top_p must be in (0, 1]");
  check(s.max_new >= 1, "max_new must be at least 1");
  check(s.min_new >= 0 && s.min_new <= s.max_new, "min_new must be between 0 and max_new");
}

Draw sample(const at::Tensor& logits, const std::vector<cb_sampling>& s, const at::Tensor& key,
            const at::Tensor& pos, const at::Tensor& eos) {
  const at::Tensor ids =
      s.size() == 1 ? draw(logits, s[0], key, pos, eos) : draw_each(logits, s, key, pos, eos);
  const at::Tensor hit = logits.gather(1, ids.unsqueeze(1)).squeeze(1);
  RunningSoftmax sm(logits.size(0), logits.device());
  sm.add(logits.contiguous(), {});
  const at::Tensor lse = sm.lse();
  return {ids, hit.to(at::kDouble).sub(lse).to(at::kFloat), lse};
}

}  // namespace cb

extern "C" int32_t cb_sample(cb_tensor* logits, const cb_sampling* s, const uint64_t* key,
                             const int64_t* pos, const int64_t* eos, int64_t n_eos, int64_t* ids,
                             float* logprob, cb_err* e) {
  return cb::guard(e, [&] {
    at::NoGradGuard no_grad;
    const at::Tensor& x = cb::unwrap(logits);
    cb::check(x.dim() == 2 && x.scalar_type() == at::kFloat, "logits must be [B,V] float32");
    cb::check_sampling(*s);
    const int64_t b = x.size(0);
    const auto* k = reinterpret_cast<const int64_t*>(key);
    const cb::Draw d = cb::sample(x, {*s}, cb::ints(k, b, x.device()), cb::ints(pos, b, x.device()),
                                  cb::ints(eos, n_eos, x.device()));
    cb::copy_ids(d.ids, ids);
    cb::copy_floats(d.logprob, logprob);
  });
}
