package torch_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

var text = []int64{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8}

// scores returns the log-probs of text's tokens after the first. Device goroutine only.
func scores(d *torch.Device, m *torch.Model) []float32 {
	s := torch.NewScope()
	defer s.Close()
	tree := torch.NewTree(d, sequence(text...))
	defer tree.Close()
	lp, _ := m.Logprobs(m.Forward(s, tree, nil), upTo(len(text)-1), text[1:], false)
	return lp
}

func TestBFloat16IsNearFloat32(t *testing.T) {
	d := torchtest.Open(t, 1)
	torchtest.Do(t, d, func() {
		var got [3][]float32
		for i, c := range []struct {
			dtype     torch.DType
			trainable bool
		}{{torch.Float32, false}, {torch.BFloat16, false}, {torch.BFloat16, true}} {
			m := newModel(d, c.dtype, c.trainable, 1)
			got[i] = scores(d, m)
			m.Close()
		}
		for i := range got[0] {
			if diff := math.Abs(float64(got[0][i] - got[1][i])); !(diff < 0.15) {
				t.Errorf("token %d: %g in float32, %g in bfloat16", i, got[0][i], got[1][i])
			}
		}
		if slices.Equal(got[0], got[1]) {
			t.Error("bfloat16 computed in float32")
		}
		if !slices.Equal(got[1], got[2]) {
			t.Error("a model with float32 masters computes other log-probs")
		}
	})
}

func TestPortableAndPrepackedAgree(t *testing.T) {
	d := torchtest.Open(t, 1)
	torchtest.Do(t, d, func() {
		m := newModel(d, torch.Float32, false, 1)
		defer m.Close()
		want := scores(d, m)
		var onCUDA, packed []float32
		portable(func() { onCUDA = scores(d, m) })
		m.Commit(true)
		packed = scores(d, m)
		for i, w := range want {
			if math.Abs(float64(onCUDA[i]-w)) > 1e-5 || math.Abs(float64(packed[i]-w)) > 1e-5 {
				t.Errorf("token %d: %g native, %g portable, %g prepacked",
					i, w, onCUDA[i], packed[i])
			}
		}
	})
}

// trainStep does one step towards text; it returns the log-probs before it. Device goroutine only.
func trainStep(d *torch.Device, m *torch.Model, o *torch.AdamW, step int) []float32 {
	s := torch.NewScope()
	defer s.Close()
	tree := torch.NewTree(d, sequence(text...))
	defer tree.Close()
	tape := torch.NewTape(1)
	defer tape.Close()
	lp, _, head := m.LogprobsWithGrad(tape, m.Forward(s, tree, tape), upTo(len(text)-1), text[1:])
	defer head.Close()
	m.ZeroGrad()
	seed := make([]float32, len(lp))
	for i := range seed {
		seed[i] = -1
	}
	m.Backward(tree, tape, m.HeadBackward(s, head, seed))
	o.Step(1e-2, 1/max(1, m.GradNorm()), step)
	m.Commit(false)
	return lp
}

func sum(x []float32) float64 {
	total := 0.0
	for _, v := range x {
		total += float64(v)
	}
	return total
}

func TestTrainingRaisesTheLogprobAndRepeats(t *testing.T) {
	d := torchtest.Open(t, 2)
	for _, dtype := range []torch.DType{torch.Float32, torch.BFloat16} {
		torchtest.Do(t, d, func() {
			var runs [2][]float32
			for r := range runs {
				m := newModel(d, dtype, true, 1)
				o := torch.NewAdamW(m, 0.9, 0.95, 1e-8, 0.01)
				first := trainStep(d, m, o, 1)
				for step := 2; step <= 8; step++ {
					trainStep(d, m, o, step)
				}
				runs[r] = scores(d, m)
				if !(sum(runs[r]) > sum(first)+5) {
					t.Errorf("%s: from %g to %g nats", dtype, sum(first), sum(runs[r]))
				}
				o.Close()
				m.Close()
			}
			if !slices.Equal(runs[0], runs[1]) {
				t.Errorf("%s: two runs differ", dtype)
			}
		})
	}
}

