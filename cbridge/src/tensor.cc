#include "tensor.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cstring>

namespace cb {

namespace {
std::atomic<bool> portable{false};
}

at::ScalarType dtype_of(int32_t d) {
  switch (d) {
    case CB_F32:
      return at::kFloat;
    case CB_BF16:
      return at::kBFloat16;
    case CB_F16:
      return at::kHalf;
    case CB_F64:
      return at::kDouble;
    case CB_I64:
      return at::kLong;
    case CB_I32:
      return at::kInt;
    case CB_BOOL:
      return at::kBool;
  }
  throw Error(CB_ERR_ARGUMENT, "unknown dtype");
}

int32_t dtype_code(at::ScalarType t) {
  switch (t) {
    case at::kFloat:
      return CB_F32;
    case at::kBFloat16:
      return CB_BF16;
    case at::kHalf:
      return CB_F16;
    case at::kDouble:
      return CB_F64;
    case at::kLong:
      return CB_I64;
    case at::kInt:
      return CB_I32;
    case at::kBool:
      return CB_BOOL;
    default:
      throw Error(CB_ERR_ARGUMENT, "a tensor has a dtype that cbridge does not know");
  }
}

at::Device device_of(cb_device d) {
  if (d.kind == CB_CPU) return at::Device(at::kCPU);
  check(d.kind == CB_CUDA, "unknown device kind");
  if (d.index < 0 || d.index >= cb_cuda_count()) {
    throw Error(CB_ERR_DEVICE, "no CUDA device " + std::to_string(d.index) + ": " +
                                   std::to_string(cb_cuda_count()) + " usable here");
  }
  return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(d.index));
}

cb_tensor* wrap(at::Tensor t) {
  auto* p = new at::Tensor(std::move(t));
  live.fetch_add(1, std::memory_order_relaxed);
  return static_cast<cb_tensor*>(p);
}

const at::Tensor& unwrap(const cb_tensor* t) {
  check(t != nullptr, "a tensor handle is NULL");
  check(t->defined(), "a tensor handle holds no tensor");
  return *t;
}

at::Tensor ints(const int64_t* data, int64_t n, at::Device d) {
  at::Tensor host = at::empty({n}, at::kLong);
  if (n > 0) std::memcpy(host.mutable_data_ptr<int64_t>(), data, static_cast<size_t>(n) * 8);
  return d.is_cpu() ? host : host.to(d);
}

void copy_ids(const at::Tensor& t, int64_t* out) {
  const at::Tensor host = t.to(at::kCPU).contiguous();
  std::copy_n(host.const_data_ptr<int64_t>(), host.numel(), out);
}

void copy_floats(const at::Tensor& t, float* out) {
  if (out == nullptr) return;
  const at::Tensor host = t.to(at::kCPU, at::kFloat).contiguous();
  std::copy_n(host.const_data_ptr<float>(), host.numel(), out);
}

bool native_cpu(const at::Tensor& t) {
  return t.is_cpu() && !portable.load(std::memory_order_relaxed);
}

}  // namespace cb

using cb::guard;
using cb::unwrap;

extern "C" {

void cb_set_portable(int32_t on) { cb::portable.store(on != 0, std::memory_order_relaxed); }

void cb_tensor_free(cb_tensor** ts, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    if (ts[i] == nullptr) continue;
    delete static_cast<at::Tensor*>(ts[i]);
    cb::live.fetch_sub(1, std::memory_order_relaxed);
  }
}

cb_tensor* cb_tensor_adopt(void* gotorch_tensor) {
  cb::live.fetch_add(1, std::memory_order_relaxed);
  return static_cast<cb_tensor*>(static_cast<at::Tensor*>(gotorch_tensor));
}

int32_t cb_tensor_new(int32_t dtype, cb_device d, const int64_t* sizes, int32_t ndim,
                      cb_tensor** out, cb_err* e) {
  return guard(e, [&] {
    const at::IntArrayRef shape(sizes, static_cast<size_t>(ndim));
    *out =
        cb::wrap(at::zeros(shape, at::TensorOptions(cb::dtype_of(dtype)).device(cb::device_of(d))));
  });
}

