package torch

// #include "cbridge.h"
import "C"

import (
	"fmt"
	"unsafe"
)

// DType is a tensor's element type.
type DType int32

// The element types that cross the bridge.
const (
	Float32  DType = C.CB_F32
	BFloat16 DType = C.CB_BF16
	Float16  DType = C.CB_F16
	Float64  DType = C.CB_F64
	Int64    DType = C.CB_I64
	Int32    DType = C.CB_I32
	Bool     DType = C.CB_BOOL
)

// String returns the type's usual name, such as "bfloat16".
func (t DType) String() string {
	names := []string{"float32", "bfloat16", "float16", "float64", "int64", "int32", "bool"}
	if int(t) < len(names) {
		return names[t]
	}
	return fmt.Sprintf("dtype(%d)", int32(t))
}

// Tensor is a handle of a libtorch tensor. It dies with its Scope; use after that panics with
// *Error.
type Tensor struct {
	h *C.cb_tensor
}

func (t *Tensor) handle() *C.cb_tensor {
	if t == nil || t.h == nil {
		panic(&Error{CodeArgument, "a tensor was used after its scope was closed"})
	}
	return t.h
}

// Scope owns the tensors made in it. Device goroutine only.
type Scope struct {
	owned []*Tensor
}

// NewScope returns an empty scope; defer its Close.
func NewScope() *Scope { return &Scope{} }

// Close frees all tensors of the scope. Closing twice is allowed.
func (s *Scope) Close() {
	if len(s.owned) == 0 {
		return
	}
	hs := make([]*C.cb_tensor, len(s.owned))
	for i, t := range s.owned {
		hs[i], t.h = t.h, nil
	}
	C.cb_tensor_free(&hs[0], C.int64_t(len(hs)))
	s.owned = nil
}

func (s *Scope) take(h *C.cb_tensor) *Tensor {
	t := &Tensor{h}
	s.owned = append(s.owned, t)
	return t
}

func dims(shape []int) (*C.int64_t, C.int32_t) {
	if len(shape) == 0 {
		return nil, 0
	}
	d := make([]C.int64_t, len(shape))
	for i, n := range shape {
		d[i] = C.int64_t(n)
	}
	return &d[0], C.int32_t(len(d))
}

// FromFloat32 returns a float32 tensor with a copy of data, row-major.
func (s *Scope) FromFloat32(d *Device, data []float32, shape ...int) *Tensor {
	p, n := dims(shape)
	var h *C.cb_tensor
	var e C.cb_err
	bytes := C.int64_t(len(data) * 4)
	must(C.cb_tensor_from_host(unsafe.Pointer(unsafe.SliceData(data)), bytes, C.CB_F32, d.dev, p, n,
		&h, &e), &e)
	return s.take(h)
}

// Narrow returns the view of elements [start, start+length) of dimension dim; it shares t's memory.
func (s *Scope) Narrow(t *Tensor, dim, start, length int) *Tensor {
	var h *C.cb_tensor
	var e C.cb_err
	must(C.cb_tensor_narrow(t.handle(), C.int64_t(dim), C.int64_t(start), C.int64_t(length),
		&h, &e), &e)
	return s.take(h)
}

// Shape returns the sizes of the tensor's dimensions.
func (t *Tensor) Shape() []int {
	_, sizes := t.info()
	return sizes
}

// DType returns the tensor's element type.
func (t *Tensor) DType() DType {
	d, _ := t.info()
	return d
}

// Len returns the number of elements.
func (t *Tensor) Len() int {
	n := 1
	for _, d := range t.Shape() {
		n *= d
	}
	return n
}

func (t *Tensor) info() (DType, []int) {
	var dtype, ndim C.int32_t
	var dev C.cb_device
	var sizes [8]C.int64_t
	var e C.cb_err
	must(C.cb_tensor_info(t.handle(), &dtype, &dev, &sizes[0], 8, &ndim, &e), &e)
	out := make([]int, ndim)
	for i := range out {
		out[i] = int(sizes[i])
	}
	return DType(dtype), out
}

// Read copies the tensor's elements into dst as float32, row-major; len(dst) must be Len.
func (t *Tensor) Read(dst []float32) {
	var e C.cb_err
	must(C.cb_tensor_read(t.handle(), unsafe.Pointer(unsafe.SliceData(dst)), C.int64_t(len(dst)*4),
		C.CB_F32, &e), &e)
}

// Write copies src into the tensor, converting from float32; len(src) must be Len.
func (t *Tensor) Write(src []float32) {
	var e C.cb_err
	must(C.cb_tensor_write(t.handle(), unsafe.Pointer(unsafe.SliceData(src)), C.int64_t(len(src)*4),
		C.CB_F32, &e), &e)
}

// Float32 returns the tensor's elements, row-major.
func (t *Tensor) Float32() []float32 {
	out := make([]float32, t.Len())
	if len(out) > 0 {
		t.Read(out)
	}
	return out
}

// Copy copies src into t, converting and moving between devices.
func (t *Tensor) Copy(src *Tensor) {
	var e C.cb_err
	must(C.cb_tensor_copy(t.handle(), src.handle(), &e), &e)
}

// RequireGrad makes a leaf collect a gradient.
func (t *Tensor) RequireGrad() {
	var e C.cb_err
	must(C.cb_tensor_require_grad(t.handle(), &e), &e)
}

// Backward runs autograd from a scalar.
func (t *Tensor) Backward() {
	var e C.cb_err
	must(C.cb_tensor_backward(t.handle(), &e), &e)
}

// Grad returns the gradient that Backward left at a leaf.
func (s *Scope) Grad(t *Tensor) *Tensor {
	var h *C.cb_tensor
	var e C.cb_err
	must(C.cb_tensor_grad(t.handle(), &h, &e), &e)
	return s.take(h)
}
