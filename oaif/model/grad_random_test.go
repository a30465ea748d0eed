package model_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

// anySequences makes up to 9 sequences of every kind: of few tokens, so that prompts and answers
// begin alike or are one another's beginning, of one token, of none, the same twice, and with large
// some that are long.
func anySequences(rng *rand.Rand, large bool) []model.Sequence {
	few := func(n int) []int32 {
		out := make([]int32, n)
		for i := range out {
			out[i] = rng.Int32N(3)
		}
		return out
	}
	out := make([]model.Sequence, 1+rng.IntN(9))
	for i := range out {
		out[i] = model.Sequence{Prompt: few(1 + rng.IntN(4)), Completion: few(rng.IntN(6))}
		switch {
		case i > 0 && rng.IntN(5) == 0:
			out[i] = out[i-1]
		case i > 0 && rng.IntN(3) == 0:
			out[i].Prompt = slices.Concat(out[i-1].Prompt, out[i-1].Completion)
		case large:
			out[i].Prompt = tokens(rng, 20+rng.IntN(30))
		}
	}
	if len(out[0].Completion) == 0 {
		out[0].Completion = few(1) // or there may be no gradient at all
	}
	return out
}

// anySeeds has zeros in it: what a loss that is satisfied gives.
func anySeeds(rng *rand.Rand, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		if i == 0 || rng.IntN(4) > 0 {
			out[i] = float32(rng.NormFloat64())
		}
	}
	return out
}

// inParts adds up the gradient in passes of some sequences each, which it deals out at random.
// Device goroutine only.
func inParts(
	rng *rand.Rand, m *model.Model, seqs []model.Sequence, seed []float32, size int,
) map[string][]float32 {
	m.ZeroGrad()
	for which := range slices.Chunk(rng.Perm(len(seqs)), size) {
		var part []model.Sequence
		var seeds []float32
		for _, i := range which {
			part, seeds = append(part, seqs[i]), append(seeds, seed[i])
		}
		accumulate(m, part, seeds, 1+rng.IntN(3))
	}
	return gradients(m)
}

// However sequences are packed, in whatever order, in however many passes and with layers run again
// or not: the gradient is the sum of those of the sequences alone.
func TestGradientIsTheSumOfItsSequences(t *testing.T) {
	eachTiny(t, true, func(t *testing.T, m *model.Model) {
		rng := rand.New(rand.NewPCG(43, 44))
		torchtest.Do(t, m.Device(), func() {
			for i := range 40 {
				seqs := anySequences(rng, i%4 == 0) // beyond the rows at which products change
				seed := anySeeds(rng, len(seqs))
				want := inParts(rng, m, seqs, seed, 1)
				for _, size := range []int{2, 3, len(seqs)} {
					if d := apart(inParts(rng, m, seqs, seed, size), want); d != "" {
						t.Errorf("%v in passes of %d: %s", seqs, size, d)
					}
				}
			}
		})
	})
}

// together is a gradient's norm over all tensors.
func together(g map[string][]float32) float64 {
	return norm(slices.Concat(slices.Collect(maps.Values(g))...))
}

// apart names a tensor whose gradient is further from the other one than rounding explains: by 1e-5
// of its norm and 1e-7 of that of all tensors together. The latter is all that queries and keys
// have where no token has a choice of keys.
func apart(got, want map[string][]float32) string {
	all := together(want)
	for part, g := range got {
		d := make([]float32, len(g))
		for i := range d {
			d[i] = g[i] - want[part][i]
		}
		if !(norm(d) <= 1e-5*norm(want[part])+1e-7*all) {
			return fmt.Sprintf("%s is off by %g, its norm is %g, that of all %g", part, norm(d),
				norm(want[part]), all)
		}
	}
	return ""
}

// Layers that are run again give the bits that were not kept, whatever the sequences.
func TestRunningLayersAgainChangesNoBit(t *testing.T) {
	eachTiny(t, true, func(t *testing.T, m *model.Model) {
		rng := rand.New(rand.NewPCG(45, 46))
		torchtest.Do(t, m.Device(), func() {
			for i := range 20 {
				seqs := anySequences(rng, i%4 == 0)
				seed := anySeeds(rng, len(seqs))
				for _, on := range []bool{false, true} {
					torch.SetPortable(on)
					m.ZeroGrad()
					accumulate(m, seqs, seed, 99)
					want := gradients(m)
					m.ZeroGrad()
					accumulate(m, seqs, seed, 1)
					if !reflect.DeepEqual(gradients(m), want) {
						t.Errorf("%v, portable %v: other bits", seqs, on)
					}
				}
				torch.SetPortable(false)
			}
		})
	})
}

// An answer that is given the opposite seeds, as identical answers of a pair are, teaches nothing.
func TestOppositeSeedsCancel(t *testing.T) {
	eachTiny(t, true, func(t *testing.T, m *model.Model) {
		rng := rand.New(rand.NewPCG(47, 48))
		torchtest.Do(t, m.Device(), func() {
			for range 10 {
				seqs := []model.Sequence{{Prompt: tokens(rng, 1+rng.IntN(5)),
					Completion: tokens(rng, 1+rng.IntN(5))}}
				m.ZeroGrad()
				accumulate(m, seqs, []float32{1}, 1)
				one := together(gradients(m))
				m.ZeroGrad()
				accumulate(m, append(seqs, seqs[0]), []float32{1, -1}, 1)
				if left := together(gradients(m)); !(left < 1e-6*one) {
					t.Errorf("%g is left of %g", left, one)
				}
			}
		})
	})
}
