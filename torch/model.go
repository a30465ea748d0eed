package torch

// #include "cbridge.h"
import "C"

import "unsafe"

// Arch describes a decoder of RMSNorm, rotary grouped-query attention and SwiGLU. Sizes are element
// counts.
type Arch struct {
	Layers, Hidden, Heads, KVHeads, HeadDim, FFN, Vocab, Context int

	NormEps float64
	Tied   bool // the output head is the embedding
	// InvFreq are the HeadDim/2 rotary frequencies in radians per position.
	InvFreq []float64
}

// Buffer names one of a model's sets of flat weight buffers. Buffer index 0..L-1 is a layer, L the
// embedding [V,H], L+1 the final norm [H], L+2 the head [V,H] of an untied model. A layer's buffer
// holds, in order: attention norm [H], QKV [(heads+2*kv)*D,H], output projection [H,heads*D], MLP
// norm [H], gate and up [2*FFN,H], down [H,FFN].
type Buffer int32

// The three sets of buffers. A frozen model has Compute only.
const (
	Master  Buffer = C.CB_MASTER  // float32, what the optimizer updates
	Compute Buffer = C.CB_COMPUTE // the model's dtype; the masters themselves in float32
	Grad    Buffer = C.CB_GRAD    // float32, summed over micro-batches
)

// Model holds the weights of one transformer on one device. Device goroutine only.
type Model struct {
	h    *C.cb_model
	dev  *Device
	arch Arch
}

// NewModel allocates a model with all weights zero. dtype is Float32 or BFloat16.
func NewModel(d *Device, a Arch, dtype DType, trainable bool) *Model {
	tied, train := C.int32_t(0), C.int32_t(0)
	if a.Tied {
		tied = 1
	}
	if trainable {
		train = 1
	}
	if len(a.InvFreq) != a.HeadDim/2 || len(a.InvFreq) == 0 {
		panic(&Error{CodeArgument,
			"a model needs half as many rotary frequencies as its head size"})
	}
	c := C.cb_arch{
		layers: C.int32_t(a.Layers), hidden: C.int32_t(a.Hidden), heads: C.int32_t(a.Heads),
		kv_heads: C.int32_t(a.KVHeads), head_dim: C.int32_t(a.HeadDim), ffn: C.int32_t(a.FFN),
		vocab: C.int32_t(a.Vocab), context: C.int32_t(a.Context),
		rms_eps: C.double(a.NormEps), tied: tied,
	}
	var h *C.cb_model
	var e C.cb_err
	must(C.cb_model_new(&c, (*C.double)(&a.InvFreq[0]), C.int32_t(dtype), d.dev, train, &h, &e), &e)
	return &Model{h, d, a}
}

// Close frees the weights. Closing twice is allowed.
func (m *Model) Close() {
	C.cb_model_free(m.h)
	m.h = nil
}

// Arch returns the model's description.
func (m *Model) Arch() Arch { return m.arch }

// Device returns the device that holds the model.
func (m *Model) Device() *Device { return m.dev }

// Buffers returns the number of buffers in each set.
func (m *Model) Buffers() int {
	if m.arch.Tied {
		return m.arch.Layers + 2
	}
	return m.arch.Layers + 3
}

// Buffer returns buffer i of a set; it shares the model's memory.
func (m *Model) Buffer(s *Scope, set Buffer, i int) *Tensor {
	var h *C.cb_tensor
	var e C.cb_err
	must(C.cb_model_buffer(m.h, C.int32_t(set), C.int32_t(i), &h, &e), &e)
	return s.take(h)
}

// Commit must follow every change of weights: masters are copied to the compute weights. prepack
// makes a blocked copy of the matrices, which the CPU multiplies faster; false drops it. A frozen
// model is prepacked once and then keeps only the blocked copy: its layers' buffers cannot be
// reached any more.
func (m *Model) Commit(prepack bool) {
	p := C.int32_t(0)
	if prepack {
		p = 1
	}
	var e C.cb_err
	must(C.cb_model_commit(m.h, p, &e), &e)
}

// ZeroGrad sets all gradients to zero.
func (m *Model) ZeroGrad() {
	var e C.cb_err
	must(C.cb_model_zero_grad(m.h, &e), &e)
}

// DropGrad frees the gradients' memory until they are needed again.
func (m *Model) DropGrad() {
	var e C.cb_err
	must(C.cb_model_drop_grad(m.h, &e), &e)
}

// GradNorm returns the global L2 norm of the gradients.
func (m *Model) GradNorm() float64 {
	var n C.double
	var e C.cb_err
	must(C.cb_grad_norm(m.h, &n, &e), &e)
	return float64(n)
}

// Nodes describes a packed batch: node i holds tokens [Start[i], Start[i]+Len[i]) and continues the
// sequence of node Parent[i] (-1: none). A token attends to its ancestors' tokens and to those
// before it in its own node.
type Nodes struct {
	IDs, Positions     []int64 // [N]
	Start, Len, Parent []int64 // [nodes], in packed order without gaps; parents before children
}

// Tree is a packed batch on a device.
type Tree struct{ h *C.cb_tree }

func i64(s []int64) *C.int64_t { return (*C.int64_t)(unsafe.Pointer(unsafe.SliceData(s))) }
func f32(s []float32) *C.float { return (*C.float)(unsafe.Pointer(unsafe.SliceData(s))) }

// NewTree uploads a packed batch and builds its attention layout. Device goroutine only.
func NewTree(d *Device, n Nodes) *Tree {
	var h *C.cb_tree
	var e C.cb_err
	must(C.cb_tree_new(i64(n.IDs), i64(n.Positions), C.int64_t(len(n.IDs)),
		i64(n.Start), i64(n.Len), i64(n.Parent), C.int64_t(len(n.Start)), d.dev, &h, &e), &e)
	return &Tree{h}
}

// Close frees the tree. Closing twice is allowed.
func (t *Tree) Close() {
	C.cb_tree_free(t.h)
	t.h = nil
}

// Tape is what a forward pass keeps for its backward pass.
type Tape struct{ h *C.cb_tape }

// NewTape returns a tape that keeps the activations of segments of the given number of layers: only
// each segment's input outlives the forward pass, and the backward pass runs a segment again. With
// segment >= L everything is kept and nothing is run again; 1 is full checkpointing.
func NewTape(segment int) *Tape {
	var h *C.cb_tape
	var e C.cb_err
	must(C.cb_tape_new(C.int32_t(segment), &h, &e), &e)
	return &Tape{h}
}

// Close frees the tape. Closing twice is allowed.
func (t *Tape) Close() {
	C.cb_tape_free(t.h)
	t.h = nil
}

// Forward embeds and runs all layers; the result is [N,H], before the final norm. tape may be nil.
func (m *Model) Forward(s *Scope, t *Tree, tape *Tape) *Tensor {
	var h *C.cb_tensor
	var th *C.cb_tape
	if tape != nil {
		th = tape.h
	}
	var e C.cb_err
	must(C.cb_forward(m.h, t.h, th, &h, &e), &e)
	return s.take(h)
}

// Backward adds the layers' and the embedding's gradients, given dhidden = dL/d(Forward's result)
// [N,H]. It uses up the tape.
func (m *Model) Backward(t *Tree, tape *Tape, dhidden *Tensor) {
	var e C.cb_err
	must(C.cb_backward(m.h, t.h, tape.h, dhidden.handle(), &e), &e)
}
