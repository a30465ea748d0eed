// Every class of C++ exception ends in the guard with its code and one line of text.
#include "guard.h"

#include <c10/util/Exception.h>
#include <torch/version.h>

#include <cmath>
#include <cstring>
#include <new>
#include <stdexcept>

#include "check.h"

namespace {

const cb_device kCPU = {CB_CPU, 0};

template <class E>
int32_t thrown(cb_err* e) {
  return cb::guard(e, [] { throw E({__func__, __FILE__, 1}, "first line\nsecond line"); });
}

// The classes as libtorch throws them, through the guard itself.
void torch_classes() {
  cb_err e;
  EXPECT_FAILS(thrown<c10::Error>(&e), CB_ERR_TORCH);
  EXPECT(std::string(e.message) == "first line");
  EXPECT_FAILS(thrown<c10::IndexError>(&e), CB_ERR_INDEX);
  EXPECT_FAILS(thrown<c10::ValueError>(&e), CB_ERR_VALUE);
  EXPECT_FAILS(thrown<c10::TypeError>(&e), CB_ERR_TYPE);
  EXPECT_FAILS(thrown<c10::NotImplementedError>(&e), CB_ERR_NOTIMPL);
  EXPECT_FAILS(thrown<c10::OutOfMemoryError>(&e), CB_ERR_MEMORY);
  EXPECT_FAILS(thrown<c10::LinAlgError>(&e), CB_ERR_TORCH);
  // An error of the accelerator is a class of its own from libtorch 2.8 on.
#if TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 8
  const auto device = [] { throw c10::AcceleratorError({"f", "file", 1}, 700, "device\nhint"); };
  EXPECT_FAILS(cb::guard(&e, device), CB_ERR_DEVICE);
#endif
}

void other_classes() {
  cb_err e;
  EXPECT_FAILS(cb::guard(&e, [] { throw std::bad_alloc(); }), CB_ERR_MEMORY);
  EXPECT_FAILS(cb::guard(&e, [] { throw std::out_of_range("far\nout"); }), CB_ERR_OTHER);
  EXPECT(std::string(e.message) == "far");
  EXPECT_FAILS(cb::guard(&e, [] { throw 42; }), CB_ERR_OTHER);
  EXPECT_FAILS(cb::guard(&e, [] { throw cb::Error(CB_ERR_DEVICE, "none"); }), CB_ERR_DEVICE);
  EXPECT_FAILS(cb::guard(&e, [] { cb::check(false, "refused"); }), CB_ERR_ARGUMENT);
  EXPECT(std::string(e.message) == "refused");
}

void by_request() {
  cb_err e;
  for (int32_t code = CB_ERR_OTHER; code <= CB_ERR_ARGUMENT; code++) {
    EXPECT_FAILS(cb_test_throw(code, &e), code);
  }
  EXPECT_FAILS(cb_test_throw(99, &e), CB_ERR_OTHER);
  EXPECT(cb_test_throw(CB_ERR_INDEX, nullptr) == CB_ERR_INDEX);
}

void long_text() {
  cb_err e;
  std::memset(&e, 'x', sizeof e);
  const std::string text(5000, 'a');
  EXPECT_FAILS(cb::guard(&e, [&] { throw std::runtime_error(text); }), CB_ERR_OTHER);
  EXPECT(std::strlen(e.message) == sizeof(e.message) - 1);
}

void success_leaves_error_alone() {
  cb_err e = {7, "untouched"};
  EXPECT(cb::guard(&e, [] {}) == CB_OK);
  EXPECT(e.code == 7 && std::string(e.message) == "untouched");
}

// What libtorch itself throws for mistakes that a caller can make.
void real_mistakes() {
  cb_err e;
  const int64_t shape[] = {2, 3};
  cb_tensor* t = nullptr;
  cb_tensor* none = nullptr;
  EXPECT_OK(cb_tensor_new(CB_F32, kCPU, shape, 2, &t, &e));
  EXPECT_FAILS(cb_tensor_narrow(t, 5, 0, 1, &none, &e), CB_ERR_INDEX);
  EXPECT(std::string(e.message).find("Exception raised from") == std::string::npos);
  EXPECT_FAILS(cb_tensor_narrow(t, 0, 1, 7, &none, &e), CB_ERR_TORCH);
  EXPECT_FAILS(cb_tensor_backward(t, &e), CB_ERR_TORCH);
  EXPECT_FAILS(cb_tensor_grad(t, &none, &e), CB_ERR_ARGUMENT);
  float data[5] = {};
  EXPECT_FAILS(cb_tensor_write(t, data, sizeof data, CB_F32, &e), CB_ERR_ARGUMENT);
  EXPECT_FAILS(cb_tensor_read(t, data, sizeof data, CB_F32, &e), CB_ERR_ARGUMENT);
  EXPECT_FAILS(cb_tensor_from_host(data, 20, CB_F32, kCPU, shape, 2, &none, &e), CB_ERR_ARGUMENT);
  EXPECT_FAILS(cb_tensor_new(77, kCPU, shape, 2, &none, &e), CB_ERR_ARGUMENT);
  EXPECT_FAILS(cb_tensor_new(CB_F32, {9, 0}, shape, 2, &none, &e), CB_ERR_ARGUMENT);
  EXPECT_FAILS(cb_tensor_new(CB_F32, {CB_CUDA, 99}, shape, 2, &none, &e), CB_ERR_DEVICE);
  EXPECT_FAILS(cb_tensor_backward(nullptr, &e), CB_ERR_ARGUMENT);
  EXPECT_FAILS(cb_set_threads(0, &e), CB_ERR_ARGUMENT);
  const int64_t huge[] = {int64_t{1} << 48};
  EXPECT_FAILS(cb_tensor_new(CB_F32, kCPU, huge, 1, &none, &e), CB_ERR_MEMORY);
  EXPECT(none == nullptr);
  cb_tensor* both[] = {t, nullptr};
  cb_tensor_free(both, 2);
}

}  // namespace

int main() {
  return test::run([] {
    torch_classes();
    other_classes();
    by_request();
    long_text();
    success_leaves_error_alone();
    real_mistakes();
  });
}
