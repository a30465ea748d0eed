// The likeliest ids of rows of logits.
#pragma once

#include "tensor.h"

namespace cb {

struct Top {
  at::Tensor ids;     // [R,k] int64
  at::Tensor logits;  // [R,k] fp32, descending
};

// The k largest of each row of logits [R,n] fp32, k <= n. Of equal ones the first comes first, as
// in argmax; what is not a number counts as the smallest.
Top top(const at::Tensor& logits, int64_t k);

}  // namespace cb
