package model_test

import (
	"errors"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/oaif/weights"
	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

func TestScoresOnATreeAreScoresAlone(t *testing.T) {
	eachTiny(t, false, func(t *testing.T, m *model.Model) {
		seqs := sequences()
		torchtest.Do(t, m.Device(), func() {
			for i, got := range m.Score(seqs) {
				if len(seqs[i].Completion) != len(got.Logprobs) {
					t.Errorf("sequence %d: %d log-probs", i, len(got.Logprobs))
				}
				if len(got.Logprobs) == 0 {
					if got.Sum() != 0 {
						t.Errorf("an empty completion has log-prob %g", got.Sum())
					}
					continue
				}
				alone := m.Score(seqs[i : i+1])[0]
				if !allNear(got.Logprobs, alone.Logprobs, 1e-5) {
					t.Errorf("sequence %d: %v on the tree, %v alone", i, got, alone)
				}
			}
		})
	})
}

func TestScoringTwiceGivesTheSameBits(t *testing.T) {
	for _, dtype := range []torch.DType{torch.Float32, torch.BFloat16} {
		m := load(t, torchtest.Open(t, 2), "testdata/tiny-untied", dtype, false)
		torchtest.Do(t, m.Device(), func() {
			if !reflect.DeepEqual(m.Score(sequences()), m.Score(sequences())) {
				t.Errorf("%s: two passes differ", dtype)
			}
		})
	}
}

// everything lists the vocabulary.
func everything() []int32 {
	out := make([]int32, vocab)
	for i := range out {
		out[i] = int32(i)
	}
	return out
}

func TestNextLogprobsScoreAndEntropyAgree(t *testing.T) {
	eachTiny(t, false, func(t *testing.T, m *model.Model) {
		texts := [][]int32{{5, 6, 7}, {5, 6}, {5, 6, 7}, {1}}
		torchtest.Do(t, m.Device(), func() {
			for i, next := range m.NextLogprobs(texts, everything()) {
				mass, entropy := 0.0, 0.0
				for _, l := range next {
					mass += math.Exp(l)
					entropy -= l * math.Exp(l)
				}
				if !near(mass, 1, 1e-5) {
					t.Errorf("text %d: the probabilities add up to %g", i, mass)
				}
				seqs := []model.Sequence{{Prompt: texts[i], Completion: []int32{42}}}
				if s := m.Score(seqs)[0]; !near(s.Sum(), next[42], 1e-5) {
					t.Errorf("text %d: Score %g, NextLogprobs %g", i, s.Sum(), next[42])
				}
				if _, ent := m.KL(m, seqs); !near(float64(ent[0][0]), entropy, 1e-5) {
					t.Errorf("text %d: entropy %g, want %g", i, ent[0][0], entropy)
				}
			}
			some := m.NextLogprobs(texts[:1], []int32{42, 7, 42})[0]
			if some[0] != some[2] || some[0] == some[1] {
				t.Errorf("candidates 42, 7, 42: %v", some)
			}
		})
	})
}

func TestKLIsThatOfTheDistributions(t *testing.T) {
	d := torchtest.Open(t, 1)
	p := load(t, d, "testdata/tiny-untied", torch.Float32, false)
	q := load(t, d, "testdata/tiny-tied", torch.Float32, false)
	seqs := sequences()
	torchtest.Do(t, d, func() {
		kl, entropy := p.KL(q, seqs)
		for i, s := range seqs {
			if len(kl[i]) != len(s.Completion) || len(entropy[i]) != len(kl[i]) {
				t.Errorf("sequence %d: %d divergences, %d entropies", i, len(kl[i]),
					len(entropy[i]))
			}
			for k := range s.Completion {
				text := [][]int32{slices.Concat(s.Prompt, s.Completion[:k])}
				lp, lq := p.NextLogprobs(text, everything())[0],
					q.NextLogprobs(text, everything())[0]
				want := 0.0
				for v := range lp {
					want += math.Exp(lp[v]) * (lp[v] - lq[v])
				}
				if !near(float64(kl[i][k]), want, 1e-5) {
					t.Errorf("sequence %d, token %d: KL %g, want %g", i, k, kl[i][k], want)
				}
			}
		}
		same, _ := p.KL(p, seqs[:2])
		for _, k := range slices.Concat(same...) {
			if math.Abs(float64(k)) > 1e-6 {
				t.Errorf("KL of a model from itself is %g", k)
			}
		}
	})
}

func TestWrittenModelScoresTheSame(t *testing.T) {
	for _, name := range tiny {
		d := torchtest.Open(t, 1)
		m := load(t, d, filepath.Join("testdata", name), torch.Float32, true)
		dir := filepath.Join(t.TempDir(), "model")
		if err := weights.WriteHF(dir, m.Config, m.Sources(), nil); err != nil {
			t.Fatal(err)
		}
		again := load(t, d, dir, torch.Float32, true)
		torchtest.Do(t, d, func() {
			if !reflect.DeepEqual(again.Score(sequences()), m.Score(sequences())) {
				t.Errorf("%s: other scores after writing and reading", name)
			}
		})
	}
}

func TestCheckIDs(t *testing.T) {
	m := &model.Model{Config: weights.Config{Context: 3, Vocab: 10}}
	for _, ids := range [][]int32{nil, {0}, {9, 0, 9}} {
		if err := m.CheckIDs("line 4", ids); err != nil {
			t.Errorf("%v: %v", ids, err)
		}
	}
	for _, c := range []struct {
		ids  []int32
		text string
	}{
		{[]int32{1, 2, 3, 4}, "4 tokens exceed the model's context of 3"},
		{[]int32{1, 10}, "token id 10 is outside the vocabulary of 10"},
		{[]int32{-1}, "token id -1 is outside"},
	} {
		err := m.CheckIDs("line 4", c.ids)
		if err == nil || !strings.HasPrefix(err.Error(), "line 4: "+c.text) {
			t.Errorf("%v: %v", c.ids, err)
		}
		if !errors.Is(err, oaif.ErrData) {
			t.Errorf("%v: %T is no data error", c.ids, err)
		}
	}
}
