#include "pool.h"

#include <ATen/Parallel.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

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

namespace {

constexpr uintptr_t kPage = 4096, kHugePage = uintptr_t{1} << 21;

uintptr_t round_up(uintptr_t x, uintptr_t to) { return (x + to - 1) & ~(to - 1); }

at::Tensor pool(int64_t n, at::ScalarType dtype, at::Device device, bool huge) {
  const at::TensorOptions opt = at::TensorOptions(dtype).device(device);
#ifdef __linux__
  const auto bytes = static_cast<size_t>(n) * opt.dtype().itemsize();
  if (device.is_cpu() && bytes >= kHugePage) {
    const size_t mapped = bytes + (huge ? kHugePage : 0);  // room to begin on a huge page
    void* p = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
      throw Error(CB_ERR_MEMORY, "out of memory: cannot map " + std::to_string(bytes) + " bytes");
    void* begin = p;
    if (huge) {
      begin = reinterpret_cast<void*>(round_up(reinterpret_cast<uintptr_t>(p), kHugePage));
      (void)madvise(begin, bytes, MADV_HUGEPAGE);  // small pages do too
    }
    return at::from_blob(begin, {n}, [p, mapped](void*) { munmap(p, mapped); }, opt);
  }
#else
  (void)huge;
#endif
  return at::zeros({n}, opt);
}

}  // namespace

at::Tensor zero_pool(int64_t n, at::ScalarType dtype, at::Device device) {
  return pool(n, dtype, device, false);
}

at::Tensor huge_pool(int64_t n, at::ScalarType dtype, at::Device device) {
  return pool(n, dtype, device, true);
}

#ifdef __linux__
namespace {

// Calls f(first, bytes) with the whole pages inside a tensor's memory.
template <class F>
void with_pages(const at::Tensor& part, F&& f) {
  if (!part.defined() || !part.is_cpu()) return;
  const auto begin = reinterpret_cast<uintptr_t>(part.data_ptr());
  const uintptr_t first = round_up(begin, kPage), last = (begin + part.nbytes()) & ~(kPage - 1);
  if (first < last) f(first, last - first);
}

}  // namespace

// Nothing depends on the advice being taken.
void populate(const at::Tensor& part) {
  with_pages(part, [](uintptr_t first, size_t bytes) {
    constexpr int64_t kPiece = 4 << 20;  // clearing pages is work for every thread
    const auto all = static_cast<int64_t>(bytes);
    at::parallel_for(0, (all + kPiece - 1) / kPiece, 1, [&](int64_t begin, int64_t end) {
      const int64_t to = std::min(all, end * kPiece), from = begin * kPiece;
      (void)madvise(reinterpret_cast<void*>(first + static_cast<uintptr_t>(from)),
                    static_cast<size_t>(to - from), MADV_POPULATE_WRITE);
    });
  });
}

void release(const at::Tensor& part) {
  with_pages(part, [](uintptr_t first, size_t bytes) {
    (void)madvise(reinterpret_cast<void*>(first), bytes, MADV_DONTNEED);
  });
}
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
