package trainer_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
)

// firstSlot is a pairwise annotator that prefers the answer shown first with probability p.
func firstSlot(p float64) judge {
	return constant(oaif.Preference{Verdict: oaif.VerdictTie, PA: .5,
		Orders: []oaif.Order{{First: "a", PFirst: p}, {First: "b", PFirst: p}}})
}

// TestPositionIsCalledOut: an annotator that answers by position is called out once, after the
// first batch or, where the batches are small, the second.
func TestPositionIsCalledOut(t *testing.T) {
	for _, c := range []struct {
		name string
		size string // pairs a step
		a    oaif.Annotator
		want string
		rate float64
	}{
		{"first", "16", firstSlot(.9), "in 16 of 16 pairs it preferred the answer shown first", 1},
		{"second", "16", firstSlot(.2),
			"in 16 of 16 pairs it preferred the answer shown second", 1},
		{"small", "4", firstSlot(.9), "in 8 of 8 pairs it preferred the answer shown first", 1},
		{"too few", "3", firstSlot(.9), "", 1},
		{"none", "16", constant(oaif.Preference{Verdict: oaif.VerdictA, PA: .8,
			Orders: []oaif.Order{{First: "a", PFirst: .8}, {First: "b", PFirst: .2}}}), "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, _, _ := skipping(t, c.a, "train.prompts_per_step="+c.size,
				"optimizer.learning_rate=0")
			switch said := strings.Join(w.warnings, "\n"); {
			case c.want == "" && said != "":
				t.Errorf("warned %q", said)
			case !strings.Contains(said, c.want) || strings.Count(said, "\n") != 0:
				t.Errorf("warned %q, want one line with %q", said, c.want)
			}
			for _, m := range w.steps {
				if m.SamePositionRate == nil || *m.SamePositionRate != c.rate {
					t.Errorf("step %d: same-position rate %v, want %g",
						m.Step, m.SamePositionRate, c.rate)
				}
			}
		})
	}
}

// TestPositionIsCalledOutAfterResume: what was counted before a stop counts after it.
func TestPositionIsCalledOutAfterResume(t *testing.T) {
	path := workplace(t, pointwise)
	w := &watcher{}
	for _, resume := range []bool{false, true} {
		t.Run("", func(t *testing.T) {
			ctx, stop := context.WithCancel(context.Background())
			defer stop()
			w.hook = func() {
				if !resume && len(w.steps) == 2 { // of the three that it takes
					stop()
				}
			}
			tr := open(t, load(t, path, "eval.every=0"), resume, w)
			tr.UseAnnotator(firstSlot(.9), "test")
			if err := tr.Run(ctx); err != nil && !errors.Is(err, oaif.ErrInterrupted) {
				t.Fatal(err)
			}
		})
	}
	if len(w.warnings) != 1 || !strings.Contains(w.warnings[0], "in 9 of 9 pairs") {
		t.Errorf("after %d steps warned %q", len(w.steps), w.warnings)
	}
}

// TestAnnotatorScore is the mean score of a pointwise annotator's answers, and of a pairwise one
// the mean probability of the preferred answer. What was not judged does not count.
func TestAnnotatorScore(t *testing.T) {
	invalid := oaif.Preference{Verdict: oaif.VerdictInvalid, Reason: "no answer",
		ScoreA: 100, PA: 1}
	says := []oaif.Preference{
		{Verdict: oaif.VerdictA, PA: .9, ScoreA: 3, ScoreB: 1}, invalid,
		{Verdict: oaif.VerdictB, PA: .1, ScoreA: -2, ScoreB: 0},
	}
	orders := []oaif.Order{{First: "a", PFirst: .5}, {First: "b", PFirst: .5}}
	for name, c := range map[string]struct {
		orders []oaif.Order
		want   float64
	}{"pointwise": {nil, .5}, "pairwise": {orders, .9}} {
		i := -1
		w, _, _ := skipping(t, judge(func(oaif.Question) oaif.Preference {
			i++
			p := says[i%3]
			p.Orders = c.orders
			return p
		}))
		if got := w.steps[0].AnnotatorScore; math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s: score %g, want %g", name, got, c.want)
		}
	}
}

// TestScoresOfZero: two answers of score 0, as most texts have of a rule, are no probability.
func TestScoresOfZero(t *testing.T) {
	w, _, _ := skipping(t, judge(func(oaif.Question) oaif.Preference {
		return oaif.Preference{Verdict: oaif.VerdictTie, PA: .5}
	}))
	if got := w.steps[0].AnnotatorScore; got != 0 {
		t.Errorf("score %g", got)
	}
}

// TestDivergence: a learning rate that breaks the model ends in one line that says so, and nothing
// that is not a number is written down.
func TestDivergence(t *testing.T) {
	for _, steps := range []string{"1", "4"} {
		cfg := load(t, workplace(t, pointwise), "train.steps="+steps)
		cfg.Optimizer.LearningRate = 1e38 // more than a file can ask for
		err := open(t, cfg, false, &watcher{}).Run(context.Background())
		const want = "diverged: after step 1 a result is NaN"
		if !errors.Is(err, oaif.ErrData) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s steps: got %v", steps, err)
		}
		objects(t, filepath.Join(cfg.Run.Out, "metrics.jsonl"))
	}
}

// TestInfiniteLoss: log-probs whose loss is too large for a number end a run as divergence does.
func TestInfiniteLoss(t *testing.T) {
	cfg := load(t, workplace(t, pointwise), "loss.kind=ipo")
	cfg.Loss.Beta = 1e-30 // less than a file can ask for: the target margin's square is infinite
	err := open(t, cfg, false, &watcher{}).Run(context.Background())
	const want = "training has diverged: the loss of step 1 is not finite; " +
		"start again with a lower optimizer.learning_rate"
	if !errors.Is(err, oaif.ErrData) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// failing is an annotator that cannot judge at all.
type failing struct{}

func (failing) Annotate(context.Context, []oaif.Question) ([]oaif.Preference, error) {
	return nil, errors.New("out of order")
}

// TestAnnotatorFails: the run ends with the annotator's error, the step is not written down, and
// the run can go on.
func TestAnnotatorFails(t *testing.T) {
	path := workplace(t, pointwise)
	t.Run("fails", func(t *testing.T) {
		tr := open(t, load(t, path), false, &watcher{})
		tr.WatchAnnotator(func(oaif.Annotator) oaif.Annotator { return failing{} })
		if err := tr.Run(context.Background()); err == nil || err.Error() != "out of order" {
			t.Errorf("got %v", err)
		}
	})
	cfg := load(t, path)
	if err := open(t, cfg, true, &watcher{}).Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	sameResults(t, cfg.Run.Out, train(t, path, "run.out="+filepath.Dir(path)+"/whole"), 4)
}
