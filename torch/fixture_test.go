package torch_test

import (
	"math/rand/v2"
	"testing"

	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

// scoped is torchtest.Do with a scope of its own.
func scoped(t *testing.T, d *torch.Device, f func(s *torch.Scope)) {
	t.Helper()
	torchtest.Do(t, d, func() {
		s := torch.NewScope()
		defer s.Close()
		f(s)
	})
}

// zeros returns a float32 tensor of zeros. Device goroutine only.
func zeros(s *torch.Scope, d *torch.Device, shape ...int) *torch.Tensor {
	n := 1
	for _, size := range shape {
		n *= size
	}
	return s.FromFloat32(d, make([]float32, n), shape...)
}

// portable runs f with the operators that CUDA uses.
func portable(f func()) {
	torch.SetPortable(true)
	defer torch.SetPortable(false)
	f()
}

func tinyArch() torch.Arch {
	return torch.Arch{
		Layers: 2, Hidden: 16, Heads: 4, KVHeads: 2, HeadDim: 4, FFN: 24, Vocab: 31, Context: 64,
		NormEps: 1e-5, Tied: true, Ropes: []torch.Rope{{InvFreq: []float64{1, 0.1}, Magnitude: 1}},
	}
}

// newModel returns a model with random weights, the same for the same seed whatever the dtype.
// Device goroutine only; close it.
func newModel(d *torch.Device, dtype torch.DType, trainable bool, seed uint64) *torch.Model {
	m := torch.NewModel(d, tinyArch(), dtype, trainable)
	set := torch.Compute
	if trainable {
		set = torch.Master
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	s := torch.NewScope()
	defer s.Close()
	for i := range m.Buffers() {
		b := m.Buffer(s, set, i)
		b.Write(normals(rng, b.Len(), 0.4))
	}
	m.Commit(false)
	return m
}

func normals(rng *rand.Rand, n int, scale float64) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(rng.NormFloat64() * scale)
	}
	return out
}

// sequence is one node without a parent.
func sequence(ids ...int64) torch.Nodes {
	n := torch.Nodes{
		IDs: ids, Start: []int64{0}, Len: []int64{int64(len(ids))}, Parent: []int64{-1},
	}
	for i := range ids {
		n.Positions = append(n.Positions, int64(i))
	}
	return n
}

// upTo returns 0, 1, ..., n-1.
func upTo(n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = int64(i)
	}
	return out
}
