package sampler_test

import (
	"math"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/oaif/model/modeltest"
	"github.com/oaif/oaif/oaif/sampler"
	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

// nextProbabilities is softmax(logits/temperature) of the token after text, over the whole
// vocabulary.
func nextProbabilities(
	t *testing.T, m *model.Model, text []int32, temperature float64,
) []float64 {
	t.Helper()
	all := make([]int32, modeltest.Config().Vocab)
	for i := range all {
		all[i] = int32(i)
	}
	var next []float64
	torchtest.Do(t, m.Device(), func() { next = m.NextLogprobs([][]int32{text}, all)[0] })
	sum := 0.0
	for i := range next {
		next[i] = math.Exp(next[i] / temperature)
		sum += next[i]
	}
	for i := range next {
		next[i] /= sum
	}
	return next
}

// times returns n times p.
func times(n float64, p []float64) []float64 {
	out := make([]float64, len(p))
	for i := range p {
		out[i] = n * p[i]
	}
	return out
}

// manyResponses draws n completions of one prompt.
func manyResponses(t *testing.T, s *sampler.Sampler, p *oaif.Prompt, n int) []oaif.Completion {
	t.Helper()
	reqs := make([]sampler.Request, n)
	for i := range reqs {
		reqs[i] = sampler.Request{Prompt: p, Response: i}
	}
	return generate(t, s, 2, reqs)
}

// Completions follow the model at the configured temperature: the first token, and the second one
// after each first one that came often. At another temperature they would not.
func TestCompletionsFollowTheModel(t *testing.T) {
	m, v := open(t)
	opt := options()
	opt.Temperature, opt.MaxNewTokens = .5, 2
	p := prompt(3, 7)
	check := func() {
		done := manyResponses(t, sampler.New(m, v, opt), p, 6000)
		first := make([]float64, modeltest.Config().Vocab)
		second := map[int32][]float64{}
		for _, c := range done {
			first[c.IDs[0]]++
			if second[c.IDs[0]] == nil {
				second[c.IDs[0]] = make([]float64, len(first))
			}
			if len(c.IDs) > 1 {
				second[c.IDs[0]][c.IDs[1]]++
			}
		}
		fits := func(count []float64, n float64, text []int32, temperature float64) bool {
			want := times(n, nextProbabilities(t, m, text, temperature))
			chi, bound := torchtest.ChiSquare(count, want)
			return chi <= bound
		}
		if !fits(first, 6000, p.IDs, .5) || fits(first, 6000, p.IDs, .6) {
			t.Error("first tokens are not drawn at temperature .5")
		}
		often := 0
		for id, count := range second {
			if first[id] < 300 {
				continue
			}
			often++
			if !fits(count, first[id], append(p.IDs[:len(p.IDs):len(p.IDs)], id), .5) {
				t.Errorf("second tokens after %d are not those of the model", id)
			}
		}
		if often < 3 {
			t.Errorf("%d first tokens are frequent", often)
		}
	}
	check()
	torch.SetPortable(true)
	defer torch.SetPortable(false)
	check()
}

// neighbours are the keys that a run draws with beside one another: those of two responses to a
// prompt, of two prompts, of two steps and of two seeds.
var neighbours = map[string]func(i, k int) uint64{
	"responses": func(i, k int) uint64 { return sampler.NoiseKey(1, i%100+1, i/100, k) },
	"prompts":   func(i, k int) uint64 { return sampler.NoiseKey(1, i%100+1, i/100*2+k, 0) },
	"steps":     func(i, k int) uint64 { return sampler.NoiseKey(1, i%100*2+k, i/100, 1) },
	"seeds":     func(i, k int) uint64 { return sampler.NoiseKey(uint64(i%100*2+k), 1, i/100, 0) },
}

// What is drawn for one of two neighbours tells nothing of what is drawn for the other, at the same
// position or the next one.
func TestNeighboursAreIndependent(t *testing.T) {
	d := torchtest.Open(t, 1)
	const n, vocab = 12000, 5
	for name, key := range neighbours {
		for _, ahead := range []int64{0, 1} {
			keys, pos := make([]uint64, 2*n), make([]int64, 2*n)
			for i := range n {
				keys[2*i], keys[2*i+1] = key(i, 0), key(i, 1)
				pos[2*i], pos[2*i+1] = int64(i%7), int64(i%7)+ahead
			}
			torchtest.Do(t, d, func() {
				s := torch.NewScope()
				defer s.Close()
				even := s.FromFloat32(d, make([]float32, 2*n*vocab), 2*n, vocab)
				how := torch.Sampling{Temperature: 1, TopP: 1, MaxNew: 9}
				ids, _ := torch.Sample(even, how, keys, pos)
				count, want := make([]float64, vocab*vocab), make([]float64, vocab*vocab)
				for i := range n {
					count[ids[2*i]*vocab+ids[2*i+1]]++
				}
				for i := range want {
					want[i] = n / (vocab * vocab)
				}
				if chi, bound := torchtest.ChiSquare(count, want); chi > bound {
					t.Errorf("%s, %d ahead: chi-square %g, above %g", name, ahead, chi, bound)
				}
			})
		}
	}
}

// No two completions of a long run share their key.
func TestNoiseKeysDiffer(t *testing.T) {
	seen := map[uint64]bool{}
	for step := range 60 {
		for index := range 200 {
			for response := range 4 {
				seen[sampler.NoiseKey(5, step, index, response)] = true
			}
		}
	}
	if len(seen) != 60*200*4 {
		t.Errorf("%d keys for %d completions", len(seen), 60*200*4)
	}
}
