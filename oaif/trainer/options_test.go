package trainer_test

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/trainer"
)

// softLoss is the mean over pairs with a verdict of p f(h) + (1-p) f(-h), in double precision; p is
// the annotator's probability of the chosen answer, with a label that is wrong once in 1/eps times.
func softLoss(
	t *testing.T, tr *trainer.Trainer, j judged, f func(h float64) float64, eps float64,
) (loss float64) {
	t.Helper()
	for _, i := range j.kept() {
		p := j.prefs[i].PA
		if j.prefs[i].Verdict == oaif.VerdictB {
			p = 1 - p
		}
		p = (1-eps)*p + eps*(1-p)
		one := j.some(i)
		right := plainLoss(t, tr, one, f)
		wrong := plainLoss(t, tr, one, func(h float64) float64 { return f(-h) })
		loss += (p*right + (1-p)*wrong) / float64(len(j.kept()))
	}
	return loss
}

// hard gives every verdict the probability 1.
func (j judged) hard() judged {
	out := j.some(indices(len(j.pairs))...)
	for i, p := range out.prefs {
		switch p.Verdict {
		case oaif.VerdictA:
			out.prefs[i].PA = 1
		case oaif.VerdictB:
			out.prefs[i].PA = 0
		}
	}
	return out
}

// TestSoftLabels: the loss of a step is that of the formula, and its slope along the step's
// gradient is the gradient's norm; with the annotator's probabilities, with smoothed verdicts, and
// with both. Soft labels of a certain annotator are hard ones, bit for bit.
func TestSoftLabels(t *testing.T) {
	for _, c := range []struct {
		sets []string
		soft bool
		eps  float64
	}{
		{[]string{"loss.soft_targets=true"}, true, 0},
		{[]string{"loss.label_smoothing=0.2"}, false, .2},
		{[]string{"loss.soft_targets=true", "loss.label_smoothing=0.2"}, true, .2},
	} {
		for kind, f := range formulas {
			tr := moved(t, append(c.sets, "loss.kind="+kind, "train.micro_batch=3")...)
			rng := rand.New(rand.NewPCG(95, 96))
			j := anyPairs(t, tr, rng)
			labels := j
			if !c.soft {
				labels = j.hard()
			}
			loss := func() float64 { return softLoss(t, tr, labels, f, c.eps) }
			got := learn(t, tr, j)
			if want := loss(); math.Abs(got.Metrics.Loss-want) > 1e-5*(1+want) {
				t.Errorf("%s %v: loss %g, want %g", kind, c.sets, got.Metrics.Loss, want)
			}
			norm := 0.0
			for _, g := range got.Gradients {
				norm += float64(g) * float64(g)
			}
			norm = math.Sqrt(norm)
			if slope := slopeAlong(t, tr, got.Gradients, norm, loss); norm == 0 ||
				math.Abs(slope-norm) > .01*norm {
				t.Errorf("%s %v: slope %g, norm %g", kind, c.sets, slope, norm)
			}
		}
	}
	certain, plain := moved(t, "loss.soft_targets=true"), moved(t)
	j := anyPairs(t, plain, rand.New(rand.NewPCG(97, 98))).hard()
	got, want := learn(t, certain, j), learn(t, plain, j)
	if got.Metrics.Loss != want.Metrics.Loss || !slices.Equal(got.Gradients, want.Gradients) {
		t.Errorf("certain soft labels: loss %g, hard %g", got.Metrics.Loss, want.Metrics.Loss)
	}
}

// TestMinMargin: pairs within the margin are counted, written down with their verdict, and change
// nothing else.
func TestMinMargin(t *testing.T) {
	const least = "train.min_margin=0.25"
	tr := moved(t, least)
	rng := rand.New(rand.NewPCG(99, 100))
	margin := 0
	for range 10 {
		j := anyPairs(t, tr, rng)
		var beyond []int
		for _, i := range j.kept() {
			if p := j.prefs[i].PA; p == 0 || p == 1 { // of whom verdicts has some
				beyond = append(beyond, i)
			}
		}
		all, kept := learn(t, tr, j), learn(t, tr, j.some(beyond...))
		if !slices.Equal(all.Gradients, kept.Gradients) || all.Metrics.Loss != kept.Metrics.Loss ||
			all.Metrics.Kept != len(beyond) ||
			all.Metrics.SkippedMargin != len(j.kept())-len(beyond) {
			t.Errorf("%d pairs are beyond the margin: %+v", len(beyond), all.Metrics)
		}
		margin += all.Metrics.SkippedMargin
	}
	if margin < 10 {
		t.Errorf("%d pairs are within the margin: too few to tell", margin)
	}
	near := oaif.Preference{Verdict: oaif.VerdictA, PA: .75}
	w, changed, out := skipping(t, constant(near), least, "optimizer.weight_decay=0.5")
	if changed || w.steps[0].SkippedMargin != 3 || w.steps[0].Kept != 0 {
		t.Errorf("changed %v, counted %+v", changed, w.steps[0])
	}
	for _, l := range objects(t, filepath.Join(out, "pairs.jsonl")) {
		if l["skipped"] != "margin" || l["chosen"] != "" || l["verdict"] != "a" || l["p_a"] != .75 {
			t.Errorf("pair written as %v", l)
		}
	}
}

// TestMissingEOSLoses: where one answer has ended and the other was cut, the annotator is not asked
// and the one that has ended wins; of all other pairs it is asked.
func TestMissingEOSLoses(t *testing.T) {
	for _, aside := range []bool{false, true} {
		var questions atomic.Int32
		a := judge(func(q oaif.Question) oaif.Preference {
			questions.Add(1)
			return prefersLength(1)(q)
		})
		tr, out := varied(t, a, "train.missing_eos_loses=true", "sampler.max_new_tokens=5")
		if aside {
			tr.AskBeside()
		}
		if err := tr.Step(context.Background(), 1); err != nil {
			t.Fatal(err)
		}
		decided := 0
		for _, l := range objects(t, filepath.Join(out, "pairs.jsonl")) {
			a, b := l["a"].(map[string]any), l["b"].(map[string]any)
			if a["finish"] == b["finish"] || a["text"] == b["text"] {
				if l["reason"] == "missing_eos" {
					t.Errorf("pair written as %v", l)
				}
				continue
			}
			decided++
			want, p := "a", 1.0
			if b["finish"] == "eos" {
				want, p = "b", 0
			}
			if l["reason"] != "missing_eos" || l["verdict"] != want || l["chosen"] != want ||
				l["p_a"] != p {
				t.Errorf("pair written as %v", l)
			}
		}
		m := objects(t, filepath.Join(out, "metrics.jsonl"))[0]
		if decided == 0 || decided == 7 || int(questions.Load()) != 7-decided ||
			m["missing_eos"] != float64(decided) {
			t.Errorf("%d pairs decided, %d questions, %v", decided, questions.Load(), m)
		}
	}
}
