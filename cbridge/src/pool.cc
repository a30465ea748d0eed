#include "pool.h"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>

#ifdef __linux__
#include <sys/mman.h>
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23  // since Linux 5.14; older kernels refuse the advice
#endif
#endif
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace cb {

namespace {

// glibc gives a freed block of the size of an activation back to the system, and its pages are
// zeroed again one by one at the next use. Blocks up to 32 MB are kept for reuse instead, in one
// arena: those of further threads are cut into pieces of 64 MB, in which blocks of this size leave
// ever more gaps.
bool keep_blocks() {
#ifdef __GLIBC__
  return mallopt(M_ARENA_MAX, 1) == 1 && mallopt(M_MMAP_THRESHOLD, 32 << 20) == 1 &&
         mallopt(M_TRIM_THRESHOLD, 64 << 20) == 1;
#else
  return false;
#endif
}

[[maybe_unused]] const bool kept_at_start = keep_blocks();

}  // namespace

at::Tensor zero_pool(int64_t n, at::ScalarType dtype, at::Device device) {
  const at::TensorOptions opt = at::TensorOptions(dtype).device(device);
#ifdef __linux__
  const auto bytes = static_cast<size_t>(n) * opt.dtype().itemsize();
  if (device.is_cpu() && bytes >= (size_t{1} << 21)) {
    void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
      throw Error(CB_ERR_MEMORY, "out of memory: cannot map " + std::to_string(bytes) + " bytes");
    return at::from_blob(p, {n}, [bytes](void* q) { munmap(q, bytes); }, opt);
  }
#endif
  return at::zeros({n}, opt);
}

#ifdef __linux__
namespace {

// Advises the kernel on the whole pages inside a tensor's memory; nothing depends on its success.
void advise(const at::Tensor& part, int advice) {
  if (!part.defined() || !part.is_cpu()) return;
  constexpr uintptr_t kPage = 4096;
  const auto begin = reinterpret_cast<uintptr_t>(part.data_ptr());
  const uintptr_t first = (begin + kPage - 1) & ~(kPage - 1),
                  last = (begin + part.nbytes()) & ~(kPage - 1);
  if (first < last) (void)madvise(reinterpret_cast<void*>(first), last - first, advice);
}

}  // namespace

void populate(const at::Tensor& part) { advise(part, MADV_POPULATE_WRITE); }

void release(const at::Tensor& part) { advise(part, MADV_DONTNEED); }
#else
void populate(const at::Tensor&) {}
void release(const at::Tensor&) {}
#endif

ReturnBlocks::ReturnBlocks() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

ReturnBlocks::~ReturnBlocks() { keep_blocks(); }

void return_kept_blocks() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace cb
