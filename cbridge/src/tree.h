// A packed batch of sequences that share prefixes, and attention over it.
#pragma once

#include <vector>

#include "tensor.h"

// Nodes are padded to Q queries and K keys for batched products; index tensors map between packed
// rows and the padded blocks. Row N of a padded gather stands for "nothing".
struct cb_tree : cb::Counted {
  int64_t n = 0, nodes = 0, q = 0, k = 0;
  int64_t last = 0;           // highest position
  at::Tensor ids, positions;  // [N] int64
  at::Tensor query_rows;      // [M*Q] packed row of each padded query; padding repeats row 0
  at::Tensor query_pad;       // [M*Q] packed row, N for padding: target of gradient scatters
  at::Tensor query_slot;      // [N] padded position of each packed row
  at::Tensor key_rows;        // [M*K] packed row of each padded key; padding repeats row 0
  at::Tensor key_pad;         // [M*K] packed row, N for padding
  at::Tensor hidden_key;      // [M,1,1,Q,K] bool: true where a query may not see a key
};

namespace cb {

// What attention keeps for its backward pass.
struct Attended {
  at::Tensor q, k, v;  // padded: [M*kv, G*Q, D], [M*kv, K, D], [M*kv, K, D]
  at::Tensor p;        // probabilities [M*kv, G*Q, K]
};

struct Heads {
  int64_t q, kv, dim;
};

// Attention probabilities of qkv [N,(heads+2*kv)*D] with rotated q and k.
Attended attended(const cb_tree& t, const at::Tensor& qkv, const Heads& h);
// Attention output [N, heads*D].
at::Tensor attend(const cb_tree& t, const at::Tensor& qkv, const Heads& h);
// dL/dqkv (still rotated) from dL/dout.
at::Tensor attend_backward(const cb_tree& t, const at::Tensor& dout, const Heads& h,
                           const Attended& kept);

}  // namespace cb
