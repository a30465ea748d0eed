package sampler

import (
	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/torch"
)

// round is one call of Generate: requests enter free slots in order, and leave as they end.
type round struct {
	s    *Sampler
	step int
	reqs []Request
	next int // the first request not admitted yet
	dec  *torch.Decoder
	at   map[int64]int // slot -> request
	out  []oaif.Completion
	// ended are the requests that the last turn ended, in order of admission.
	ended []int

	recording *torch.Recording // nil when nothing is recorded
	packed    model.Packed     // the prompts that were prefilled, when recording
	slotOf    []int64          // request -> slot, when recording
}

func (r *round) finished() bool { return r.next == len(r.reqs) && len(r.at) == 0 }

// turn is one bounded unit of device work: a prefill when enough slots are free, then one decode
// step.
func (r *round) turn() {
	free := min(slots, len(r.reqs)) - len(r.at)
	// A prefill costs as much for one prompt as for several: wait for a quarter of the slots, or
	// for the rest.
	if wait := min(slots/4, len(r.reqs)-r.next); r.next < len(r.reqs) && free >= wait {
		r.admit(min(free, len(r.reqs)-r.next))
	} else {
		r.dec.Step(1)
	}
	r.ended = r.ended[:0]
	for _, slot := range r.dec.Compact() {
		ids, logprobs := r.dec.Release(slot)
		r.out[r.at[slot]] = r.s.completion(ids, logprobs)
		r.ended = append(r.ended, r.at[slot])
		delete(r.at, slot)
	}
}

func (r *round) admit(n int) {
	seqs, keys := make([][]int32, n), make([]uint64, n)
	for i := range n {
		q := r.reqs[r.next+i]
		seqs[i] = q.Prompt.IDs
		keys[i] = NoiseKey(r.s.opt.Seed, r.step, q.Prompt.Index, q.Response)
	}
	p := model.Pack(seqs)
	if r.recording != nil {
		p = r.packed // all requests, packed before
	}
	tree := torch.NewTree(r.s.model.Device(), p.Nodes)
	defer tree.Close()
	for i, slot := range r.dec.Admit(tree, p.Rows, keys) {
		r.at[slot] = r.next + i
		r.slotOf = append(r.slotOf, slot)
	}
	r.next += n
}

// startRecording makes room for every token that this round can feed to the model. All requests fit
// into the slots, so they are admitted at once, as one tree. Device goroutine only.
func (r *round) startRecording() {
	seqs := make([][]int32, len(r.reqs))
	for i, q := range r.reqs {
		seqs[i] = q.Prompt.IDs
	}
	r.packed = model.Pack(seqs)
	rows := len(r.packed.Nodes.IDs) + len(r.reqs)*(r.s.opt.MaxNewTokens-1)
	if s := r.s; s.room == nil || s.room.Room() < rows {
		if s.room != nil {
			s.room.Close()
			s.room = nil // in case there is no memory for the larger one
		}
		// the next step's prompts may be a little longer
		s.room = torch.NewRecording(s.model.Model, rows+rows/16)
	}
	r.recording = r.s.room
	r.recording.Clear()
	r.dec.Record(r.recording)
}

// endRecording hands the recording over with the row of every position of every request. Device
// goroutine only.
func (r *round) endRecording() *model.Recorded {
	out := &model.Recorded{Recording: r.recording, Rows: make([][]int64, len(r.reqs))}
	request := make(map[int64]int, len(r.slotOf))
	for i, slot := range r.slotOf {
		request[slot] = i
		out.Rows[i] = append([]int64(nil), r.packed.Rows[i]...) // the tree's rows come first
	}
	slots, positions := r.recording.Rows()
	for row, slot := range slots {
		if slot < 0 {
			continue
		}
		// A sequence that had ended was fed on until its row left the batch: those rows come after
		// its tokens.
		if i := request[slot]; int(positions[row]) == len(out.Rows[i]) {
			out.Rows[i] = append(out.Rows[i], int64(row))
		}
	}
	return out
}
