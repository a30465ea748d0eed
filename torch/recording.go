package torch

// #include "cbridge.h"
import "C"

// Recording holds the activations of one round of sampling, so that the step that trains on the
// sampled tokens need not run the policy's forward pass again: the weights have not changed in
// between. Device goroutine only.
type Recording struct {
	h    *C.cb_recording
	rows int
}

// NewRecording makes room for the activations of the given number of packed tokens.
func NewRecording(m *Model, rows int) *Recording {
	var h *C.cb_recording
	var e C.cb_err
	must(C.cb_recording_new(m.h, C.int64_t(rows), &h, &e), &e)
	return &Recording{h, rows}
}

// Close frees the recording. Closing twice is allowed.
func (r *Recording) Close() {
	C.cb_recording_free(r.h)
	r.h = nil
}

// Room returns the number of rows that fit.
func (r *Recording) Room() int { return r.rows }

// Clear empties the recording for another round, and makes its memory present. Gradients that lie
// in it are lost.
func (r *Recording) Clear() {
	var e C.cb_err
	must(C.cb_recording_clear(r.h, &e), &e)
}

// Release empties the recording and gives its memory back until Clear.
func (r *Recording) Release() {
	var e C.cb_err
	must(C.cb_recording_release(r.h, &e), &e)
}

// Record makes the decoder record the one tree that is admitted and all steps after it.
func (d *Decoder) Record(r *Recording) {
	var e C.cb_err
	must(C.cb_decoder_record(d.h, r.h, &e), &e)
}

// Rows says where each recorded row comes from: slot -1 and the row of the admitted tree, or a
// decode slot and the position of the token in its sequence.
func (r *Recording) Rows() (slot, position []int64) {
	slot, position = make([]int64, r.rows), make([]int64, r.rows)
	var n C.int64_t
	var e C.cb_err
	must(C.cb_recording_rows(r.h, i64(slot), i64(position), C.int64_t(r.rows), &n, &e), &e)
	return slot[:n], position[:n]
}

// Tape returns what Forward with a tape would have given for a tree whose packed row i was recorded
// as rows[i]: the tape and the hidden rows [N,H]. The recording must stay open until the tape is
// used up. last says that no other tape is taken before Clear: the backward pass then puts the
// gradients into the recording's memory where it is the only one since ZeroGrad, and gives the
// memory back where not.
func (r *Recording) Tape(s *Scope, rows []int64, last bool) (*Tape, *Tensor) {
	final := C.int32_t(0)
	if last {
		final = 1
	}
	var t *C.cb_tape
	var h *C.cb_tensor
	var e C.cb_err
	must(C.cb_recording_tape(r.h, i64(rows), C.int64_t(len(rows)), final, &t, &h, &e), &e)
	return &Tape{t}, s.take(h)
}
