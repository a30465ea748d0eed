// libcbridge_cuda: the only unit that includes CUDA headers. Being loaded, it brings libtorch's
// CUDA kernels with it.
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAFunctions.h>
#include <cuda_runtime_api.h>

#include "cuda.h"

namespace {

cudaDeviceProp properties(int32_t device) {
  cudaDeviceProp p;
  C10_CUDA_CHECK(cudaGetDeviceProperties(&p, device));
  return p;
}

int32_t count() { return c10::cuda::device_count(); }

bool has_bf16(int32_t device) { return properties(device).major >= 8; }

std::string name(int32_t device) { return properties(device).name; }

void synchronize(int32_t device) {
  c10::cuda::set_device(static_cast<c10::DeviceIndex>(device));
  c10::cuda::device_synchronize();
}

void memory(int32_t device, int64_t* now, int64_t* peak) {
  const auto s =
      c10::cuda::CUDACachingAllocator::getDeviceStats(static_cast<c10::DeviceIndex>(device));
  const auto& bytes = s.allocated_bytes[0];  // the aggregate over pools
  *now = bytes.current;
  *peak = bytes.peak;
}

}  // namespace

extern "C" __attribute__((visibility("default")))
const cb::CudaFunctions cb_cuda_functions = {count, has_bf16, name, synchronize, memory};
