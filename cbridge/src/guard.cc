#include "guard.h"

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>
#include <torch/version.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>

namespace cb {

std::atomic<int64_t> live{0};

namespace {

bool want_trace() {
  static const bool on = [] {
    const char* v = std::getenv("CB_TRACE");
    return v != nullptr && std::strcmp(v, "1") == 0;
  }();
  return on;
}

int32_t fail(cb_err* e, int32_t code, const char* text) {
  if (e == nullptr) return code;
  e->code = code;
  size_t n = 0;
  for (; text[n] != '\0' && n + 1 < sizeof(e->message); n++) {
    const char c = text[n];
    if (c == '\n' && !want_trace()) {
      // libtorch appends hints after the first line; the first line is the error.
      if (n > 0) break;
      e->message[n] = ' ';
      continue;
    }
    e->message[n] = c;
  }
  e->message[n] = '\0';
  return code;
}

int32_t fail_c10(cb_err* e, int32_t code, const c10::Error& x) {
  return fail(e, code, want_trace() ? x.what() : x.what_without_backtrace());
}

// The CPU allocator reports that it has no memory by a plain c10::Error.
int32_t torch_code(const c10::Error& x) {
  return std::strstr(x.what_without_backtrace(), "DefaultCPUAllocator:") != nullptr ? CB_ERR_MEMORY
                                                                                    : CB_ERR_TORCH;
}

}  // namespace

int32_t guard_call(const std::function<void()>& body, cb_err* e) noexcept {
  try {
    body();
    return CB_OK;
  } catch (const Error& x) {
    return fail(e, x.code, x.what());
  } catch (const c10::OutOfMemoryError& x) {
    return fail_c10(e, CB_ERR_MEMORY, x);
  } catch (const c10::NotImplementedError& x) {
    return fail_c10(e, CB_ERR_NOTIMPL, x);
  } catch (const c10::IndexError& x) {
    return fail_c10(e, CB_ERR_INDEX, x);
  } catch (const c10::ValueError& x) {
    return fail_c10(e, CB_ERR_VALUE, x);
  } catch (const c10::TypeError& x) {
    return fail_c10(e, CB_ERR_TYPE, x);
#if TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 8
  } catch (const c10::AcceleratorError& x) {
    return fail_c10(e, CB_ERR_DEVICE, x);
#endif
  } catch (const c10::Error& x) {
    return fail_c10(e, torch_code(x), x);
  } catch (const std::bad_alloc&) {
    return fail(e, CB_ERR_MEMORY, "out of memory");
  } catch (const std::exception& x) {
    return fail(e, CB_ERR_OTHER, x.what());
  } catch (...) {
    return fail(e, CB_ERR_OTHER, "an exception of unknown type was thrown");
  }
}

}  // namespace cb

extern "C" {

int64_t cb_live_handles(void) { return cb::live.load(std::memory_order_relaxed); }

int32_t cb_test_throw(int32_t code, cb_err* e) {
  return cb::guard(e, [&] {
    switch (code) {
      case CB_ERR_TORCH:
        TORCH_CHECK(false, "thrown by request");
      case CB_ERR_INDEX:
        TORCH_CHECK_INDEX(false, "thrown by request");
      case CB_ERR_VALUE:
        TORCH_CHECK_VALUE(false, "thrown by request");
      case CB_ERR_TYPE:
        TORCH_CHECK_TYPE(false, "thrown by request");
      case CB_ERR_NOTIMPL:
        TORCH_CHECK_NOT_IMPLEMENTED(false, "thrown by request");
      case CB_ERR_MEMORY:
        throw std::bad_alloc();
      case CB_ERR_DEVICE:
        throw cb::Error(CB_ERR_DEVICE, "thrown by request");
      case CB_ERR_ARGUMENT:
        throw cb::Error(CB_ERR_ARGUMENT, "thrown by request");
      case CB_ERR_OTHER:
        throw std::runtime_error("thrown by request");
      default:
        throw 42;  // not an exception type at all
    }
  });
}
}