int32_t cb_tensor_from_host(const void* data, int64_t nbytes, int32_t dtype, cb_device d,
                            const int64_t* sizes, int32_t ndim, cb_tensor** out, cb_err* e) {
  return guard(e, [&] {
    const at::IntArrayRef shape(sizes, static_cast<size_t>(ndim));
    at::Tensor host = at::empty(shape, at::TensorOptions(cb::dtype_of(dtype)));
    cb::check(static_cast<int64_t>(host.nbytes()) == nbytes, "host data and tensor differ in size");
    if (nbytes > 0) std::memcpy(host.mutable_data_ptr(), data, static_cast<size_t>(nbytes));
    const at::Device dev = cb::device_of(d);
    *out = cb::wrap(dev.is_cpu() ? host : host.to(dev));
  });
}

int32_t cb_tensor_write(cb_tensor* t, const void* data, int64_t nbytes, int32_t dtype, cb_err* e) {
  return guard(e, [&] {
    at::NoGradGuard no_grad;
    const at::Tensor& dst = unwrap(t);
    const at::TensorOptions opt(cb::dtype_of(dtype));
    cb::check(dst.numel() * static_cast<int64_t>(opt.dtype().itemsize()) == nbytes,
              "host data and tensor differ in element count");
    // from_blob does not copy; copy_ reads it before this call returns.
    at::Tensor src = at::from_blob(const_cast<void*>(data), dst.sizes(), opt);
    dst.copy_(src);
  });
}

int32_t cb_tensor_read(cb_tensor* t, void* data, int64_t nbytes, int32_t dtype, cb_err* e) {
  return guard(e, [&] {
    at::NoGradGuard no_grad;
    const at::Tensor& src = unwrap(t);
    const at::TensorOptions opt(cb::dtype_of(dtype));
    cb::check(src.numel() * static_cast<int64_t>(opt.dtype().itemsize()) == nbytes,
              "host data and tensor differ in element count");
    at::from_blob(data, src.sizes(), opt).copy_(src);
  });
}

int32_t cb_tensor_info(cb_tensor* t, int32_t* dtype, cb_device* d, int64_t* sizes, int32_t max_dims,
                       int32_t* ndim, cb_err* e) {
  return guard(e, [&] {
    const at::Tensor& x = unwrap(t);
    cb::check(x.dim() <= max_dims, "a tensor has too many dimensions");
    *dtype = cb::dtype_code(x.scalar_type());
    d->kind = x.is_cuda() ? CB_CUDA : CB_CPU;
    d->index = x.is_cuda() ? x.device().index() : 0;
    *ndim = static_cast<int32_t>(x.dim());
    for (int64_t i = 0; i < x.dim(); i++) sizes[i] = x.size(i);
  });
}

int32_t cb_tensor_narrow(cb_tensor* t, int64_t dim, int64_t start, int64_t len, cb_tensor** out,
                         cb_err* e) {
  return guard(e, [&] { *out = cb::wrap(unwrap(t).narrow(dim, start, len)); });
}

int32_t cb_tensor_copy(cb_tensor* dst, cb_tensor* src, cb_err* e) {
  return guard(e, [&] {
    at::NoGradGuard no_grad;
    unwrap(dst).copy_(unwrap(src));
  });
}

int32_t cb_tensor_require_grad(cb_tensor* t, cb_err* e) {
  return guard(e, [&] { unwrap(t).requires_grad_(true); });
}

int32_t cb_tensor_backward(cb_tensor* t, cb_err* e) {
  return guard(e, [&] {
    at::AutoGradMode on(true);
    unwrap(t).backward();
  });
}

int32_t cb_tensor_grad(cb_tensor* t, cb_tensor** out, cb_err* e) {
  return guard(e, [&] {
    const at::Tensor g = unwrap(t).grad();
    cb::check(g.defined(), "the tensor has no gradient");
    *out = cb::wrap(g);
  });
}
}
