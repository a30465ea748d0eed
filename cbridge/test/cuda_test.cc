// The library that has CUDA by name can be loaded, and brings libtorch's CUDA with it.
#include "cuda.h"

#include <ATen/Context.h>
#include <dlfcn.h>

#include "check.h"
#include "guard.h"

namespace {

// Without a driver nothing was loaded, and whoever asks for a device is told.
void without_driver() {
  if (dlopen("libcuda.so.1", RTLD_LAZY) != nullptr) return;
  EXPECT(cb_cuda_count() == 0);
  EXPECT(std::string(cb_cuda_trouble()).empty());
  cb_err e;
  EXPECT_FAILS(cb::guard(&e, [] { cb::cuda(); }), CB_ERR_DEVICE);
}

void loaded() {
  if (!cb::cuda_built()) return;
  void* library = dlopen("libcbridge_cuda.so", RTLD_NOW | RTLD_GLOBAL);
  EXPECT(library != nullptr);
  if (library == nullptr) return;
  const auto* f = static_cast<const cb::CudaFunctions*>(dlsym(library, "cb_cuda_functions"));
  EXPECT(f != nullptr && f->count() >= 0);
  EXPECT(at::detail::getCUDAHooks().hasCUDART());
}

}  // namespace

int main() {
  return test::run([] {
    without_driver();
    loaded();
  });
}
