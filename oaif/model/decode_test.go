package model_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

// completion is what one prompt drew.
type completion struct {
	ids      []int64
	logprobs []float32
}

var manner = torch.Sampling{
	Temperature: 0.9, TopP: 1, MinNew: 2, MaxNew: 12, EndTokens: []int64{3, 17, 40, 41, 42},
}

func prompts() (out [][]int32, keys []uint64) {
	rng := rand.New(rand.NewPCG(51, 52))
	shared := tokens(rng, 7)
	for i := range 9 {
		p := append(slices.Clone(shared[:1+i%7]), tokens(rng, i%4)...)
		out = append(out, p)
		keys = append(keys, rng.Uint64())
	}
	return append(out, out[0], out[0]), append(keys, 1, 2) // one prompt three times
}

// admit prefills some prompts. Device goroutine only.
func admit(m *model.Model, dec *torch.Decoder, prompts [][]int32, keys []uint64) []int64 {
	p := model.Pack(prompts)
	tree := torch.NewTree(m.Device(), p.Nodes)
	defer tree.Close()
	return dec.Admit(tree, p.Rows, keys)
}

// alone decodes each prompt in a decoder of its own. Device goroutine only.
func alone(m *model.Model, how torch.Sampling) []completion {
	all, keys := prompts()
	out := make([]completion, len(all))
	for i := range all {
		dec := torch.NewDecoder(m.Model, 1, 32, how)
		slot := admit(m, dec, all[i:i+1], keys[i:i+1])[0]
		dec.Step(how.MaxNew)
		out[i].ids, out[i].logprobs = dec.Release(slot)
		dec.Close()
	}
	return out
}

// crowded decodes all prompts in few slots: prompts are admitted while others are in mid-flight,
// and ended ones leave. Device goroutine only.
func crowded(m *model.Model, how torch.Sampling, slots, steps int) []completion {
	all, keys := prompts()
	out := make([]completion, len(all))
	dec := torch.NewDecoder(m.Model, slots, 32, how)
	defer dec.Close()
	where := map[int64]int{}
	next := 0
	for next < len(all) || len(where) > 0 {
		if n := min(slots-len(where), len(all)-next); n > 0 {
			for i, slot := range admit(m, dec, all[next:next+n], keys[next:next+n]) {
				where[slot] = next + i
			}
			next += n
		}
		dec.Step(steps)
		for _, slot := range dec.Compact() {
			i := where[slot]
			out[i].ids, out[i].logprobs = dec.Release(slot)
			delete(where, slot)
		}
	}
	return out
}

func TestNeighboursDoNotChangeATokens(t *testing.T) {
	eachTiny(t, false, func(t *testing.T, m *model.Model) {
		torchtest.Do(t, m.Device(), func() {
			want := alone(m, manner)
			for _, c := range []struct{ slots, steps int }{
				{11, 12}, {11, 1}, {3, 1}, {3, 2}, {4, 5}, {1, 3},
			} {
				for i, got := range crowded(m, manner, c.slots, c.steps) {
					if !slices.Equal(got.ids, want[i].ids) ||
						!allNear(got.logprobs, want[i].logprobs, 1e-5) {
						t.Errorf("%+v, prompt %d: %v, alone %v", c, i, got, want[i])
					}
				}
			}
		})
	})
}

func TestDecodingTwiceGivesTheSameBits(t *testing.T) {
	for _, dtype := range []torch.DType{torch.Float32, torch.BFloat16} {
		m := load(t, torchtest.Open(t, 2), "testdata/tiny-untied", dtype, false)
		torchtest.Do(t, m.Device(), func() {
			if !reflect.DeepEqual(crowded(m, manner, 4, 2), crowded(m, manner, 4, 2)) {
				t.Errorf("%s: two rounds differ", dtype)
			}
		})
	}
}

func TestCompletionsEndWhereTheyShould(t *testing.T) {
	m := load(t, torchtest.Open(t, 1), "testdata/tiny-tied", torch.Float32, false)
	torchtest.Do(t, m.Device(), func() {
		early := 0
		for i, c := range alone(m, manner) {
			last := len(c.ids) - 1
			for k, id := range c.ids {
				end := slices.Contains(manner.EndTokens, id)
				if end && (k < manner.MinNew || k != last) {
					t.Errorf("prompt %d: end token %d at %d of %v", i, id, k, c.ids)
				}
			}
			if slices.Contains(manner.EndTokens, c.ids[last]) {
				early++
			} else if len(c.ids) != manner.MaxNew {
				t.Errorf("prompt %d: %v ended without a reason", i, c.ids)
			}
		}
		if early == 0 {
			t.Error("no completion ended by itself: the test tests nothing")
		}
	})
}

// scored lists the completions as sequences to be scored.
func scored(drawn []completion) []model.Sequence {
	all, _ := prompts()
	out := make([]model.Sequence, len(all))
	for i, c := range drawn {
		out[i].Prompt = all[i]
		for _, id := range c.ids {
			out[i].Completion = append(out[i].Completion, int32(id))
		}
	}
	return out
}

func TestDecodeIsPrefill(t *testing.T) {
	for _, name := range tiny {
		for _, c := range []struct {
			dtype torch.DType
			tol   float64
		}{{torch.Float32, 1e-5}, {torch.BFloat16, 0.05}} {
			m := load(t, torchtest.Open(t, 1), "testdata/"+name, c.dtype, false)
			check := func() {
				drawn := crowded(m, manner, 4, 3)
				for i, s := range m.Score(scored(drawn)) {
					if !allNear(drawn[i].logprobs, s.Logprobs, c.tol) {
						t.Errorf("%s, %s, prompt %d: decoded with %v, scored %v", name, c.dtype, i,
							drawn[i].logprobs, s.Logprobs)
					}
				}
			}
			torchtest.Do(t, m.Device(), func() {
				check()
				torch.SetPortable(true)
				defer torch.SetPortable(false)
				check()
			})
		}
	}
}

func TestGreedyIsTheBestNextToken(t *testing.T) {
	m := load(t, torchtest.Open(t, 1), "testdata/tiny-untied", torch.Float32, false)
	all, _ := prompts()
	torchtest.Do(t, m.Device(), func() {
		for i, c := range alone(m, torch.Sampling{TopP: 1, MaxNew: 6}) {
			text := slices.Clone(all[i])
			for k, id := range c.ids {
				next := m.NextLogprobs([][]int32{text}, everything())[0]
				if best := slices.Index(next, slices.Max(next)); best != int(id) {
					t.Errorf("prompt %d, token %d: %d, best is %d", i, k, id, best)
				}
				text = append(text, int32(id))
			}
		}
	})
}
