package report

import (
	"fmt"
	"math"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/prompts"
)

// bins is the number of bars of the histogram of p_a.
const bins = 20

// pairStats sums pairs.jsonl up; the file itself may be too long for memory.
type pairStats struct {
	health   annotator.Health
	kept     int
	reasons  map[string]int // of invalid verdicts
	judged   int            // pairs in histogram
	hist     [bins]float64  // pairs by p_a, of those whose verdict was asked for and readable
	decisive float64        // sum over judged of |2 p_a - 1|
}

// pairLine is what the report uses of a line of pairs.jsonl.
type pairLine struct {
	PA      float64      `json:"p_a"`
	Verdict oaif.Verdict `json:"verdict"`
	Orders  []oaif.Order `json:"orders"`
	Chosen  string       `json:"chosen"`
	Skipped string       `json:"skipped"`
	Reason  string       `json:"reason"`
}

func (r *records) readPairs() error {
	return r.lines("pairs.jsonl", func(line prompts.Line) error {
		var pair pairLine
		if err := line.Decode(&pair); err != nil {
			return err
		}
		if pair.PA < 0 || pair.PA > 1 {
			return line.Errorf(`"p_a" is %v, outside [0,1]`, pair.PA)
		}
		if r.pairs == nil {
			r.pairs = &pairStats{reasons: map[string]int{}}
		}
		r.pairs.add(pair)
		return nil
	})
}

func (s *pairStats) add(p pairLine) {
	pref := oaif.Preference{Verdict: p.Verdict, PA: p.PA, Orders: p.Orders, Reason: p.Reason}
	if p.Skipped == "identical" {
		pref.Verdict, pref.Reason = oaif.VerdictTie, annotator.ReasonIdentical
	}
	s.health.Add(pref)
	if p.Chosen != "" {
		s.kept++
	}
	switch p.Skipped {
	case "invalid":
		s.reasons[p.Reason]++
	case "identical":
	default:
		s.judged++
		s.hist[min(int(p.PA*bins), bins-1)]++
		s.decisive += math.Abs(2*p.PA - 1)
	}
}

// healthFacts are the rows of the annotator table.
func (s *pairStats) healthFacts() []fact {
	h := &s.health
	share := func(n int) string {
		return fmt.Sprintf("%s of %s", percent(n, h.Pairs), count(h.Pairs))
	}
	facts := []fact{
		{"Pairs sampled", count(h.Pairs),
			"two answers to one prompt, drawn from the model as it was"},
		{"Trained on", count(s.kept), share(s.kept)},
		{"Identical answers", count(h.Identical),
			share(h.Identical) + "; never shown to the annotator"},
		{"Ties", count(h.Tie), share(h.Tie) + "; skipped"},
		{"Unreadable verdicts", count(h.Invalid), share(h.Invalid) + "; skipped, never guessed"},
	}
	if decided := h.A + h.B; decided > 0 {
		facts = append(facts, fact{"First-drawn answer preferred", percent(h.A, decided),
			"both answers are drawn alike, so this is near 50 % for an annotator that reads them"})
	}
	if s.judged > 0 {
		facts = append(facts, fact{"Decisiveness", number(s.decisive / float64(s.judged)),
			"mean of |2p - 1|: 0 is undecided, 1 is certain"})
	}
	if rate, ok := h.SamePositionRate(); ok {
		facts = append(facts, fact{"Same position in both orders", number(100*rate) + " %",
			fmt.Sprintf("of %s pairs shown in both orders; the lower, the more the text decides",
				count(h.BothOrders))})
	}
	return facts
}
