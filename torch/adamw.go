package torch

// #include "cbridge.h"
import "C"

// AdamW is the state of a decoupled-weight-decay Adam optimizer (arXiv 1711.05101) of one trainable
// model: two float32 moments per weight. Device goroutine only.
type AdamW struct {
	h *C.cb_adamw
	m *Model
}

// NewAdamW allocates zero moments.
func NewAdamW(m *Model, beta1, beta2, eps, weightDecay float64) *AdamW {
	var h *C.cb_adamw
	var e C.cb_err
	must(C.cb_adamw_new(m.h, C.double(beta1), C.double(beta2), C.double(eps), C.double(weightDecay),
		&h, &e), &e)
	return &AdamW{h, m}
}

// Close frees the moments. Closing twice is allowed.
func (o *AdamW) Close() {
	C.cb_adamw_free(o.h)
	o.h = nil
}

// Step updates the masters with the model's gradients times scale, which clips them; t is the
// 1-based count of steps. Call Model.Commit after it.
func (o *AdamW) Step(lr, scale float64, t int) {
	var e C.cb_err
	must(C.cb_adamw_step(o.h, o.m.h, C.double(lr), C.double(scale), C.int64_t(t), &e), &e)
}

// Moment returns the first (0) or second (1) moment of weight buffer i; it shares memory.
func (o *AdamW) Moment(s *Scope, which, i int) *Tensor {
	var h *C.cb_tensor
	var e C.cb_err
	must(C.cb_adamw_moment(o.h, C.int32_t(which), C.int32_t(i), &h, &e), &e)
	return s.take(h)
}

// State returns all first moments, then all second moments, in buffer order; they share memory.
func (o *AdamW) State(s *Scope) []*Tensor {
	var out []*Tensor
	for which := range 2 {
		for i := range o.m.Buffers() {
			out = append(out, o.Moment(s, which, i))
		}
	}
	return out
}
