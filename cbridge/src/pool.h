// Large short-lived buffers.
#pragma once

#include "tensor.h"

namespace cb {

// A zero tensor of n elements whose memory goes back to the system as soon as it is freed. On a
// Linux CPU it is mapped directly and takes no memory until it is written to.
at::Tensor zero_pool(int64_t n, at::ScalarType dtype, at::Device device);

// The same in huge pages where the system has them, for what lives long: a product that streams
// through weights in small pages spends a tenth of its time on looking their addresses up.
at::Tensor huge_pool(int64_t n, at::ScalarType dtype, at::Device device);

// Makes the memory of a part of a pool present before it is written to: a matrix product that meets
// every page for the first time is much slower. Contents stay.
void populate(const at::Tensor& part);

// Gives the memory of a part of a pool back: it is lost and reads as zero, on a CPU under Linux. On
// other devices nothing happens.
void release(const at::Tensor& part);

// While it lives, blocks of a megabyte and more are mapped and unmapped one by one, so that freeing
// them gives their memory back at once. Otherwise blocks up to 32 MB are kept for reuse.
struct ReturnBlocks {
  ReturnBlocks();
  ~ReturnBlocks();
  ReturnBlocks(const ReturnBlocks&) = delete;
  ReturnBlocks& operator=(const ReturnBlocks&) = delete;
};

// Gives the memory of free blocks back to the system: before the moment of a step that needs most.
void return_kept_blocks();

}  // namespace cb
