// Attention of packed trees and of decode slots.
#pragma once

#include "tree.h"

namespace cb {

struct Heads {
  int64_t q, kv, dim;
  double scale;    // of scores
  double cap;      // scores become cap * tanh(score / cap); 0: none
  int64_t window;  // tokens that a token sees, itself included; 0: all before it

  // Of `seen` tokens in sequence order, the last of which looks: the first that it does see.
  int64_t first(int64_t seen) const { return window > 0 && seen > window ? seen - window : 0; }
};

// Output [N, heads*D] for qkv [N,(heads+2*kv)*D] with rotated q and k.
at::Tensor attend(const cb_tree& t, const at::Tensor& qkv, const Heads& h);
// dL/dqkv (still rotated) from dL/dout. Probabilities are computed again.
at::Tensor attend_backward(const cb_tree& t, const at::Tensor& dout, const at::Tensor& qkv,
                           const Heads& h);

// One query a slot: q [B, heads*D] against the first len[b] tokens that slot rows[b] has cached in
// k and v [S, kv, max_len, D]: what a head reads lies behind one another.
at::Tensor attend_cache(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                        const at::Tensor& rows, const at::Tensor& len, const Heads& h);

// Puts tokens into the cache: the keys and values of qkv [B,(heads+2*kv)*D] go to position at[b] of
// slot rows[b].
void cache_put(const at::Tensor& qkv, const at::Tensor& k, const at::Tensor& v,
               const at::Tensor& rows, const at::Tensor& at, const Heads& h);

// The same as loops over rows, for the CPU. Sequences of up to kShortKeys tokens: padding them for
// batched products would move more data than there is arithmetic (measured up to 150 tokens).
constexpr int64_t kShortKeys = 512;
at::Tensor attend_short(const cb_tree& t, const at::Tensor& qkv, const Heads& h);
at::Tensor attend_short_backward(const cb_tree& t, const at::Tensor& dout, const at::Tensor& qkv,
                                 const Heads& h);
at::Tensor attend_cache_native(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                               const at::Tensor& rows, const at::Tensor& len, const Heads& h);

}  // namespace cb
