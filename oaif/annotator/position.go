package annotator

import (
	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/stats"
)

// Position says how much a pairwise annotator looks at where an answer stands. Every pair is shown
// in two orders, so that each answer stands in slot 1 once and in slot 2 once.
type Position struct {
	// SameSlot is the share of pairs in which the same slot was preferred in both orders, whichever
	// answer stood there; FirstSlot and SecondSlot are its two parts.
	SameSlot   stats.Share `json:"same_slot"`
	FirstSlot  stats.Share `json:"first_slot"`
	SecondSlot stats.Share `json:"second_slot"`
	// BetterFirst and BetterSecond are agreement with the label in one order alone: in that with
	// the label's answer in slot 1, and in that with it in slot 2. An order that gives both slots
	// one half is not counted. N is 0 without labels.
	BetterFirst  stats.Share `json:"better_first"`
	BetterSecond stats.Share `json:"better_second"`
}

// position returns nil when no pair was judged in both orders.
func (e *Evidence) position(h *Health) *Position {
	if h.BothOrders == 0 {
		return nil
	}
	var first, second tally
	e.labelled(func(label oaif.Verdict, p oaif.Preference) {
		if p.Verdict == oaif.VerdictInvalid || len(p.Orders) != 2 {
			return
		}
		for _, o := range p.Orders {
			if o.First == string(label) {
				first.add(o.PFirst)
			} else {
				second.add(1 - o.PFirst)
			}
		}
	})
	return &Position{
		SameSlot:     stats.NewShare(h.FirstSlot+h.SecondSlot, h.BothOrders),
		FirstSlot:    stats.NewShare(h.FirstSlot, h.BothOrders),
		SecondSlot:   stats.NewShare(h.SecondSlot, h.BothOrders),
		BetterFirst:  stats.NewShare(first.right, first.decided),
		BetterSecond: stats.NewShare(second.right, second.decided),
	}
}

// tally counts single orders.
type tally struct{ right, decided int }

// add counts an order that gave the label's answer so much.
func (t *tally) add(p float64) {
	if p == .5 {
		return
	}
	t.decided++
	if p > .5 {
		t.right++
	}
}
