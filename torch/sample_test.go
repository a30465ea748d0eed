package torch_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

type rows struct {
	logits [][]float32
	keys   []uint64
	pos    []int64
}

func randomRows(rng *rand.Rand, n, vocab int, scale float64) rows {
	r := rows{}
	for range n {
		r.logits = append(r.logits, normals(rng, vocab, scale))
		r.keys = append(r.keys, rng.Uint64())
		r.pos = append(r.pos, rng.Int64N(90))
	}
	return r
}

// sampleRows draws one token for each row. Device goroutine only.
func sampleRows(d *torch.Device, r rows, how torch.Sampling) ([]int64, []float32) {
	s := torch.NewScope()
	defer s.Close()
	flat := slices.Concat(r.logits...)
	return torch.Sample(s.FromFloat32(d, flat, len(r.keys), len(r.logits[0])), how, r.keys, r.pos)
}

var manners = map[string]torch.Sampling{
	"plain":  {Temperature: 0.9, TopP: 1, MaxNew: 99},
	"hot":    {Temperature: 3, TopP: 1, MaxNew: 99},
	"top-k":  {Temperature: 0.9, TopK: 5, TopP: 1, MaxNew: 99},
	"top-p":  {Temperature: 0.7, TopP: 0.8, MaxNew: 99},
	"both":   {Temperature: 1.3, TopK: 8, TopP: 0.6, MaxNew: 99},
	"narrow": {Temperature: 1, TopP: 1e-6, MaxNew: 99},
}

func TestDrawsFollowTheFormula(t *testing.T) {
	d := torchtest.Open(t, 1)
	for name, how := range manners {
		r := randomRows(rand.New(rand.NewPCG(1, 2)), 200, 300, 2)
		torchtest.Do(t, d, func() {
			ids, logprobs := sampleRows(d, r, how)
			for i, id := range ids {
				if want := plainDraw(r.logits[i], how, r.keys[i], r.pos[i]); id != want {
					t.Errorf("%s, row %d: drew %d, want %d", name, i, id, want)
				}
				if want := logprobOf(r.logits[i], id); math.Abs(float64(logprobs[i])-want) > 1e-5 {
					t.Errorf("%s, row %d: log-prob %g, want %g", name, i, logprobs[i], want)
				}
			}
		})
	}
}

func TestPortableDrawsAreTheNativeOnes(t *testing.T) {
	d := torchtest.Open(t, 2)
	for name, how := range manners {
		r := randomRows(rand.New(rand.NewPCG(3, 4)), 300, 500, 3)
		torchtest.Do(t, d, func() {
			native, nativeLP := sampleRows(d, r, how)
			portable(func() {
				ids, lp := sampleRows(d, r, how)
				close := func(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-5 }
				if !slices.Equal(ids, native) || !slices.EqualFunc(lp, nativeLP, close) {
					t.Errorf("%s: the two samplers differ", name)
				}
			})
		})
	}
}

func TestDrawDoesNotDependOnTheBatch(t *testing.T) {
	d := torchtest.Open(t, 1)
	r := randomRows(rand.New(rand.NewPCG(5, 6)), 40, 200, 2)
	for name, how := range manners {
		torchtest.Do(t, d, func() {
			all, _ := sampleRows(d, r, how)
			for i := range all {
				one := rows{r.logits[i : i+1], r.keys[i : i+1], r.pos[i : i+1]}
				if id, _ := sampleRows(d, one, how); id[0] != all[i] {
					t.Errorf("%s: row %d drew %d in a batch and %d alone", name, i, all[i], id[0])
				}
			}
		})
	}
}

func TestTemperatureZeroIsArgmax(t *testing.T) {
	d := torchtest.Open(t, 1)
	r := randomRows(rand.New(rand.NewPCG(7, 8)), 50, 100, 2)
	r.logits[0] = make([]float32, 100) // all equal: the first
	torchtest.Do(t, d, func() {
		ids, logprobs := sampleRows(d, r, torch.Sampling{TopP: 0.5, TopK: 3, MaxNew: 9})
		for i, id := range ids {
			if want := slices.Index(r.logits[i], slices.Max(r.logits[i])); int(id) != want {
				t.Errorf("row %d: %d is not the argmax %d", i, id, want)
			}
			if want := logprobOf(r.logits[i], id); math.Abs(float64(logprobs[i])-want) > 1e-5 {
				t.Errorf("row %d: log-prob %g, want %g at temperature 1", i, logprobs[i], want)
			}
		}
	})
}

// sameLogits repeats one row of logits with n keys.
func sameLogits(logits []float32, n int, pos int64) rows {
	r := rows{}
	rng := rand.New(rand.NewPCG(9, 10))
	for range n {
		r.logits = append(r.logits, logits)
		r.keys = append(r.keys, rng.Uint64())
		r.pos = append(r.pos, pos)
	}
	return r
}

func TestSupports(t *testing.T) {
	d := torchtest.Open(t, 1)
	logits := []float32{0.1, 2, 2, -1, 1.5, 0.9, 2, 1.2}
	for _, how := range []torch.Sampling{
		{Temperature: 1, TopP: 1, MaxNew: 1},
		{Temperature: 1, TopK: 2, TopP: 1, MaxNew: 1}, // three are equal at the top
		{Temperature: 1, TopK: 4, TopP: 1, MaxNew: 1},
		{Temperature: 2, TopP: 0.5, MaxNew: 1},
		{Temperature: 0.5, TopP: 0.9, MaxNew: 1},
		{Temperature: 1, TopK: 5, TopP: 0.7, MaxNew: 1},
		{Temperature: 1, TopK: 100, TopP: 1, MaxNew: 1},
	} {
		torchtest.Do(t, d, func() {
			ids, _ := sampleRows(d, sameLogits(logits, 4000, 0), how)
			seen := map[int]bool{}
			for _, id := range ids {
				seen[int(id)] = true
			}
			var got []int
			for id := range seen {
				got = append(got, id)
			}
			slices.Sort(got)
			if want := support(logits, how); !slices.Equal(got, want) {
				t.Errorf("%+v drew %v, want %v", how, got, want)
			}
		})
	}
}

