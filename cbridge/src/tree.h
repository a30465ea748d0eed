// A packed batch of sequences that share prefixes.
#pragma once

#include <map>
#include <vector>

#include "tensor.h"

namespace cb {

struct Span {
  int64_t start, len, parent, depth;  // rows of a node; depth: tokens of all ancestors
};

}  // namespace cb

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

  // The same without padding, on the host, for loops over rows.
  std::vector<cb::Span> spans;              // [M]
  std::vector<int64_t> node_of;             // [N]
  std::vector<int64_t> chains, chain_at;    // rows from the root down to each node's end, and where
                                            // a node's begin
  std::vector<std::vector<int64_t>> below;  // [M] a node and all of its descendants
  std::vector<int64_t> seen_before;         // [N+1] keys seen by all rows before

  void lay_out(const std::vector<cb::Span>& nodes);
  // [M,1,1,Q,K] bool: true where a query may not see a key, of those in its window (0: all).
  const at::Tensor& hidden_key(int64_t window) const;
  // Rows in sequence order of which a row sees the first seen(row), itself last.
  const int64_t* chain_of(int64_t row) const {
    const int64_t node = node_of[static_cast<size_t>(row)];
    return chains.data() + chain_at[static_cast<size_t>(node)];
  }
  int64_t seen(int64_t row) const {
    const auto i = static_cast<size_t>(row);
    return seen_before[i + 1] - seen_before[i];
  }

 private:
  mutable std::map<int64_t, at::Tensor> hidden_keys;  // by window, made when asked for
};
