package trainer

import (
	"fmt"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/config"
	"github.com/oaif/oaif/oaif/sampler"
)

// reasonMissingEOS is the Reason of a verdict that decided made.
const reasonMissingEOS = "missing_eos"

// checkPairing refuses a way to choose a pair that the annotator has no numbers for.
func checkPairing(cfg *config.Config, spec *annotator.Spec) error {
	if !ranks(cfg) || spec.ScoresAlone() {
		return nil
	}
	return oaif.UsageError(fmt.Sprintf("sampler.pair: %q needs a score of each answer, which "+
		"kind = %q of %s does not give; use one that scores each alone, such as kind = %q, or %q",
		config.PairBestWorst, spec.Kind, spec.Path(), annotator.Pointwise, config.PairRandom))
}

// ranks says that the annotator's scores choose the pair.
func ranks(cfg *config.Config) bool {
	return cfg.Sampler.Samples > 2 && cfg.Sampler.Pair == config.PairBestWorst
}

func (t *Trainer) ranks() bool { return ranks(t.cfg) }

// pairOf returns the pair of a group whose scores do not matter: its two answers, or of more than
// two any two whose texts differ, drawn with the seed. What is drawn depends on the step and the
// prompt alone.
func (t *Trainer) pairOf(step int, g oaif.Group) oaif.Pair {
	if len(g.Answers) == 2 {
		return pair(g, 0, 1)
	}
	var differ [][2]int
	for k := range g.Answers {
		for i := range k {
			if g.Answers[i].Text != g.Answers[k].Text {
				differ = append(differ, [2]int{i, k})
			}
		}
	}
	if len(differ) == 0 {
		return pair(g, 0, 1)
	}
	// No response has a number below 0: its noise is not used twice.
	key := sampler.NoiseKey(uint64(t.cfg.Train.Seed), step, g.Prompt.Index, -1-g.First)
	two := differ[key%uint64(len(differ))]
	return pair(g, two[0], two[1])
}

// pair returns the answers at two places of a group, in rising order.
func pair(g oaif.Group, i, k int) oaif.Pair {
	i, k = min(i, k), max(i, k)
	return oaif.Pair{Prompt: g.Prompt, A: g.Answers[i], B: g.Answers[k], Drawn: [2]int{i, k}}
}

// decided returns the verdict on a pair that needs no annotator: with train.missing_eos_loses, an
// answer that was cut at the limit loses to one that has ended. Answers that read the same are left
// to the annotator, who finds them identical.
func (t *Trainer) decided(p oaif.Pair) (pref oaif.Preference, ok bool) {
	if !t.cfg.Train.MissingEOSLoses || p.A.Finish == p.B.Finish || p.A.Text == p.B.Text {
		return oaif.Preference{}, false
	}
	if p.A.Finish == oaif.FinishEOS {
		return oaif.Preference{Verdict: oaif.VerdictA, PA: 1, Reason: reasonMissingEOS}, true
	}
	return oaif.Preference{Verdict: oaif.VerdictB, Reason: reasonMissingEOS}, true
}
