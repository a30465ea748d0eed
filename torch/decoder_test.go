package torch_test

import (
	"slices"
	"testing"

	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

var greedy = torch.Sampling{TopP: 1, MaxNew: 4}

func TestDecoderSlots(t *testing.T) {
	d := torchtest.Open(t, 1)
	torchtest.Do(t, d, func() {
		m := newModel(d, torch.Float32, false, 1)
		defer m.Close()
		dec := torch.NewDecoder(m, 2, 10, greedy)
		defer dec.Close()
		tree := torch.NewTree(d, sequence(1, 2, 3))
		defer tree.Close()
		chain := upTo(3)
		slots := dec.Admit(tree, [][]int64{chain, chain[:2]}, []uint64{1, 2})
		if slots[0] == slots[1] {
			t.Errorf("both sequences are in slot %d", slots[0])
		}
		refused(t, "a third sequence", func() { dec.Admit(tree, [][]int64{chain}, []uint64{3}) })
		dec.Step(1)
		if ended := dec.Compact(); len(ended) != 0 {
			t.Errorf("%v ended after two tokens of four", ended)
		}
		dec.Step(10) // more than are wanted
		if ended := dec.Compact(); !slices.Equal(ended, slots) {
			t.Errorf("%v ended after their last token, want %v", ended, slots)
		}
		if ended := dec.Compact(); len(ended) != 0 {
			t.Errorf("%v ended twice", ended)
		}
		for _, s := range slots {
			if ids, lp := dec.Release(s); len(ids) != 4 || len(lp) != 4 {
				t.Errorf("%d ids, %d log-probs", len(ids), len(lp))
			}
			refused(t, "a second release", func() { dec.Release(s) })
		}
		refused(t, "no such slot", func() { dec.Release(2) })
		refused(t, "nothing to admit", func() { dec.Admit(tree, nil, nil) })
		long := make([]int64, 7)
		refused(t, "7 + 4 tokens in slots of 10",
			func() { dec.Admit(tree, [][]int64{long}, []uint64{1}) })
		if got := dec.Admit(tree, [][]int64{chain}, []uint64{3}); len(got) != 1 {
			t.Errorf("after all that: %v", got)
		}
	})
}

func TestReleaseInMidFlight(t *testing.T) {
	d := torchtest.Open(t, 1)
	torchtest.Do(t, d, func() {
		m := newModel(d, torch.Float32, false, 1)
		defer m.Close()
		dec := torch.NewDecoder(m, 2, 10, greedy)
		defer dec.Close()
		tree := torch.NewTree(d, sequence(1, 2, 3))
		defer tree.Close()
		chain := upTo(3)
		slots := dec.Admit(tree, [][]int64{chain, chain}, []uint64{1, 1})
		dec.Step(1)
		part, _ := dec.Release(slots[0])
		dec.Step(2)
		whole, _ := dec.Release(slots[1])
		if len(part) != 2 || len(whole) != 4 || !slices.Equal(part, whole[:2]) {
			t.Errorf("%v is not the beginning of %v", part, whole)
		}
	})
}

func TestDecoderSettingsAreChecked(t *testing.T) {
	d := torchtest.Open(t, 1)
	torchtest.Do(t, d, func() {
		m := newModel(d, torch.Float32, false, 1)
		defer m.Close()
		refused(t, "no slots", func() { torch.NewDecoder(m, 0, 8, greedy) })
		refused(t, "no length", func() { torch.NewDecoder(m, 1, 0, greedy) })
		refused(t, "past the context", func() { torch.NewDecoder(m, 1, 65, greedy) })
		refused(t, "no new tokens", func() { torch.NewDecoder(m, 1, 8, torch.Sampling{TopP: 1}) })
	})
}
