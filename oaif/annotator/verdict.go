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
