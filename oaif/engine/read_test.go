package engine_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/oaif/oaif/oaif/engine"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/torch/torchtest"
)

// scoredAlone returns the log-probs of ids from the second on, by package model.
func scoredAlone(t *testing.T, m *model.Model, ids []int32) (out []float32) {
	t.Helper()
	torchtest.Do(t, m.Device(), func() {
		out = m.Score([]model.Sequence{{Prompt: ids[:1], Completion: ids[1:]}})[0].Logprobs
	})
	return out
}

// The tokens of a prompt have the log-probs of package model, whether nothing, one token or several
// are drawn behind it, and whoever begins alike.
func TestPromptsAreScored(t *testing.T) {
	m := load(t)
	e := start(t, m, 2, 64)
	var requests []engine.Request
	for i := range 18 {
		r := plain(prompt(i%2, 2+i), []int{0, 1, 6}[i%3])
		r.Prompt, r.Top = true, i%4
		requests = append(requests, r)
	}
	for i, a := range submit(t, e, requests...) {
		r := requests[i]
		what := fmt.Sprintf("request %d", i)
		tokens, _ := all(t, a)
		if first := tokens[0]; first.ID != r.IDs[0] || !math.IsNaN(float64(first.Logprob)) {
			t.Errorf("%s: the first token is %+v", what, first)
		}
		checkTokens(t, what, tokens[1:len(r.IDs)], r.IDs[1:], scoredAlone(t, m, r.IDs))
		if drawn := tokens[len(r.IDs):]; r.MaxNew > 0 {
			want := sampled(t, m, r)
			checkTokens(t, what+", drawn", drawn, want.IDs, want.Logprobs)
		} else if len(drawn) > 0 {
			t.Errorf("%s: %d tokens were drawn", what, len(drawn))
		}
	}
}

// The likeliest tokens are those of the whole distribution, beside a prompt's tokens, the only
// drawn one, and those that are drawn in a slot.
func TestLikeliestTokens(t *testing.T) {
	m := load(t)
	e := start(t, m, 2, 64)
	for _, n := range []int{0, 1, 5} {
		r := plain(prompt(0, 6), n)
		r.Prompt, r.Top = true, engine.MaxTop
		tokens, _ := all(t, submit(t, e, r)[0])
		if tokens[0].Top != nil {
			t.Errorf("%d: something is likely before the beginning", n)
		}
		var before []int32
		for i, token := range tokens {
			if i > 0 {
				checkTop(t, m, before, token)
			}
			before = append(before, token.ID)
		}
	}
}

// checkTop compares the likeliest tokens with those of the whole vocabulary.
func checkTop(t *testing.T, m *model.Model, before []int32, token engine.Token) {
	t.Helper()
	every := make([]int32, m.Config.Vocab)
	for i := range every {
		every[i] = int32(i)
	}
	var want []float64
	torchtest.Do(t, m.Device(), func() { want = m.NextLogprobs([][]int32{before}, every)[0] })
	if len(token.Top) != engine.MaxTop {
		t.Fatalf("%d likeliest tokens", len(token.Top))
	}
	listed := map[int32]bool{}
	for i, r := range token.Top {
		if !near(r.Logprob, float32(want[r.ID])) || i > 0 && r.Logprob > token.Top[i-1].Logprob {
			t.Errorf("token %d is %g likely, want %g, in place %d", r.ID, r.Logprob, want[r.ID], i)
		}
		listed[r.ID] = true
	}
	least := token.Top[engine.MaxTop-1].Logprob
	for id, lp := range want {
		if !listed[int32(id)] && float32(lp) > least+1e-5 {
			t.Errorf("token %d, %g, is not among the likeliest, of which one is %g", id, lp, least)
		}
	}
	if len(listed) != engine.MaxTop {
		t.Errorf("%d different likeliest tokens", len(listed))
	}
}

// Prompts that begin alike are computed once, as far as they do.
func TestCommonPrefixesAreComputedOnce(t *testing.T) {
	e := start(t, load(t), 1, 64)
	shared := prompt(0, 100)
	var requests []engine.Request
	for i := range 16 {
		requests = append(requests, plain(append(shared[:100:100], int32(i)), 1))
	}
	for _, a := range submit(t, e, requests...) {
		all(t, a)
	}
	if n := e.Stats().Packed; n != 116 {
		t.Errorf("%d tokens were computed, want 100 common ones and 16 others", n)
	}
}
