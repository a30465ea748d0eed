package trainer

import (
	"math"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
)

// skipped says why a pair is not trained on, "" if it is.
func (t *Trainer) skipped(p oaif.Preference) string {
	switch {
	case p.Verdict == oaif.VerdictA || p.Verdict == oaif.VerdictB:
		if least := t.cfg.Train.MinMargin; least > 0 && math.Abs(p.PA-.5) <= least {
			return "margin"
		}
		return ""
	case p.Verdict == oaif.VerdictTie && p.Reason == annotator.ReasonIdentical:
		return "identical"
	case p.Verdict == oaif.VerdictTie:
		return "tie"
	}
	return "invalid"
}

// softens says that labels are not the annotator's verdicts as they are, see target.
func (t *Trainer) softens() bool {
	return t.cfg.Loss.SoftTargets || t.cfg.Loss.LabelSmoothing > 0
}

// target is the probability, for the loss, that the chosen answer is the better one: 1 in the
// paper, with loss.soft_targets the annotator's own, and then with loss.label_smoothing that of a
// label which is wrong so often.
func (t *Trainer) target(p oaif.Preference) float64 {
	right, wrong := 1.0, t.cfg.Loss.LabelSmoothing
	if t.cfg.Loss.SoftTargets {
		right = p.PA
		if p.Verdict == oaif.VerdictB {
			right = 1 - p.PA
		}
	}
	return right*(1-wrong) + (1-right)*wrong
}
