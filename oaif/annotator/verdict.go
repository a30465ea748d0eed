package annotator

import (
	"fmt"
	"math"

	"github.com/oaif/oaif/oaif"
)

// ReasonIdentical is the Reason of a tie that was not asked about because both texts are the same.
const ReasonIdentical = "identical"

// Identical is the Preference between two texts that are the same.
func Identical() oaif.Preference {
	return oaif.Preference{Verdict: oaif.VerdictTie, PA: .5, Reason: ReasonIdentical}
}

// Differing returns one Preference per question, in order: those whose texts are the same are
// Identical, and ask is given all others, if there are any, in one call.
func Differing(
	questions []oaif.Question, ask func([]oaif.Question) ([]oaif.Preference, error),
) ([]oaif.Preference, error) {
	prefs := make([]oaif.Preference, len(questions))
	var differ []oaif.Question
	var at []int // index into questions of each
	for i, q := range questions {
		if q.A == q.B {
			prefs[i] = Identical()
			continue
		}
		differ, at = append(differ, q), append(at, i)
	}
	if len(differ) == 0 {
		return prefs, nil
	}
	said, err := ask(differ)
	if err != nil {
		return nil, err
	}
	for k, i := range at {
		prefs[i] = said[k]
	}
	return prefs, nil
}

// Verdict sets the verdict from PA alone, so that a stored Preference can be checked by its reader.
func (s *Spec) Verdict(p oaif.Preference) oaif.Preference {
	switch {
	case math.Abs(p.PA-.5) <= s.TieMargin:
		p.Verdict = oaif.VerdictTie
	case p.PA > .5:
		p.Verdict = oaif.VerdictA
	default:
		p.Verdict = oaif.VerdictB
	}
	return p
}

// overOrders returns the mean of P(a) over the two orders, a in slot 1 and then in slot 2:
// (p1 + (1-p2))/2, written so that p1 = p2 gives exactly one half. Of a range, where bounds give
// one, it is the end nearest to one half, and one half where that is in it: which answer is better
// must not be guessed from how far down a list of tokens goes.
func overOrders(first, second Next) float64 {
	low1, high1 := first.span()
	low2, high2 := second.span()
	low, high := .5+(low1-high2)/2, .5+(high1-low2)/2
	switch {
	case low > .5:
		return low
	case high < .5:
		return high
	}
	return .5
}

// Compare turns the scores of two answers into a Preference with P(a is better) =
// sigmoid(a.Value - b.Value), the model of Bradley and Terry (1952).
func (s *Spec) Compare(a, b Score) oaif.Preference {
	for i, score := range []Score{a, b} {
		reason := score.Reason
		if v := score.Value; reason == "" && (math.IsNaN(v) || math.IsInf(v, 0)) {
			reason = fmt.Sprintf("the score is %v", v)
		}
		if reason != "" {
			return oaif.Preference{Verdict: oaif.VerdictInvalid,
				Reason: answerNames[i] + ": " + reason}
		}
	}
	return s.Verdict(oaif.Preference{PA: sigmoid(a.Value - b.Value), ScoreA: a.Value,
		ScoreB: b.Value, Text: s.written()})
}

// answerNames name the two answers in reasons.
var answerNames = [...]string{"for answer a", "for answer b"}

// sigmoid of a difference of two log-probs is their softmax's first probability.
func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
