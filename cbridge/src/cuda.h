// What is asked of CUDA by name. cuda_device_cuda.cc implements it; a build without CUDA answers
// with "none".
#pragma once

#include <cstdint>
#include <string>

namespace cb {

bool cuda_built();
int32_t cuda_count();
bool cuda_has_bf16(int32_t device);
std::string cuda_name(int32_t device);
void cuda_synchronize(int32_t device);
void cuda_memory(int32_t device, int64_t* now, int64_t* peak);

}  // namespace cb
