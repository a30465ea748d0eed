// gotorch's C shim as one translation unit, so that torch/torch.h is parsed once and not nine
// times. The files come unchanged from gotorch's folder in the Go module cache.
#include <torch/torch.h>

// gotorch's Go package calls SetNumThreads(NumCPU/2) when it is initialised: that halves the
// threads of the whole process, and aborts on a machine with one processor. Here the call does
// nothing; the number of threads belongs to cbridge.
namespace torch {
inline void threads_belong_to_cbridge(int) {}
}  // namespace torch
#define set_num_threads threads_belong_to_cbridge
#include "cgotorch/device.cc"
#undef set_num_threads

#include "cgotorch/cuda.cc"
#include "cgotorch/functional.cc"
#include "cgotorch/init.cc"
#include "cgotorch/memory.cc"
#include "cgotorch/optim.cc"
#include "cgotorch/pickle.cc"
#include "cgotorch/tensor.cc"
#include "cgotorch/torch.cc"
