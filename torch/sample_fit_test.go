package torch_test

import (
	"math/rand/v2"
	"testing"

	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

// eachSampler calls f with the CPU's own sampler and with the operators that CUDA uses. Device
// goroutine only.
func eachSampler(f func(name string)) {
	f("native")
	portable(func() { f("portable") })
}

// expected is how often each token comes in n draws from softmax(logits/temperature) over what
// top-k and top-p leave; zero for every other one.
func expected(logits []float32, how torch.Sampling, temperature, n float64) []float64 {
	out := make([]float64, len(logits))
	ids := support(logits, how)
	for i, p := range softmax(logits, ids, temperature) {
		out[ids[i]] = n * p
	}
	return out
}

// sampled counts the tokens of n draws from one row of logits, each with a key of its own, at
// positions all over a completion. Device goroutine only.
func sampled(d *torch.Device, logits []float32, how torch.Sampling, n int) []float64 {
	r := sameLogits(logits, n, 0)
	for i := range r.pos {
		r.pos[i] = int64(i % 61)
	}
	count := make([]float64, len(logits))
	ids, _ := sampleRows(d, r, how)
	for _, id := range ids {
		count[id]++
	}
	return count
}

// fits are the settings that draws are compared under, one at least of each kind of cut.
var fits = []torch.Sampling{
	{Temperature: 1, TopP: 1, MaxNew: 99},
	{Temperature: 0.35, TopP: 1, MaxNew: 99},
	{Temperature: 2.5, TopP: 1, MaxNew: 99},
	{Temperature: 0.8, TopK: 2, TopP: 1, MaxNew: 99},
	{Temperature: 1.6, TopK: 7, TopP: 1, MaxNew: 99},
	{Temperature: 0.9, TopP: 0.75, MaxNew: 99},
	{Temperature: 2, TopP: 0.95, MaxNew: 99},
	{Temperature: 1.2, TopK: 6, TopP: 0.9, MaxNew: 99},
	{Temperature: 0.7, TopK: 9, TopP: 0.5, MaxNew: 99},
}

// Draws follow softmax(logits/T) over what top-k and top-p leave, and nothing else is ever drawn:
// the statistic of such a token is infinite. A temperature that is off by a fifth would not pass.
func TestDrawsFitTheDistribution(t *testing.T) {
	d := torchtest.Open(t, 1)
	rng := rand.New(rand.NewPCG(61, 62))
	const n, off = 40000, 1.2
	for _, how := range fits {
		logits := normals(rng, 12, 1.5)
		torchtest.Do(t, d, func() {
			eachSampler(func(name string) {
				count := sampled(d, logits, how, n)
				temperature := float64(how.Temperature)
				chi, bound := torchtest.ChiSquare(count, expected(logits, how, temperature, n))
				if chi > bound {
					t.Errorf("%s, %+v: chi-square %g, above %g: %v", name, how, chi, bound, count)
				}
				for _, wrong := range []float64{temperature * off, temperature / off} {
					chi, bound := torchtest.ChiSquare(count, expected(logits, how, wrong, n))
					if chi <= bound {
						t.Errorf("%s, %+v: chi-square %g, below %g, for temperature %g", name, how,
							chi, bound, wrong)
					}
				}
			})
		})
	}
}

// Every draw from a row of its own is one that top-k and top-p leave, whatever the logits: steep
// and flat ones, equal ones, and a vocabulary smaller than k.
func TestDrawsStayInTheSupport(t *testing.T) {
	d := torchtest.Open(t, 1)
	rng := rand.New(rand.NewPCG(63, 64))
	for range 40 {
		vocab := 1 + rng.IntN(30)
		r := randomRows(rng, 200, vocab, []float64{0.1, 1, 6}[rng.IntN(3)])
		for i := range r.logits {
			if i%3 == 0 { // many equals
				for k := range r.logits[i] {
					r.logits[i][k] = float32(rng.IntN(4))
				}
			}
		}
		// Odd shares, which no sum of equal tokens' probabilities comes near to.
		how := torch.Sampling{Temperature: float32(0.3 + 2*rng.Float64()), TopK: rng.IntN(12),
			TopP: float32(0.05 + 0.9137*rng.Float64()), MaxNew: 99}
		torchtest.Do(t, d, func() {
			eachSampler(func(name string) {
				ids, _ := sampleRows(d, r, how)
				for i, id := range ids {
					allowed := expected(r.logits[i], how, 1, 1)
					if allowed[id] == 0 {
						t.Errorf("%s, %+v: drew %d from %v", name, how, id, r.logits[i])
					}
				}
			})
		})
	}
}
