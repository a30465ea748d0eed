package torch

// #include "cbridge.h"
import "C"

import "unsafe"

// Sampling says how tokens are drawn: argmax(logits/Temperature + Gumbel noise) after top-k and
// top-p.
type Sampling struct {
	Temperature float32 // 0: greedy
	TopK        int     // 0: off
	TopP        float32 // 1: off
	MinNew      int     // end tokens are impossible before this many tokens
	MaxNew      int     // at most this many tokens
	EndTokens   []int64 // ids that end a completion
}

func (s Sampling) c() C.cb_sampling {
	return C.cb_sampling{
		temperature: C.float(s.Temperature), top_k: C.int32_t(s.TopK), top_p: C.float(s.TopP),
		min_new: C.int32_t(s.MinNew), max_new: C.int32_t(s.MaxNew),
	}
}

// Decoder is a set of decode slots with their KV cache. Device goroutine only.
type Decoder struct {
	h             *C.cb_decoder
	slots, maxNew int
}

// NewDecoder allocates slots for sequences of at most maxLen tokens, prompt and completion
// together.
func NewDecoder(m *Model, slots, maxLen int, how Sampling) *Decoder {
	c := how.c()
	var h *C.cb_decoder
	var e C.cb_err
	must(C.cb_decoder_new(m.h, C.int64_t(slots), C.int64_t(maxLen), &c, i64(how.EndTokens),
		C.int64_t(len(how.EndTokens)), &h, &e), &e)
	return &Decoder{h, slots, how.MaxNew}
}

// Close frees the slots. Closing twice is allowed.
func (d *Decoder) Close() {
	C.cb_decoder_free(d.h)
	d.h = nil
}

// Admit prefills the sequences of a tree and samples each one's first token. chains holds each
// sequence's packed rows in order; keys[i] keys the noise of sequence i. It returns the slots
// taken.
func (d *Decoder) Admit(t *Tree, chains [][]int64, keys []uint64) []int64 {
	return d.admit(t, chains, keys, nil)
}

// AdmitEach is Admit with settings of each sequence's own, of which MaxNew is at most the
// decoder's; EndTokens are the decoder's for all.
func (d *Decoder) AdmitEach(
	t *Tree, chains [][]int64, keys []uint64, own []Sampling,
) []int64 {
	c := make([]C.cb_sampling, len(own))
	for i, how := range own {
		c[i] = how.c()
	}
	return d.admit(t, chains, keys, c)
}

func (d *Decoder) admit(
	t *Tree, chains [][]int64, keys []uint64, own []C.cb_sampling,
) []int64 {
	var flat []int64
	lens := make([]int64, len(chains))
	for i, c := range chains {
		flat = append(flat, c...)
		lens[i] = int64(len(c))
	}
	slots := make([]int64, len(chains))
	var e C.cb_err
	must(C.cb_decoder_admit(d.h, t.h, i64(flat), i64(lens), C.int64_t(len(chains)),
		(*C.uint64_t)(unsafe.Pointer(unsafe.SliceData(keys))), unsafe.SliceData(own), i64(slots),
		&e), &e)
	return slots
}

// Step samples up to n more tokens of every admitted sequence that has not ended.
func (d *Decoder) Step(n int) {
	var e C.cb_err
	must(C.cb_decoder_step(d.h, C.int64_t(n), &e), &e)
}

// Compact lets ended sequences leave the batch and returns their slots, in order of admission.
func (d *Decoder) Compact() []int64 {
	ended := make([]int64, d.slots)
	var n C.int64_t
	var e C.cb_err
	must(C.cb_decoder_compact(d.h, i64(ended), &n, &e), &e)
	return ended[:n]
}

// Last returns the token that each of the slots sampled last, with its log-prob at temperature 1,
// and the k likeliest tokens in its place, the likeliest first: topIDs[i*k+j]. With k > 0 the slots
// must have taken part in the last call of AdmitEach or Step.
func (d *Decoder) Last(slots []int64, k int) (
	ids []int64, logprobs []float32, topIDs []int64, topLogprobs []float32,
) {
	n := len(slots)
	ids, logprobs = make([]int64, n), make([]float32, n)
	topIDs, topLogprobs = make([]int64, n*k), make([]float32, n*k)
	if n == 0 {
		return ids, logprobs, topIDs, topLogprobs
	}
	var e C.cb_err
	must(C.cb_decoder_last(d.h, i64(slots), C.int64_t(n), C.int64_t(k), i64(ids), f32(logprobs),
		i64(topIDs), f32(topLogprobs), &e), &e)
	return ids, logprobs, topIDs, topLogprobs
}

// Release returns a slot's sampled ids with their log-probs at temperature 1 and frees the slot.
func (d *Decoder) Release(slot int64) (ids []int64, logprobs []float32) {
	ids, logprobs = make([]int64, d.maxNew), make([]float32, d.maxNew)
	var n C.int64_t
	var e C.cb_err
	must(C.cb_decoder_release(d.h, C.int64_t(slot), i64(ids), f32(logprobs), &n, &e), &e)
	return ids[:n], logprobs[:n]
}

// Sample draws one token for each row of logits [B,V] float32: keys[b] and positions[b] key the
// noise.
func Sample(
	logits *Tensor, how Sampling, keys []uint64, positions []int64,
) (ids []int64, logprobs []float32) {
	c := how.c()
	ids, logprobs = make([]int64, len(keys)), make([]float32, len(keys))
	var e C.cb_err
	must(C.cb_sample(logits.handle(), &c, (*C.uint64_t)(unsafe.Pointer(unsafe.SliceData(keys))),
		i64(positions), i64(how.EndTokens), C.int64_t(len(how.EndTokens)),
		i64(ids), f32(logprobs), &e), &e)
	return ids, logprobs
}
