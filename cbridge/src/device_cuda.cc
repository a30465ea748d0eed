// The only unit that includes CUDA headers. Without CB_WITH_CUDA it says that there is none.
#include "cuda.h"
#include "guard.h"

#ifdef CB_WITH_CUDA

#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <cuda_runtime_api.h>

namespace cb {

namespace {

cudaDeviceProp properties(int32_t device) {
  cudaDeviceProp p;
  if (const cudaError_t err = cudaGetDeviceProperties(&p, device); err != cudaSuccess) {
    throw Error(CB_ERR_DEVICE, cudaGetErrorString(err));
  }
  return p;
}

}  // namespace

bool cuda_built() { return true; }

int32_t cuda_count() { return c10::cuda::device_count(); }

bool cuda_has_bf16(int32_t device) { return properties(device).major >= 8; }

std::string cuda_name(int32_t device) { return properties(device).name; }

void cuda_synchronize(int32_t device) {
  c10::cuda::set_device(static_cast<c10::DeviceIndex>(device));
  c10::cuda::device_synchronize();
}

void cuda_memory(int32_t device, int64_t* now, int64_t* peak) {
  const auto s =
      c10::cuda::CUDACachingAllocator::getDeviceStats(static_cast<c10::DeviceIndex>(device));
  const auto& bytes = s.allocated_bytes[0];  // the aggregate over pools
  *now = bytes.current;
  *peak = bytes.peak;
}

}  // namespace cb

#else

namespace cb {

namespace {
[[noreturn]] void none() { throw Error(CB_ERR_DEVICE, "this build has no CUDA support"); }
}  // namespace

bool cuda_built() { return false; }
int32_t cuda_count() { return 0; }
bool cuda_has_bf16(int32_t) { none(); }
std::string cuda_name(int32_t) { none(); }
void cuda_synchronize(int32_t) { none(); }
void cuda_memory(int32_t, int64_t*, int64_t*) { none(); }

}  // namespace cb

#endif
