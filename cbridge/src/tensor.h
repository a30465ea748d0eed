// Handles of tensors, and the mapping of the contract's dtypes and devices to libtorch's.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/GradMode.h>

#include <type_traits>

#include "guard.h"
#include "vecmath.h"

// gotorch's handle is a bare at::Tensor*, and handles are exchanged with it: so is ours.
struct cb_tensor : at::Tensor {};

namespace cb {

at::ScalarType dtype_of(int32_t d);
int32_t dtype_code(at::ScalarType t);
at::Device device_of(cb_device d);

// Moves t onto the heap as a handle.
cb_tensor* wrap(at::Tensor t);
const at::Tensor& unwrap(const cb_tensor* t);

// 64-bit host integers as a tensor on the device.
at::Tensor ints(const int64_t* data, int64_t n, at::Device d);

// Copies a tensor into host memory.
void copy_ids(const at::Tensor& t, int64_t* out);
// Likewise, as fp32; out may be NULL.
void copy_floats(const at::Tensor& t, float* out);

// True where the CPU's own kernels are to be used.
bool native_cpu(const at::Tensor& t);

// Calls f with a value of the tensor's element type: float or Bf16.
template <class F>
void with_type(const at::Tensor& t, F&& f) {
  if (t.scalar_type() == at::kFloat) {
    f(float{});
  } else {
    check(t.scalar_type() == at::kBFloat16, "the CPU kernels take float32 and bfloat16");
    f(Bf16{});
  }
}

// Checks that a tensor is of the type that with_type gave for another one.
template <class T>
void check_type(const at::Tensor& t) {
  constexpr at::ScalarType kType = std::is_same_v<T, float> ? at::kFloat : at::kBFloat16;
  check(t.scalar_type() == kType, "the tensors of a kernel are of one type");
}

template <class T>
const T* elements(const at::Tensor& t) {
  check_type<T>(t);
  return static_cast<const T*>(t.const_data_ptr());
}

template <class T>
T* mutable_elements(const at::Tensor& t) {
  check_type<T>(t);
  return static_cast<T*>(t.mutable_data_ptr());
}

}  // namespace cb
