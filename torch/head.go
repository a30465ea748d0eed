package torch

// #include "cbridge.h"
import "C"

// Head is what the log-prob head keeps for its backward pass.
type Head struct {
	h *C.cb_head
	n int
}

// Close frees the head. Closing twice is allowed.
func (h *Head) Close() {
	C.cb_head_free(h.h)
	h.h = nil
}

// Logprobs returns, for each r, the log-prob in nats at temperature 1 of token targets[r] following
// packed row rows[r], and with wantEntropy the entropy in nats of that distribution, else nil.
// hidden is Forward's result [N,H].
func (m *Model) Logprobs(
	hidden *Tensor, rows, targets []int64, wantEntropy bool,
) (logprobs, entropy []float32) {
	logprobs = make([]float32, len(rows))
	if wantEntropy {
		entropy = make([]float32, len(rows))
	}
	if len(rows) == 0 {
		return logprobs, entropy
	}
	var e C.cb_err
	must(C.cb_head_logprobs(m.h, nil, hidden.handle(), i64(rows), i64(targets),
		C.int64_t(len(rows)), f32(logprobs), f32(entropy), nil, &e), &e)
	return logprobs, entropy
}

// LogprobsWithGrad is Logprobs with entropy for a trainable model; the Head is for HeadBackward.
// tape is the one that hidden came with: logits that were kept with a Recording are not computed
// again.
func (m *Model) LogprobsWithGrad(
	tape *Tape, hidden *Tensor, rows, targets []int64,
) (logprobs, entropy []float32, head *Head) {
	logprobs, entropy = make([]float32, len(rows)), make([]float32, len(rows))
	var h *C.cb_head
	var e C.cb_err
	must(C.cb_head_logprobs(m.h, tape.h, hidden.handle(), i64(rows), i64(targets),
		C.int64_t(len(rows)), f32(logprobs), f32(entropy), &h, &e), &e)
	return logprobs, entropy, &Head{h, len(rows)}
}

// HeadBackward returns dL/dhidden [N,H] from seed[r] = dL/dlogprob[r] and adds the gradients of
// head and final norm.
func (m *Model) HeadBackward(s *Scope, head *Head, seed []float32) *Tensor {
	if len(seed) != head.n {
		panic(&Error{CodeArgument, "the head needs one seed for each of its log-probs"})
	}
	var h *C.cb_tensor
	var e C.cb_err
	must(C.cb_head_backward(m.h, head.h, f32(seed), &h, &e), &e)
	return s.take(h)
}

// NextLogprobs returns for each packed row the log-probs in nats of the candidate ids as the next
// token: out[r*len(ids)+c].
func (m *Model) NextLogprobs(hidden *Tensor, rows, ids []int64) []float32 {
	out := make([]float32, len(rows)*len(ids))
	if len(out) == 0 {
		return out
	}
	var e C.cb_err
	must(C.cb_head_next(m.h, hidden.handle(), i64(rows), C.int64_t(len(rows)), i64(ids),
		C.int64_t(len(ids)), f32(out), &e), &e)
	return out
}

// Top is Logprobs with the k likeliest next tokens of each packed row, the likeliest first, and
// their log-probs: topIDs[r*k+i]. Of equally likely ones the lowest id comes first. k is at least
// 1.
func (m *Model) Top(hidden *Tensor, rows, targets []int64, k int) (
	logprobs []float32, topIDs []int64, top []float32,
) {
	logprobs = make([]float32, len(rows))
	topIDs, top = make([]int64, len(rows)*k), make([]float32, len(rows)*k)
	if len(rows) == 0 {
		return logprobs, topIDs, top
	}
	var e C.cb_err
	must(C.cb_head_top(m.h, hidden.handle(), i64(rows), i64(targets), C.int64_t(len(rows)),
		C.int64_t(k), f32(logprobs), i64(topIDs), f32(top), &e), &e)
	return logprobs, topIDs, top
}

// KL returns for each packed row the exact KL divergence in nats over the vocabulary of m's
// next-token distribution from q's, and the entropy of m's. hm and hq are the two models' Forward
// results on the same tree.
func (m *Model) KL(hm *Tensor, q *Model, hq *Tensor, rows []int64) (kl, entropy []float32) {
	kl, entropy = make([]float32, len(rows)), make([]float32, len(rows))
	if len(rows) == 0 {
		return kl, entropy
	}
	var e C.cb_err
	must(C.cb_head_kl(m.h, hm.handle(), q.h, hq.handle(), i64(rows), C.int64_t(len(rows)),
		f32(kl), f32(entropy), &e), &e)
	return kl, entropy
}

// Logits returns the float32 logits [R,V] of packed rows.
func (m *Model) Logits(s *Scope, hidden *Tensor, rows []int64) *Tensor {
	var h *C.cb_tensor
	var e C.cb_err
	must(C.cb_head_logits(m.h, hidden.handle(), i64(rows), C.int64_t(len(rows)), &h, &e), &e)
	return s.take(h)
}
