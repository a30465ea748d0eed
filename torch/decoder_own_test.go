package torch_test

import (
	"math"
	"slices"
	"testing"

	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

// owns are settings of sequences beside one another, some of them alike.
var owns = []torch.Sampling{
	{TopP: 1, MaxNew: 3}, {Temperature: 1, TopP: 1, MaxNew: 6}, {TopP: 1, MaxNew: 6},
	{Temperature: 1, TopP: 1, MinNew: 5, MaxNew: 5}, {Temperature: 1, TopP: 1, MaxNew: 2},
	{Temperature: 2, TopK: 3, TopP: 1, MaxNew: 4}, {Temperature: 0.5, TopP: 0.5, MaxNew: 6},
}

var ends = []int64{1, 5, 9, 13, 17, 21, 25, 29}

type drawn struct {
	ids      []int64
	logprobs []float32
}

// inOneDecoder draws one completion with each of the settings, beside one another, and compares
// what Last says on the way with what Release says in the end. Device goroutine only.
func inOneDecoder(t *testing.T, d *torch.Device, m *torch.Model) []drawn {
	dec := torch.NewDecoder(m, len(owns), 12, torch.Sampling{TopP: 1, MaxNew: 8, EndTokens: ends})
	defer dec.Close()
	tree := torch.NewTree(d, sequence(2, 4, 6))
	defer tree.Close()
	chains, keys := make([][]int64, len(owns)), make([]uint64, len(owns))
	for i := range owns {
		chains[i], keys[i] = upTo(3), uint64(i)
	}
	slots := dec.AdmitEach(tree, chains, keys, owns)
	seen, out := make([]drawn, len(owns)), make([]drawn, len(owns))
	active := slices.Clone(slots)
	for {
		ids, logprobs, topIDs, top := dec.Last(active, 2)
		for i, slot := range active {
			at := slices.Index(slots, slot)
			seen[at].ids = append(seen[at].ids, ids[i])
			seen[at].logprobs = append(seen[at].logprobs, logprobs[i])
			checkTop(t, ids[i], logprobs[i], topIDs[2*i:2*i+2], top[2*i:2*i+2])
		}
		for _, slot := range dec.Compact() {
			active = slices.DeleteFunc(active, func(s int64) bool { return s == slot })
			at := slices.Index(slots, slot)
			out[at].ids, out[at].logprobs = dec.Release(slot)
		}
		if len(active) == 0 {
			break
		}
		dec.Step(1)
	}
	for i := range out {
		if !slices.Equal(seen[i].ids, out[i].ids) ||
			!slices.Equal(seen[i].logprobs, out[i].logprobs) {
			t.Errorf("sequence %d: Last saw %v, Release %v", i, seen[i], out[i])
		}
	}
	return out
}

// checkTop: the two likeliest are in order, and a token is as likely as it is said to be there.
func checkTop(t *testing.T, id int64, logprob float32, ids []int64, top []float32) {
	if top[0] < top[1] || logprob > top[0]+1e-6 || ids[0] == ids[1] {
		t.Errorf("token %d, %g, beside the likeliest %v, %v", id, logprob, ids, top)
	}
	if at := slices.Index(ids, id); at >= 0 && math.Abs(float64(top[at]-logprob)) > 1e-6 {
		t.Errorf("token %d has log-prob %g and among the likeliest %g", id, logprob, top[at])
	}
}

// Each sequence draws what it draws in a decoder of its settings alone.
func TestSettingsOfEachSequence(t *testing.T) {
	d := torchtest.Open(t, 1)
	torchtest.Do(t, d, func() {
		m := newModel(d, torch.Float32, false, 1)
		defer m.Close()
		check := func() {
			ended := 0
			for i, got := range inOneDecoder(t, d, m) {
				how := owns[i]
				how.EndTokens = ends
				dec := torch.NewDecoder(m, 1, 12, how)
				tree := torch.NewTree(d, sequence(2, 4, 6))
				slot := dec.Admit(tree, [][]int64{upTo(3)}, []uint64{uint64(i)})[0]
				dec.Step(how.MaxNew)
				ids, logprobs := dec.Release(slot)
				dec.Close()
				tree.Close()
				if !slices.Equal(got.ids, ids) {
					t.Errorf("%+v drew %v beside others, %v alone", owns[i], got.ids, ids)
				}
				for k, lp := range got.logprobs {
					if math.Abs(float64(lp-logprobs[k])) > 1e-5 {
						t.Errorf("%+v: log-probs %v, alone %v", owns[i], got.logprobs, logprobs)
					}
				}
				if len(ids) < how.MaxNew {
					ended++
				}
			}
			if ended == 0 {
				t.Error("no completion ended by itself: the test tests less than it should")
			}
		}
		check()
		portable(check)
	})
}

func TestSettingsOfASequenceAreChecked(t *testing.T) {
	d := torchtest.Open(t, 1)
	torchtest.Do(t, d, func() {
		m := newModel(d, torch.Float32, false, 1)
		defer m.Close()
		dec := torch.NewDecoder(m, 3, 10, greedy)
		defer dec.Close()
		tree := torch.NewTree(d, sequence(1, 2, 3))
		defer tree.Close()
		admit := func(how torch.Sampling) []int64 {
			return dec.AdmitEach(tree, [][]int64{upTo(3)}, []uint64{1}, []torch.Sampling{how})
		}
		for _, how := range []torch.Sampling{
			{TopP: 1, MaxNew: greedy.MaxNew + 1}, {TopP: 0, MaxNew: 1}, {TopP: 1},
		} {
			refused(t, "AdmitEach", func() { admit(how) })
		}
		plain := dec.Admit(tree, [][]int64{upTo(3)}, []uint64{1})
		if ids, _, _, _ := dec.Last(plain, 0); len(ids) != 1 {
			t.Errorf("Last gave %v", ids)
		}
		refused(t, "the likeliest of a plain sequence", func() { dec.Last(plain, 1) })
		slots := admit(torch.Sampling{TopP: 1, MaxNew: 2})
		if _, _, ids, _ := dec.Last(slots, 3); len(ids) != 3 {
			t.Errorf("%d likeliest, want 3", len(ids))
		}
		refused(t, "a slot that did not draw", func() { dec.Last(plain, 1) })
		refused(t, "no such slot", func() { dec.Last([]int64{3}, 0) })
		refused(t, "more than there are", func() { dec.Last(slots, 32) })
	})
}
