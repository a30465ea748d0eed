package torch

// #cgo CFLAGS: -I${SRCDIR}/../cbridge/include
// #cgo LDFLAGS: -L${SRCDIR}/../build/current/lib -lcbridge
// #cgo LDFLAGS: -Wl,-rpath,${SRCDIR}/../build/current/lib
// #include <stdlib.h>
// #include "cbridge.h"
import "C"

import (
	"fmt"
	"strings"
)

// Code is the class of a libtorch error.
type Code int32

// The classes of error that cbridge tells apart.
const (
	CodeOther    Code = C.CB_ERR_OTHER
	CodeTorch    Code = C.CB_ERR_TORCH
	CodeIndex    Code = C.CB_ERR_INDEX
	CodeValue    Code = C.CB_ERR_VALUE
	CodeType     Code = C.CB_ERR_TYPE
	CodeNotImpl  Code = C.CB_ERR_NOTIMPL
	CodeMemory   Code = C.CB_ERR_MEMORY
	CodeDevice   Code = C.CB_ERR_DEVICE
	CodeArgument Code = C.CB_ERR_ARGUMENT
)

// Error is a C++ exception that reached the bridge: its class and one line of text.
type Error struct {
	Code    Code
	Message string
}

func (e *Error) Error() string { return e.Message }

// must panics with *Error when a bridge call failed.
func must(status C.int32_t, e *C.cb_err) {
	if status != C.CB_OK {
		panic(&Error{Code(status), C.GoString(&e.message[0])})
	}
}

// Catch runs f and returns what it panicked with as an error: an *Error, or a text that gotorch
// panicked with. Any other panic passes through.
func Catch(f func()) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case *Error:
			err = p
		case string: // gotorch panics with the exception's whole text
			line, _, _ := strings.Cut(p, "\n")
			err = &Error{CodeOther, line}
		default:
			panic(p)
		}
	}()
	f()
	return nil
}

// checkABI refuses a library built from another version of the header.
func checkABI() error {
	if v := C.cb_abi_version(); v != C.CB_ABI_VERSION {
		return fmt.Errorf(
			"libcbridge has ABI version %d, this program was built for %d: run make build",
			int(v), int(C.CB_ABI_VERSION))
	}
	return nil
}

// Version returns libtorch's version, such as "2.11.0".
func Version() string { return C.GoString(C.cb_torch_version()) }

// Target returns what this libtorch is called where targets are made, such as "cu130" or "cpu"; it
// is "own" for one that was not fetched there.
func Target() string { return C.GoString(C.cb_build_target()) }

// CUDACount returns the number of usable CUDA devices, 0 without a GPU.
func CUDACount() int { return int(C.cb_cuda_count()) }

// CUDABuilt reports whether the bridge was built with its CUDA code.
func CUDABuilt() bool { return C.cb_cuda_built() != 0 }

// CUDATrouble says why libtorch's CUDA libraries could not be loaded although there is a driver; it
// is empty where nothing is wrong.
func CUDATrouble() string { return C.GoString(C.cb_cuda_trouble()) }

// LiveHandles returns the number of handles of every kind alive in the process. Safe for concurrent
// use.
func LiveHandles() int64 { return int64(C.cb_live_handles()) }

// SetPortable makes the CPU use the operators that CUDA uses, so that tests can compare both.
// Process-wide.
func SetPortable(on bool) {
	v := C.int32_t(0)
	if on {
		v = 1
	}
	C.cb_set_portable(v)
}

// throw raises a C++ exception of the given class inside the bridge: for tests.
func throw(code Code) {
	var e C.cb_err
	must(C.cb_test_throw(C.int32_t(code), &e), &e)
}