// Pearson's chi-square with 7 degrees of freedom is below 24.3 in 99.9 % of cases; the keys are
// fixed, so the answer is always the same.
func TestFrequenciesAreSoftmaxProbabilities(t *testing.T) {
	d := torchtest.Open(t, 1)
	logits := []float32{0.5, -1, 2, 0, 1, -2, 1.7, 0.3}
	const n, temperature = 20000, 0.8
	ids := []int{0, 1, 2, 3, 4, 5, 6, 7}
	for _, pos := range []int64{0, 1, 17} {
		torchtest.Do(t, d, func() {
			how := torch.Sampling{Temperature: temperature, TopP: 1, MaxNew: 99}
			drawn, _ := sampleRows(d, sameLogits(logits, n, pos), how)
			count := make([]float64, len(logits))
			for _, id := range drawn {
				count[id]++
			}
			chi := 0.0
			for i, p := range softmax(logits, ids, temperature) {
				chi += (count[i] - n*p) * (count[i] - n*p) / (n * p)
			}
			if chi > 24.3 {
				t.Errorf("position %d: chi-square %g, counts %v", pos, chi, count)
			}
		})
	}
}

// The noise of one key at consecutive positions, as one completion uses it, is as good as fresh.
func TestPositionsAreIndependent(t *testing.T) {
	d := torchtest.Open(t, 1)
	r := sameLogits(make([]float32, 4), 20000, 0)
	for i := range r.pos {
		r.keys[i], r.pos[i] = uint64(i/20)<<32|77, int64(i%20)
	}
	torchtest.Do(t, d, func() {
		ids, _ := sampleRows(d, r, torch.Sampling{Temperature: 1, TopP: 1, MaxNew: 99})
		pairs := make([]float64, 16)
		for i := 0; i+1 < len(ids); i += 2 {
			pairs[ids[i]*4+ids[i+1]]++
		}
		chi := 0.0
		for _, c := range pairs {
			chi += (c - 625) * (c - 625) / 625
		}
		if chi > 37.7 { // 15 degrees of freedom, 99.9 %
			t.Errorf("chi-square %g, pairs %v", chi, pairs)
		}
	})
}

func TestMinNewBansEndTokens(t *testing.T) {
	d := torchtest.Open(t, 1)
	logits := []float32{50, 1, 60, 0.5} // 0 and 2 end a completion and are all but certain
	for _, temperature := range []float32{0, 1} {
		how := torch.Sampling{
			Temperature: temperature, TopP: 1, MinNew: 3, MaxNew: 9, EndTokens: []int64{0, 2, 2},
		}
		check := func() {
			for pos := range int64(5) {
				ids, logprobs := sampleRows(d, sameLogits(logits, 50, pos), how)
				for i, id := range ids {
					if end := id == 0 || id == 2; end != (pos >= 3) {
						t.Errorf("temperature %g, position %d: drew %d", temperature, pos, id)
					}
					if want := logprobOf(logits, id); math.Abs(float64(logprobs[i])-want) > 1e-4 {
						t.Errorf("log-prob %g of %d, want %g, as if nothing were banned",
							logprobs[i], id, want)
					}
				}
			}
		}
		torchtest.Do(t, d, func() {
			check()
			portable(check)
		})
	}
}

// A model that has diverged gives logits that are no numbers: some token is drawn, none out of
// range.
func TestLogitsThatAreNoNumbers(t *testing.T) {
	d := torchtest.Open(t, 1)
	nan := float32(math.NaN())
	r := sameLogits([]float32{nan, nan, nan}, 4, 0)
	r.logits[1] = []float32{1, nan, 2}
	r.logits[2] = []float32{nan, 1, 2}
	for _, temperature := range []float32{0, 1} {
		draw := func() {
			ids, _ := sampleRows(d, r, torch.Sampling{Temperature: temperature, TopP: 1, MaxNew: 1})
			for i, id := range ids {
				if id < 0 || id > 2 {
					t.Errorf("temperature %g, row %d: drew %d of 3", temperature, i, id)
				}
			}
		}
		torchtest.Do(t, d, func() {
			draw()
			portable(draw)
		})
	}
}

func TestSamplingSettingsAreChecked(t *testing.T) {
	d := torchtest.Open(t, 1)
	nan := float32(math.NaN())
	for _, how := range []torch.Sampling{
		{Temperature: -1, TopP: 1, MaxNew: 1}, {Temperature: nan, TopP: 1, MaxNew: 1},
		{Temperature: float32(math.Inf(1)), TopP: 1, MaxNew: 1},
		{Temperature: 1, TopP: 0, MaxNew: 1},
		{Temperature: 1, TopP: 1.5, MaxNew: 1}, {Temperature: 1, TopP: nan, MaxNew: 1},
		{Temperature: 1, TopP: 1, TopK: -1, MaxNew: 1}, {Temperature: 1, TopP: 1},
		{Temperature: 1, TopP: 1, MinNew: 3, MaxNew: 2},
		{Temperature: 1, TopP: 1, MinNew: -1, MaxNew: 2},
	} {
		torchtest.Do(t, d, func() {
			refused(t, "Sample", func() { sampleRows(d, sameLogits([]float32{1, 2}, 1, 0), how) })
		})
	}
}
