package trainer

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/checkpoint"
	"github.com/oaif/oaif/torch"
)

// state is what a checkpoint holds besides weights and optimizer.
type state struct {
	Step     int               `json:"step"`     // steps done
	Updates  int               `json:"updates"`  // optimizer steps: fewer, when one kept no pair
	Inputs   map[string]string `json:"inputs"`   // see digests
	Baseline string            `json:"baseline"` // SHA-256 of eval/step-0.jsonl
	// Annotator is the ID that its verdicts are stored under: a command's program can change.
	Annotator string `json:"annotator,omitempty"`
	// Evaluated is the last step whose evaluation is in the logs.
	Evaluated int              `json:"evaluated"`
	Judged    annotator.Health `json:"judged"` // of the first steps, see callOutPosition
}

// save writes a checkpoint of the step that was just done.
func (t *Trainer) save() error {
	w := newWatch()
	s := torch.NewScope()
	var blobs []checkpoint.Blob
	err := t.dev.Do(func() {
		blobs = []checkpoint.Blob{
			t.blob("weights", t.masters(s)),
			t.blob("optimizer", t.optimizer.State(s)),
		}
	})
	if err == nil {
		err = t.run.Save(t.state.Step, t.state, blobs)
	}
	if e := t.dev.Do(s.Close); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	t.saved = t.state.Step
	w.lap("checkpoint")
	_, err = t.system(t.state.Step, w, 0)
	return err
}

// restore puts the policy, the optimizer and the state of a checkpoint in place.
func (t *Trainer) restore(cp *checkpoint.Checkpoint) error {
	inputs := t.state.Inputs
	t.state = state{}
	if err := cp.State(&t.state); err != nil {
		return err
	}
	if err := checkInputs(t.state.Inputs, inputs); err != nil {
		return err
	}
	if was := t.state.Annotator; was != "" && was != t.ai.ID {
		t.observer.Warn("the annotator's program has changed since the run began: from here on " +
			"the new one judges")
	}
	t.state.Annotator = t.ai.ID
	t.saved = cp.Step
	s := torch.NewScope()
	var masters, moments []*torch.Tensor
	err := t.dev.Do(func() { masters, moments = t.masters(s), t.optimizer.State(s) })
	if err == nil {
		err = t.fill(cp, "weights", masters)
	}
	if err == nil {
		err = t.fill(cp, "optimizer", moments)
	}
	if e := t.dev.Do(func() { s.Close(); t.policy.Commit(true) }); err == nil {
		err = e
	}
	return err
}

// masters returns the policy's fp32 weights, buffer by buffer. Device goroutine only.
func (t *Trainer) masters(s *torch.Scope) []*torch.Tensor {
	out := make([]*torch.Tensor, t.policy.Buffers())
	for i := range out {
		out[i] = t.policy.Buffer(s, torch.Master, i)
	}
	return out
}

// blob streams tensors as little-endian float32, one after the other. Device goroutine only; Write
// is not.
func (t *Trainer) blob(name string, tensors []*torch.Tensor) checkpoint.Blob {
	size := int64(0)
	for _, x := range tensors {
		size += int64(x.Len()) * 4
	}
	return checkpoint.Blob{Name: name, Size: size, Write: func(w io.Writer) error {
		values, raw := make([]float32, floatsPerChunk), make([]byte, 4*floatsPerChunk)
		return t.chunks(tensors, func(part *torch.Tensor, n int) error {
			if err := t.dev.Do(func() { part.Read(values[:n]) }); err != nil {
				return err
			}
			for i, v := range values[:n] {
				binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(v))
			}
			_, err := w.Write(raw[:4*n])
			return err
		})
	}}
}

// fill reads a blob that was made of tensors of the same sizes back into them.
func (t *Trainer) fill(cp *checkpoint.Checkpoint, name string, tensors []*torch.Tensor) error {
	f, err := cp.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read from
	values, raw := make([]float32, floatsPerChunk), make([]byte, 4*floatsPerChunk)
	return t.chunks(tensors, func(part *torch.Tensor, n int) error {
		if _, err := io.ReadFull(f, raw[:4*n]); err != nil {
			return oaif.DataError(fmt.Sprintf("%s: %v", f.Name(), err))
		}
		for i := range n {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
		return t.dev.Do(func() { part.Write(values[:n]) })
	})
}

// floatsPerChunk bounds what is converted at a time: 4 MB.
const floatsPerChunk = 1 << 20

// chunks calls use with consecutive parts of flat tensors and their lengths. use is not on the
// device goroutine.
func (t *Trainer) chunks(tensors []*torch.Tensor, use func(part *torch.Tensor, n int) error) error {
	for _, x := range tensors {
		size := 0
		if err := t.dev.Do(func() { size = x.Len() }); err != nil {
			return err
		}
		for at := 0; at < size; at += floatsPerChunk {
			n := min(floatsPerChunk, size-at)
			s := torch.NewScope()
			var part *torch.Tensor
			err := t.dev.Do(func() { part = s.Narrow(x, 0, at, n) })
			if err == nil {
				err = use(part, n)
			}
			if e := t.dev.Do(s.Close); err == nil {
				err = e
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
