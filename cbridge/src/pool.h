// Large short-lived buffers.
#pragma once

#include "tensor.h"

namespace cb {

// A zero tensor of n elements whose memory goes back to the system as soon as it is freed: on a Linux CPU it is mapped
// directly. Its pages are touched here, in order; left to the first product that writes into it, they took longer.
at::Tensor zero_pool(int64_t n, at::ScalarType dtype, at::Device device);

// While it lives, blocks of a megabyte and more are mapped and unmapped one by one, so that freeing them gives their
// memory back at once. Otherwise blocks up to 32 MB are kept for reuse.
struct ReturnBlocks {
  ReturnBlocks();
  ~ReturnBlocks();
  ReturnBlocks(const ReturnBlocks&) = delete;
  ReturnBlocks& operator=(const ReturnBlocks&) = delete;
};

// Gives the memory of free blocks back to the system: before the moment of a step that needs most.
void return_kept_blocks();

}  // namespace cb