func TestBuffers(t *testing.T) {
	d := torchtest.Open(t, 1)
	scoped(t, d, func(s *torch.Scope) {
		m := newModel(d, torch.BFloat16, true, 1)
		defer m.Close()
		o := torch.NewAdamW(m, 0.9, 0.95, 1e-8, 0)
		defer o.Close()
		a := m.Arch()
		q, kv := a.Heads*a.HeadDim, a.KVHeads*a.HeadDim
		layer := a.Hidden + (q+2*kv)*a.Hidden + a.Hidden*q + a.Hidden + 3*a.FFN*a.Hidden
		want := []int{layer, layer, a.Vocab * a.Hidden, a.Hidden}
		if m.Buffers() != len(want) || m.Device() != d {
			t.Errorf("%d buffers", m.Buffers())
		}
		for i, n := range want {
			master, compute := m.Buffer(s, torch.Master, i), m.Buffer(s, torch.Compute, i)
			grad, moment := m.Buffer(s, torch.Grad, i), o.Moment(s, 1, i)
			for _, b := range []*torch.Tensor{master, compute, grad, moment} {
				if b.Len() != n {
					t.Errorf("buffer %d has %d elements, want %d", i, b.Len(), n)
				}
			}
			if master.DType() != torch.Float32 || compute.DType() != torch.BFloat16 ||
				grad.DType() != torch.Float32 {
				t.Errorf("buffer %d: %s, %s, %s", i, master.DType(), compute.DType(), grad.DType())
			}
		}
		refused(t, "a buffer too far", func() { m.Buffer(s, torch.Compute, 4) })
	})
}

func TestGradientsComeAndGo(t *testing.T) {
	d := torchtest.Open(t, 1)
	scoped(t, d, func(s *torch.Scope) {
		m := newModel(d, torch.Float32, true, 1)
		defer m.Close()
		o := torch.NewAdamW(m, 0.9, 0.95, 1e-8, 0)
		defer o.Close()
		trainStep(d, m, o, 1)
		first := m.GradNorm()
		m.DropGrad()
		if n := m.GradNorm(); n != 0 || first == 0 {
			t.Errorf("gradient norm %g, and %g after it was dropped", first, n)
		}
		fresh := newModel(d, torch.Float32, true, 1)
		defer fresh.Close()
		fresh.DropGrad()
		again := torch.NewAdamW(fresh, 0.9, 0.95, 1e-8, 0)
		defer again.Close()
		trainStep(d, fresh, again, 1)
		if n := fresh.GradNorm(); n != first {
			t.Errorf("gradient norm %g, want %g", n, first)
		}
		frozen := newModel(d, torch.Float32, false, 1)
		defer frozen.Close()
		refused(t, "gradients of a frozen model", frozen.ZeroGrad)
	})
}

func TestHeadWithoutRowsAndWithWrongSeeds(t *testing.T) {
	d := torchtest.Open(t, 1)
	scoped(t, d, func(s *torch.Scope) {
		m := newModel(d, torch.Float32, true, 1)
		defer m.Close()
		tree := torch.NewTree(d, sequence(1, 2, 3))
		defer tree.Close()
		tape := torch.NewTape(1)
		defer tape.Close()
		hidden := m.Forward(s, tree, tape)
		if lp, ent := m.Logprobs(hidden, nil, nil, true); len(lp)+len(ent) != 0 {
			t.Errorf("%v, %v", lp, ent)
		}
		if kl, ent := m.KL(hidden, m, hidden, nil); len(kl)+len(ent) != 0 {
			t.Errorf("%v, %v", kl, ent)
		}
		if next := m.NextLogprobs(hidden, nil, []int64{1}); len(next) != 0 {
			t.Errorf("%v", next)
		}
		plain, none := m.Logprobs(hidden, []int64{0, 1}, []int64{2, 3}, false)
		lp, ent := m.Logprobs(hidden, []int64{0, 1}, []int64{2, 3}, true)
		if !slices.Equal(lp, plain) || len(ent) != 2 || none != nil {
			t.Errorf("%v and %v with entropies, %v and %v without", lp, ent, plain, none)
		}
		_, _, head := m.LogprobsWithGrad(tape, hidden, []int64{0}, []int64{2})
		defer head.Close()
		refused(t, "two seeds for one log-prob",
			func() { m.HeadBackward(s, head, []float32{1, 2}) })
		var e *torch.Error
		err := torch.Catch(func() { m.Logprobs(hidden, []int64{3}, []int64{0}, false) })
		if !errors.As(err, &e) || e.Code != torch.CodeIndex {
			t.Errorf("a row too far: %v", err)
		}
		for _, id := range []int64{-1, 31} {
			refused(t, "a target outside the vocabulary", func() {
				m.Logprobs(hidden, []int64{0}, []int64{id}, false)
			})
		}
	})
}
