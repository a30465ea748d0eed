package trainer_test

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/trainer"
)

// constant is an annotator that always says the same.
func constant(p oaif.Preference) judge { return func(oaif.Question) oaif.Preference { return p } }

// skipping takes two steps with an annotator and reports what was said and whether the weights
// changed.
func skipping(
	t *testing.T, a oaif.Annotator, sets ...string,
) (w *watcher, changed bool, out string) {
	t.Helper()
	cfg := load(t, workplace(t, pointwise), sets...)
	w = &watcher{}
	tr := open(t, cfg, false, w)
	tr.UseAnnotator(a, "test")
	before, err := tr.Weights()
	if err != nil {
		t.Fatal(err)
	}
	for n := range 2 {
		if err := tr.Step(context.Background(), n+1); err != nil {
			t.Fatal(err)
		}
	}
	after, err := tr.Weights()
	if err != nil {
		t.Fatal(err)
	}
	return w, !slices.Equal(before, after), cfg.Run.Out
}

// TestSkippedSteps: a step without a verdict leaves the weights alone, is counted and written down.
func TestSkippedSteps(t *testing.T) {
	for _, c := range []struct {
		skipped string
		says    oaif.Preference
		count   func(trainer.Metrics) int
	}{
		{"tie", oaif.Preference{Verdict: oaif.VerdictTie, PA: .5},
			func(m trainer.Metrics) int { return m.SkippedTie }},
		{"identical",
			oaif.Preference{Verdict: oaif.VerdictTie, PA: .5, Reason: annotator.ReasonIdentical},
			func(m trainer.Metrics) int { return m.SkippedIdentical }},
		{"invalid", oaif.Preference{Verdict: oaif.VerdictInvalid, Reason: "no answer"},
			func(m trainer.Metrics) int { return m.SkippedInvalid }},
	} {
		t.Run(c.skipped, func(t *testing.T) {
			// Weight decay and momentum would move the weights if the optimizer took a step.
			w, changed, out := skipping(t, constant(c.says), "optimizer.weight_decay=0.5")
			if changed {
				t.Error("the weights changed")
			}
			for _, m := range w.steps {
				if m.Pairs != 3 || m.Kept != 0 || c.count(m) != 3 ||
					m.SkippedTie+m.SkippedIdentical+m.SkippedInvalid != 3 {
					t.Errorf("counted %+v", m)
				}
				if m.Loss != 0 || m.GradNorm != 0 || m.LearningRate != 1e-2 {
					t.Errorf("loss %g, norm %g, rate %g", m.Loss, m.GradNorm, m.LearningRate)
				}
			}
			lines := objects(t, filepath.Join(out, "pairs.jsonl"))
			if len(lines) != 6 {
				t.Fatalf("%d pairs written", len(lines))
			}
			for _, l := range lines {
				reason, _ := l["reason"].(string)
				if l["skipped"] != c.skipped || l["chosen"] != "" ||
					l["verdict"] != string(c.says.Verdict) || reason != c.says.Reason {
					t.Errorf("pair written as %v", l)
				}
			}
		})
	}
}

// TestIdenticalAnswers: answers that are drawn the same are skipped by the configured annotator,
// unasked. With one possible token, all are.
func TestIdenticalAnswers(t *testing.T) {
	cfg := load(t, workplace(t, pointwise), "sampler.top_k=1")
	w := &watcher{}
	tr := open(t, cfg, false, w)
	tr.WatchAnnotator(func(inner oaif.Annotator) oaif.Annotator {
		return judge(func(q oaif.Question) oaif.Preference {
			prefs, err := inner.Annotate(context.Background(), []oaif.Question{q})
			if err != nil || prefs[0].Reason != annotator.ReasonIdentical {
				t.Errorf("%v gave %v, %v", q, prefs, err)
			}
			return prefs[0]
		})
	})
	if err := tr.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, m := range w.steps {
		if m.SkippedIdentical != 3 || m.Kept != 0 || m.KL > 1e-6 {
			t.Errorf("counted %+v", m)
		}
	}
	// A run in which nothing was learned still ends as every run does.
	if got := w.evals[len(w.evals)-1]; got.Judges[0].WinRate != .5 || math.Abs(got.KL) > 1e-6 {
		t.Errorf("evaluated as %+v", got)
	}
}

// TestSomeSkipped: the pairs with a verdict are trained on, the divisor is their number.
func TestSomeSkipped(t *testing.T) {
	first := true
	w, changed, out := skipping(t, judge(func(oaif.Question) oaif.Preference {
		if first {
			first = false
			return oaif.Preference{Verdict: oaif.VerdictB}
		}
		return oaif.Preference{Verdict: oaif.VerdictInvalid, Reason: "no answer"}
	}))
	m := w.steps[0]
	if !changed || m.Kept != 1 || m.SkippedInvalid != 2 {
		t.Errorf("changed %v, counted %+v", changed, m)
	}
	// At the start policy and reference agree, so DPO's loss of each kept pair is ln 2.
	if d := m.Loss - 0.6931471805599453; d > 1e-4 || d < -1e-4 {
		t.Errorf("loss %g, want ln 2", m.Loss)
	}
	l := objects(t, filepath.Join(out, "pairs.jsonl"))[0]
	if l["chosen"] != "b" || l["skipped"] != "" {
		t.Errorf("pair written as %v", l)
	}
}
