#include "cuda.h"

#include <dlfcn.h>

#include "guard.h"

namespace cb {

namespace {

struct Loaded {
  const CudaFunctions* functions = nullptr;
  std::string trouble;
};

Loaded load() {
  Loaded l;
#ifdef CB_WITH_CUDA
  if (dlopen("libcuda.so.1", RTLD_LAZY) == nullptr) return l;  // no driver
  void* library = dlopen("libcbridge_cuda.so", RTLD_NOW | RTLD_GLOBAL);
  if (library != nullptr)
    l.functions = static_cast<const CudaFunctions*>(dlsym(library, "cb_cuda_functions"));
  if (l.functions == nullptr) {
    const char* why = dlerror();
    l.trouble = why != nullptr ? why : "cb_cuda_functions is missing";
  }
#endif
  return l;
}

// Before main: libtorch remembers what it answered when it was first asked for a device.
const Loaded loaded = load();

}  // namespace

bool cuda_built() {
#ifdef CB_WITH_CUDA
  return true;
#else
  return false;
#endif
}

const std::string& cuda_trouble() { return loaded.trouble; }

int32_t cuda_count() { return loaded.functions == nullptr ? 0 : loaded.functions->count(); }

const CudaFunctions& cuda() {
  if (loaded.functions == nullptr) throw Error(CB_ERR_DEVICE, "CUDA is not loaded");
  return *loaded.functions;
}

}  // namespace cb
