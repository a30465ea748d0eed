package torch

// #include "cbridge.h"
import "C"

import "unsafe"

// Arch describes a decoder-only transformer with rotary grouped-query attention. Sizes are element
// counts. The fields from LayerNorm on are what sets families apart: all of them zero is the llama
// architecture, and what zero stands for is said at each.
type Arch struct {
	Layers, Hidden, Heads, KVHeads, HeadDim, FFN, Vocab, Context int

	NormEps float64
	Tied    bool // the output head is the embedding
	// Ropes are the rotary tables. Layer i uses number Tables[i].
	Ropes []Rope

	LayerNorm                 bool // with weight and bias; else RMSNorm
	QKNorm                    bool // RMSNorm of each head's query and key before rotation
	PostNorms                 bool // norms of what attention and MLP add to the residual
	Parallel                  bool // the MLP reads the layer's input
	Activation                Activation
	Ungated                   bool // the MLP is down(activation(up(x)))
	QKVBias, OutBias, MLPBias bool
	RotaryDim                 int     // rotated dimensions of a head, the first ones; 0 is all
	NormOffset                float64 // added to the weights of every RMSNorm
	EmbedScale                float64 // 0 is 1
	QueryScale                float64 // of attention scores; 0 is HeadDim^-0.5
	AttentionCap, LogitCap    float64 // x becomes cap*tanh(x/cap); 0 is none
	// Windows says how many tokens a token sees in each layer, itself included, 0 for all before
	// it; Tables which of the Ropes each layer uses. nil is zeroes.
	Windows, Tables []int
}

// Rope is a rotary table: RotaryDim/2 frequencies in radians per position, and what rotated queries
// and keys are multiplied by.
type Rope struct {
	InvFreq   []float64
	Magnitude float64
}

// Activation is the MLP's.
type Activation int32

// The activations.
const (
	SiLU     Activation = C.CB_SILU
	GELU     Activation = C.CB_GELU      // with the error function
	GELUTanh Activation = C.CB_GELU_TANH // approximated by tanh
)

// Buffer names one of a model's sets of flat weight buffers. Buffer index 0..L-1 is a layer, L the
// embedding [V,H], L+1 the final norm [H] (a LayerNorm's bias behind it), L+2 the head [V,H] of an
// untied model. cbridge.h lists the parts of a layer in their order.
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
	window, table := int32s(a.Windows, a.Layers), int32s(a.Tables, a.Layers)
	var freq, magnitude []float64
	rotary := a.RotaryDim
	if rotary == 0 {
		rotary = a.HeadDim
	}
	for _, r := range a.Ropes {
		if len(r.InvFreq) != rotary/2 || rotary < 2 {
			panic(&Error{CodeArgument,
				"a rotary table needs half as many frequencies as dimensions are rotated"})
		}
		freq, magnitude = append(freq, r.InvFreq...), append(magnitude, r.Magnitude)
	}
	if len(a.Ropes) == 0 || len(window) != a.Layers || len(table) != a.Layers {
		panic(&Error{CodeArgument, "a model needs a window and a rotary table for each layer"})
	}
	c := a.c()
	var h *C.cb_model
	var e C.cb_err
	must(C.cb_model_new(&c, i32(window), i32(table), (*C.double)(&freq[0]),
		(*C.double)(&magnitude[0]), C.int32_t(len(a.Ropes)), C.int32_t(dtype), d.dev,
		flag(trainable), &h, &e), &e)
	return &Model{h, d, a}
}

func (a Arch) c() C.cb_arch {
	return C.cb_arch{
		layers: C.int32_t(a.Layers), hidden: C.int32_t(a.Hidden), heads: C.int32_t(a.Heads),
		kv_heads: C.int32_t(a.KVHeads), head_dim: C.int32_t(a.HeadDim), ffn: C.int32_t(a.FFN),
		vocab: C.int32_t(a.Vocab), context: C.int32_t(a.Context),
		norm_eps: C.double(a.NormEps), tied: flag(a.Tied),
		layer_norm: flag(a.LayerNorm), qk_norm: flag(a.QKNorm), post_norms: flag(a.PostNorms),
		parallel: flag(a.Parallel), activation: C.int32_t(a.Activation), ungated: flag(a.Ungated),
		qkv_bias: flag(a.QKVBias), out_bias: flag(a.OutBias), mlp_bias: flag(a.MLPBias),
		rotary_dim: C.int32_t(a.RotaryDim), norm_offset: C.double(a.NormOffset),
		embed_scale: C.double(a.EmbedScale), query_scale: C.double(a.QueryScale),
		attn_cap: C.double(a.AttentionCap), logit_cap: C.double(a.LogitCap),
	}
}

func flag(on bool) C.int32_t {
	if on {
		return 1
	}
	return 0
}

// int32s converts values; nil is n zeroes.
func int32s(values []int, n int) []int32 {
	if values == nil {
		return make([]int32, n)
	}
	out := make([]int32, len(values))
	for i, v := range values {
		out[i] = int32(v)
	}
	return out
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
// makes a copy of the matrices in an order that the CPU multiplies faster, false drops it: blocks,
// or in a model that trains in bf16 panels for a decode step's few rows. A frozen model is
// prepacked once and then keeps only the blocks: its layers' buffers cannot be reached any more.
func (m *Model) Commit(prepack bool) {
	var e C.cb_err
	must(C.cb_model_commit(m.h, flag(prepack), &e), &e)
}

// CommitToDecode is Commit for a frozen model that many tokens are drawn from: it has panels for a
// decode step's few rows beside the blocks, which takes as much memory again.
func (m *Model) CommitToDecode() {
	const both = 2
	var e C.cb_err
	must(C.cb_model_commit(m.h, both, &e), &e)
}

// Unpack drops the blocks of a trainable model's matrices, where there are any; panels stay.
func (m *Model) Unpack() {
	var e C.cb_err
	must(C.cb_model_unpack(m.h, &e), &e)
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

func i32(s []int32) *C.int32_t { return (*C.int32_t)(unsafe.Pointer(unsafe.SliceData(s))) }
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
