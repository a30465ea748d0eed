// What stands between the two products of a feed-forward: a gate of any activation, or an
// activation alone.
#pragma once

#include "tensor.h"

namespace cb {

// gu [N,2F], gate and up, -> activation(gate) * up [N,F]; ungated: gu [N,F] -> activation(gu).
at::Tensor activate(const cb_arch& a, const at::Tensor& gu);
// dL/dgu from dL/dy; y receives the forward result again, which need not be kept for this.
at::Tensor activate_backward(const cb_arch& a, const at::Tensor& dy, const at::Tensor& gu,
                             at::Tensor* y);

}  // namespace cb
