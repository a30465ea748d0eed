package annotator

import (
	"fmt"

	"github.com/oaif/oaif/oaif"
)

// An annotator is said to answer by position when one slot wins in both orders of at least
// positionShare of at least positionPairs pairs.
const (
	positionShare = .8
	positionPairs = 8
)

// Health counts what an annotator's verdicts say about the annotator itself. The zero value is
// ready for use; it is not safe for concurrent use.
type Health struct {
	Pairs     int `json:"pairs"`     // all preferences seen
	A         int `json:"a"`         // verdicts for a
	B         int `json:"b"`         // verdicts for b
	Tie       int `json:"tie"`       // ties that were asked about
	Identical int `json:"identical"` // ties that were not, because both texts are the same
	Invalid   int `json:"invalid"`   // verdicts that could not be read

	BothOrders int `json:"both_orders"` // pairs judged in both orders (pairwise annotators only)
	FirstSlot  int `json:"first_slot"`  // of these, slot 1 preferred in both orders
	SecondSlot int `json:"second_slot"` // of these, slot 2 preferred in both orders
}

// Add counts preferences.
func (h *Health) Add(prefs ...oaif.Preference) {
	for _, p := range prefs {
		h.Pairs++
		switch {
		case p.Verdict == oaif.VerdictA:
			h.A++
		case p.Verdict == oaif.VerdictB:
			h.B++
		case p.Verdict == oaif.VerdictTie && p.Reason == ReasonIdentical:
			h.Identical++
		case p.Verdict == oaif.VerdictTie:
			h.Tie++
		default:
			h.Invalid++
		}
		h.addOrders(p)
	}
}

func (h *Health) addOrders(p oaif.Preference) {
	if len(p.Orders) != 2 || p.Verdict == oaif.VerdictInvalid {
		return
	}
	h.BothOrders++
	switch p1, p2 := p.Orders[0].PFirst, p.Orders[1].PFirst; {
	case p1 > .5 && p2 > .5:
		h.FirstSlot++
	case p1 < .5 && p2 < .5:
		h.SecondSlot++
	}
}

// SamePositionRate returns the share, in [0,1], of pairs judged in both orders in which the same
// slot was preferred both times. ok is false when there are none, as with a pointwise annotator.
func (h *Health) SamePositionRate() (rate float64, ok bool) {
	if h.BothOrders == 0 {
		return 0, false
	}
	return float64(h.FirstSlot+h.SecondSlot) / float64(h.BothOrders), true
}

// Enough reports whether enough pairs were judged in both orders for Warning to be able to speak.
func (h *Health) Enough() bool { return h.BothOrders >= positionPairs }

// Warning says in plain words that the annotator answers by position, or returns "".
func (h *Health) Warning() string {
	same, slot := h.FirstSlot, "first"
	if h.SecondSlot > same {
		same, slot = h.SecondSlot, "second"
	}
	if !h.Enough() || float64(same) < positionShare*float64(h.BothOrders) {
		return ""
	}
	return fmt.Sprintf("this annotator answers by position: in %d of %d pairs it preferred "+
		"the answer shown %s, whichever that was; its verdicts say next to nothing about the "+
		"texts. Use a more capable model, or score each answer alone (kind = %q)",
		same, h.BothOrders, slot, Pointwise)
}
