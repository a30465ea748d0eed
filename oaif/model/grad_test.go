package model_test

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

// gradients returns the model's gradients by name. Device goroutine only.
func gradients(m *model.Model) map[string][]float32 {
	return m.Gradients()
}

// accumulate adds the gradient of sum(seed[i] * log-prob of sequence i). Device goroutine only.
func accumulate(m *model.Model, seqs []model.Sequence, seed []float32, segment int) []model.Scored {
	p := m.ForwardPass(seqs, segment)
	defer p.Close()
	p.Backward(seed)
	return p.Score
}

func seedsFor(seqs []model.Sequence) []float32 {
	out := make([]float32, len(seqs))
	for i := range out {
		out[i] = float32(i%3) - 0.75
	}
	return out
}

func TestCheckpointedGradientsAreThePlainOnes(t *testing.T) {
	for _, dtype := range []torch.DType{torch.Float32, torch.BFloat16} {
		m := load(t, torchtest.Open(t, 1), "testdata/tiny-untied", dtype, true)
		seqs := sequences()
		torchtest.Do(t, m.Device(), func() {
			var plain map[string][]float32
			var scores []model.Scored
			for _, segment := range []int{99, 2, 1} {
				m.ZeroGrad()
				got := accumulate(m, seqs, seedsFor(seqs), segment)
				if plain == nil {
					plain, scores = gradients(m), got
				}
				if !reflect.DeepEqual(gradients(m), plain) || !reflect.DeepEqual(got, scores) {
					t.Errorf("%s: segments of %d layers give other bits than no segments",
						dtype, segment)
				}
			}
			for i, s := range m.Score(seqs) {
				if !slices.Equal(s.Logprobs, scores[i].Logprobs) {
					t.Errorf("%s, sequence %d: ForwardPass and Score differ", dtype, i)
				}
			}
		})
	}
}

func TestGradientsRepeat(t *testing.T) {
	for _, name := range tiny {
		m := load(t, torchtest.Open(t, 2), "testdata/"+name, torch.Float32, true)
		seqs := sequences()
		torchtest.Do(t, m.Device(), func() {
			var runs [2]map[string][]float32
			for i := range runs {
				m.ZeroGrad()
				accumulate(m, seqs, seedsFor(seqs), 1)
				runs[i] = gradients(m)
			}
			if !reflect.DeepEqual(runs[0], runs[1]) {
				t.Errorf("%s: two backward passes differ", name)
			}
		})
	}
}

func TestMicroBatchesAddUpToTheBatch(t *testing.T) {
	seqs := sequences()
	seed := seedsFor(seqs)
	for _, name := range tiny {
		for _, c := range []struct {
			dtype torch.DType
			tol   float64 // of a tensor's norm
		}{{torch.Float32, 1e-6}, {torch.BFloat16, 0.01}} {
			m := load(t, torchtest.Open(t, 1), "testdata/"+name, c.dtype, true)
			torchtest.Do(t, m.Device(), func() {
				accumulate(m, seqs, seed, 1)
				whole := gradients(m)
				for _, cut := range []int{1, 4, 5} {
					m.ZeroGrad()
					accumulate(m, seqs[:cut], seed[:cut], 1)
					accumulate(m, seqs[cut:], seed[cut:], 1)
					for part, got := range gradients(m) {
						want := whole[part]
						for i := range got {
							got[i] -= want[i]
						}
						if off := norm(got) / norm(want); !(off < c.tol) {
							t.Errorf("%s, %s, cut at %d: %s is off by %g of its norm", name,
								c.dtype, cut, part, off)
						}
					}
				}
			})
		}
	}
}

// total is sum(seed[i] * log-prob of sequence i), in double precision. Device goroutine only.
func total(m *model.Model, seqs []model.Sequence, seed []float32) float64 {
	sum := 0.0
	for i, s := range m.Score(seqs) {
		sum += float64(seed[i]) * s.Sum()
	}
	return sum
}

// slope is the derivative of total along direction u of one tensor, by central differences.
func slope(m *model.Model, name string, u []float32, at func() float64) float64 {
	const h = 2e-3
	s := torch.NewScope()
	defer s.Close()
	w := m.Part(s, torch.Master, name)
	before := w.Float32()
	var f [2]float64
	for k, sign := range []float32{1, -1} {
		moved := slices.Clone(before)
		for i := range moved {
			moved[i] += sign * h * u[i]
		}
		w.Write(moved)
		m.Commit(false)
		f[k] = at()
	}
	w.Write(before)
	m.Commit(false)
	return (f[0] - f[1]) / (2 * h)
}

func norm(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}

// Along its own gradient a tensor's slope is the gradient's norm; along a random direction, their
// product.
func TestGradientsAgainstFiniteDifferences(t *testing.T) {
	eachTiny(t, true, func(t *testing.T, m *model.Model) {
		seqs := sequences()
		seed := seedsFor(seqs)
		rng := rand.New(rand.NewPCG(41, 42))
		torchtest.Do(t, m.Device(), func() {
			accumulate(m, seqs, seed, 1)
			for name, g := range gradients(m) {
				at := func() float64 { return total(m, seqs, seed) }
				n := norm(g)
				along, random := make([]float32, len(g)), make([]float32, len(g))
				want := 0.0
				for i := range g {
					along[i] = float32(float64(g[i]) / n)
					random[i] = float32(rng.NormFloat64() / math.Sqrt(float64(len(g))))
					want += float64(g[i]) * float64(random[i])
				}
				if got := slope(m, name, along, at); !(math.Abs(got-n) < 0.01*n+0.02) {
					t.Errorf("%s: slope %g along a gradient of norm %g", name, got, n)
				}
				if got := slope(m, name, random, at); !(math.Abs(got-want) < 0.02*n+0.02) {
					t.Errorf("%s: slope %g along a random direction, want %g", name, got, want)
				}
			}
		})
	})
}

func TestBFloat16GradientsAreTheSameButForRounding(t *testing.T) {
	d := torchtest.Open(t, 1)
	seqs := sequences()
	var got [2]map[string][]float32
	for i, dtype := range []torch.DType{torch.Float32, torch.BFloat16} {
		m := load(t, d, "testdata/tiny-untied", dtype, true)
		torchtest.Do(t, d, func() {
			accumulate(m, seqs, seedsFor(seqs), 1)
			got[i] = gradients(m)
		})
	}
	for name, a := range got[0] {
		dot, b := 0.0, got[1][name]
		for i := range a {
			dot += float64(a[i]) * float64(b[i])
		}
		if cos := dot / (norm(a) * norm(b)); !(cos > 0.99) {
			t.Errorf("%s: cosine %g between float32 and bfloat16", name, cos)
		}
		if ratio := norm(b) / norm(a); !(math.Abs(ratio-1) < 0.05) {
			t.Errorf("%s: a gradient %g times as long in bfloat16", name, ratio)
		}
	}
}
