package trainer_test

import (
	"context"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/oaif/oaif/oaif"
)

// prefersLength is an annotator for longer answers, and with sign -1 for shorter ones.
func prefersLength(sign int) judge {
	return func(q oaif.Question) oaif.Preference {
		switch d := sign * (utf8.RuneCountInString(q.A) - utf8.RuneCountInString(q.B)); {
		case d > 0:
			return oaif.Preference{Verdict: oaif.VerdictA, PA: 1}
		case d < 0:
			return oaif.Preference{Verdict: oaif.VerdictB}
		}
		return oaif.Preference{Verdict: oaif.VerdictTie, PA: .5}
	}
}

// manyEnds makes capital letters end an answer, so that lengths differ from the start.
const manyEnds = "model.eos=[65,66,67,68,69,70,71,72,73,74,75,76,77," +
	"78,79,80,81,82,83,84,85,86,87,88,89,90]"

// TestLearns: 25 steps with each loss make the policy's answers beat the starting model's in the
// eyes of the annotator that it was trained with, in whatever direction that one points.
func TestLearns(t *testing.T) {
	for _, c := range []struct {
		name, loss string
		sign       int
	}{
		{"dpo longer", "dpo", 1}, {"dpo shorter", "dpo", -1},
		{"ipo shorter", "ipo", -1}, {"slic shorter", "slic", -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := load(t, workplace(t, pointwise), "loss.kind="+c.loss, "train.steps=25", manyEnds,
				"train.prompts_per_step=16", "optimizer.learning_rate=0.02",
				"sampler.max_new_tokens=12", "train.checkpoint_every=0")
			write(t, cfg.Data.Heldout, strings.Repeat(promptLines("hijklmnopqrstuvwxyz"), 4))
			w := &watcher{}
			tr := open(t, cfg, false, w)
			tr.UseAnnotator(prefersLength(c.sign), "length")
			if err := tr.Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			first, last := w.evals[0], w.evals[len(w.evals)-1]
			if rate := first.Judges[0].WinRate; rate != .5 || math.Abs(first.KL) > 1e-6 {
				t.Errorf("at the start: win rate %g, KL %g; want .5 and 0", rate, first.KL)
			}
			t.Logf("win rate %+v, KL %g, tokens %g, %g", last.Judges[0], last.KL, first.MeanTokens,
				last.MeanTokens)
			if rate := last.Judges[0].WinRate; rate < .75 {
				t.Errorf("win rate %g after training, want at least .75", rate)
			}
			if last.KL < .1 {
				t.Errorf("KL %g after training, want more", last.KL)
			}
		})
	}
}
