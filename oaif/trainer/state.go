package trainer

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/checkpoint"
	"github.com/oaif/oaif/torch"
)

// state is what a checkpoint holds besides weights and optimizer.
type state struct {
	Step    int               `json:"step"`    // steps done
	Updates int               `json:"updates"` // optimizer steps taken: fewer, when a step kept no pair
	Inputs  map[string]string `json:"inputs"`  // see digests
}

// save writes a checkpoint of the step that was just done.
func (t *Trainer) save() error {
	w := newWatch()
	s := torch.NewScope()
	var blobs []checkpoint.Blob
	err := t.dev.Do(func() {
		blobs = []checkpoint.Blob{t.blob("weights", t.masters(s)), t.blob("optimizer", t.optimizer.State(s))}
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

// blob streams tensors as little-endian float32, one after the other. Device goroutine only; Write is not.
func (t *Trainer) blob(name string, tensors []*torch.Tensor) checkpoint.Blob {
	size := int64(0)
	for _, x := range tensors {
		size += int64(x.Len()) * 4
	}
	return checkpoint.Blob{Name: name, Size: size, Write: func(w io.Writer) error {
		for _, x := range tensors {
			var values []float32
			if err := t.dev.Do(func() { values = x.Float32() }); err != nil {
				return err
			}
			if err := writeFloats(w, values); err != nil {
				return err
			}
		}
		return nil
	}}
}

// fill reads a blob that was made of tensors of the same sizes back into them.
func (t *Trainer) fill(cp *checkpoint.Checkpoint, name string, tensors []*torch.Tensor) error {
	f, err := cp.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read from
	r := bufio.NewReaderSize(f, 1<<20)
	for _, x := range tensors {
		n := 0
		if err := t.dev.Do(func() { n = x.Len() }); err != nil {
			return err
		}
		values, err := readFloats(r, n)
		if err != nil {
			return oaif.DataError(fmt.Sprintf("%s: %v", f.Name(), err))
		}
		if err := t.dev.Do(func() { x.Write(values) }); err != nil {
			return err
		}
	}
	return nil
}

// floatsPerChunk bounds the bytes that are converted at a time.
const floatsPerChunk = 1 << 16

func writeFloats(w io.Writer, values []float32) error {
	buf := make([]byte, 4*floatsPerChunk)
	for len(values) > 0 {
		n := min(len(values), floatsPerChunk)
		for i, v := range values[:n] {
			binary.LittleEndian.PutUint32(buf[4*i:], math.Float32bits(v))
		}
		if _, err := w.Write(buf[:4*n]); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}

func readFloats(r io.Reader, n int) ([]float32, error) {
	out := make([]float32, n)
	buf := make([]byte, 4*floatsPerChunk)
	for at := 0; at < n; {
		k := min(n-at, floatsPerChunk)
		if _, err := io.ReadFull(r, buf[:4*k]); err != nil {
			return nil, err
		}
		for i := range k {
			out[at+i] = math.Float32frombits(binary.LittleEndian.Uint32(buf[4*i:]))
		}
		at += k
	}
	return out, nil
}
