package torch

// #include "cbridge.h"
import "C"

import (
	"runtime"
	"unsafe"

	"github.com/wangkuiyi/gotorch"
)

// The exchange with gotorch is zero-copy: its handle is an at::Tensor*, as ours is. gotorch frees
// by finalizer and keeps no receiver alive during a call, so a result that is not adopted at once
// may be freed under an operator that still reads it. The rule: every gotorch result, intermediates
// too, goes through Adopt.

// Adopt takes over a gotorch result: its finalizer is cleared and the scope frees it. It returns
// the same value, so that calls nest: s.Adopt(gotorch.Sub(a, b, 1)). Device goroutine only.
func (s *Scope) Adopt(g gotorch.Tensor) gotorch.Tensor {
	runtime.SetFinalizer(g.T, nil)
	s.take(C.cb_tensor_adopt(*g.T))
	return g
}

// Gotorch returns t as a gotorch tensor that shares its handle; the scope stays the owner. Device
// goroutine only.
func (t *Tensor) Gotorch() gotorch.Tensor {
	p := unsafe.Pointer(t.handle())
	return gotorch.Tensor{T: &p}
}

// FromGotorch returns an adopted gotorch tensor as a Tensor of this package. It shares the handle,
// whose owner remains the scope that adopted it: it must not be used after that scope's Close.
// Device goroutine only.
func FromGotorch(g gotorch.Tensor) *Tensor {
	return &Tensor{(*C.cb_tensor)(*g.T)}
}
