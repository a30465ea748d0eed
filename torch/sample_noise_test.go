package torch_test

import (
	"math/rand/v2"
	"testing"

	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

// draws is a series of keys and positions whose draws have to look independent.
type draws struct {
	name string
	key  func(i int) uint64
	pos  func(i int) int64
}

func mixedKey(i uint64) uint64 { return rand.NewPCG(i, 7).Uint64() }

// series are what a step draws with: rows beside each other, and one completion's positions. Keys
// that count up in either half are worse than any that a sampler makes.
var series = []draws{
	{"rows", func(i int) uint64 { return mixedKey(uint64(i)) }, func(int) int64 { return 5 }},
	{"rows of keys that count up", func(i int) uint64 { return uint64(i) },
		func(int) int64 { return 0 }},
	{"rows of upper halves that count up", func(i int) uint64 { return uint64(i) << 32 },
		func(int) int64 { return 0 }},
	{"positions", func(i int) uint64 { return mixedKey(uint64(i / 64)) },
		func(i int) int64 { return int64(i % 64) }},
	{"positions of one key", func(int) uint64 { return 99 }, func(i int) int64 { return int64(i) }},
	{"rows at other positions", func(i int) uint64 { return uint64(i) },
		func(i int) int64 { return int64(i % 64) }},
}

// pairCounts counts pairs of draws lag apart, each draw in one pair at most: [first*V+second].
func pairCounts(ids []int64, vocab, lag int) (count []float64, n float64) {
	count = make([]float64, vocab*vocab)
	for i := 0; i+2*lag <= len(ids); i += 2 * lag {
		for k := i; k < i+lag; k++ {
			count[int(ids[k])*vocab+int(ids[k+lag])]++
			n++
		}
	}
	return count, n
}

// independent is how often each pair comes when the second draw knows nothing of the first.
func independent(logits []float32, how torch.Sampling, n float64) []float64 {
	p := expected(logits, how, float64(how.Temperature), 1)
	var out []float64
	for _, first := range p {
		for _, second := range p {
			out = append(out, n*first*second)
		}
	}
	return out
}

// Draws of different rows and of different positions are independent, also where top-k and top-p
// have cut.
func TestDrawsAreIndependent(t *testing.T) {
	d := torchtest.Open(t, 1)
	logits := []float32{0.5, -1, 1.5, 0, 1, -0.4}
	for _, how := range []torch.Sampling{
		{Temperature: 1.3, TopP: 1, MaxNew: 99},
		{Temperature: 0.9, TopK: 5, TopP: 0.9, MaxNew: 99},
	} {
		for _, s := range series {
			r := sameLogits(logits, 16384, 0)
			for i := range r.keys {
				r.keys[i], r.pos[i] = s.key(i), s.pos(i)
			}
			torchtest.Do(t, d, func() {
				eachSampler(func(name string) {
					ids, _ := sampleRows(d, r, how)
					for _, lag := range []int{1, 2, 3, 16} {
						count, n := pairCounts(ids, len(logits), lag)
						chi, bound := torchtest.ChiSquare(count, independent(logits, how, n))
						if chi > bound {
							t.Errorf("%s, %s, lag %d: chi-square %g, above %g", name, s.name, lag,
								chi, bound)
						}
					}
				})
			})
		}
	}
}

// The statistic sees dependence: a tenth of the rows that repeat the row before are enough.
func TestRepeatedNoiseIsSeen(t *testing.T) {
	d := torchtest.Open(t, 1)
	logits := []float32{0.5, -1, 1.5, 0, 1, -0.4}
	how := torch.Sampling{Temperature: 1.3, TopP: 1, MaxNew: 99}
	r := sameLogits(logits, 16384, 0)
	for i := 1; i < len(r.keys); i += 20 {
		r.keys[i] = r.keys[i-1]
	}
	torchtest.Do(t, d, func() {
		ids, _ := sampleRows(d, r, how)
		count, n := pairCounts(ids, len(logits), 1)
		if chi, bound := torchtest.ChiSquare(count, independent(logits, how, n)); chi <= bound {
			t.Errorf("chi-square %g, below %g", chi, bound)
		}
	})
}
