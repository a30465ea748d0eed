// Threads, devices and what they can do.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/cpu/Utils.h>
#include <torch/csrc/api/include/torch/version.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <string>

#include "cuda.h"
#include "product.h"
#include "tensor.h"

namespace {

// The processor's marketing name, or the architecture where the system does not tell.
std::string cpu_name() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("model name", 0) == 0) {
      const size_t colon = line.find(':');
      if (colon != std::string::npos && colon + 2 <= line.size()) return line.substr(colon + 2);
    }
  }
  return "CPU";
}

}  // namespace

using cb::guard;

extern "C" {

int32_t cb_abi_version(void) { return CB_ABI_VERSION; }

const char* cb_torch_version(void) { return TORCH_VERSION; }

const char* cb_build_target(void) { return CB_TARGET; }

int32_t cb_set_threads(int32_t n, cb_err* e) {
  return guard(e, [&] {
    cb::check(n >= 1, "the number of threads must be at least 1");
    at::set_num_threads(n);
  });
}

int32_t cb_get_threads(void) { return at::get_num_threads(); }

int32_t cb_cuda_count(void) { return cb::cuda_count(); }

int32_t cb_cuda_built(void) { return cb::cuda_built() ? 1 : 0; }

const char* cb_cuda_trouble(void) { return cb::cuda_trouble().c_str(); }

int32_t cb_has_bf16(cb_device d, int32_t* yes, cb_err* e) {
  return guard(e, [&] {
    const at::Device dev = cb::device_of(d);
    *yes = (dev.is_cpu() ? cb::computes_in_bf16() : cb::cuda().has_bf16(dev.index())) ? 1 : 0;
  });
}

int32_t cb_device_name(cb_device d, char* buf, int32_t n, cb_err* e) {
  return guard(e, [&] {
    const at::Device dev = cb::device_of(d);
    const std::string name = dev.is_cpu() ? cpu_name() : cb::cuda().name(dev.index());
    const size_t len = std::min(name.size(), static_cast<size_t>(n) - 1);
    std::memcpy(buf, name.data(), len);
    buf[len] = '\0';
  });
}

int32_t cb_synchronize(cb_device d, cb_err* e) {
  return guard(e, [&] {
    const at::Device dev = cb::device_of(d);
    if (dev.is_cuda()) cb::cuda().synchronize(dev.index());
  });
}

int32_t cb_device_memory(cb_device d, int64_t* now, int64_t* peak, cb_err* e) {
  return guard(e, [&] {
    const at::Device dev = cb::device_of(d);
    *now = *peak = 0;
    if (dev.is_cuda()) cb::cuda().memory(dev.index(), now, peak);
  });
}
}
