// What is asked of CUDA by name. All of it lies in a library of its own, libcbridge_cuda, which is
// loaded where there is a driver: libtorch's CUDA libraries take 0.23 GB of memory and 0.16 seconds
// to load, which a process without a GPU need not pay.
#pragma once

#include <cstdint>
#include <string>

namespace cb {

// The table that libcbridge_cuda exports as cb_cuda_functions.
struct CudaFunctions {
  int32_t (*count)();
  bool (*has_bf16)(int32_t device);
  std::string (*name)(int32_t device);
  void (*synchronize)(int32_t device);
  void (*memory)(int32_t device, int64_t* now, int64_t* peak);
};

// Whether this build has CUDA, on whatever machine it runs.
bool cuda_built();

// Why it was not loaded although there is a driver; empty where nothing is wrong.
const std::string& cuda_trouble();

// The number of usable devices; 0 where nothing was loaded.
int32_t cuda_count();

// The others; an error where nothing was loaded.
const CudaFunctions& cuda();

}  // namespace cb
