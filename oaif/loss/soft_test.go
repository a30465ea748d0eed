package loss_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif/loss"
)

// soft returns lp with the same target for each pair.
func soft(lp loss.LogProbs, p float64) loss.LogProbs {
	lp.Targets = slices.Repeat([]float64{p}, len(lp.PolicyChosen))
	return lp
}

// TestSoftWorkedNumbers has h = 4, each loss's own beta, and p = .75:
//
//	DPO   .75*.513015 + .25*log(1 + e^.4) = .75*.513015 + .25*.913015 = .613015
//	      d/dh = -.1*(.75 - sigmoid(.4)) = -.1*(.75 - .598688) = -.0151312
//	IPO   .75*(4 - 1/2)^2 + .25*(-4 - 1/2)^2 = .75*12.25 + .25*20.25 = 14.25
//	      d/dh = 2*(4 - .5*1/2) = 7.5
//	SLiC  .75*(1 - .008) + .25*(1 + .008) = .996, d/dh = -.5*.002 = -.001
//
// What is said of rewards does not depend on p.
func TestSoftWorkedNumbers(t *testing.T) {
	for _, c := range []struct {
		l          loss.Loss
		loss, grad float64
	}{{loss.DPO, 0.613015, -0.0151312}, {loss.IPO, 14.25, 7.5}, {loss.SLiC, 0.996, -0.001}} {
		t.Run(c.l.Kind, func(t *testing.T) {
			r := mustOf(t, c.l, soft(onePair, .75), c.l.Beta, 1)
			near(t, "loss", r.Loss, c.loss, 1e-6)
			near(t, "dL/dlogp of the chosen", float64(r.GradChosen[0]), c.grad, 1e-7)
			near(t, "dL/dlogp of the rejected", float64(r.GradRejected[0]), -c.grad, 1e-7)
			near(t, "reward margin", r.RewardMargin, c.l.Beta*4, 1e-9)
			near(t, "reward accuracy", r.RewardAccuracy, 1, 0)
		})
	}
}

// TestCertainTargets: p = 1 is the hard label, bit for bit, and p = 0 is the hard label of the
// swapped pair.
func TestCertainTargets(t *testing.T) {
	swapped := loss.LogProbs{
		PolicyChosen: fivePairs.PolicyRejected, PolicyRejected: fivePairs.PolicyChosen,
		ReferenceChosen: fivePairs.ReferenceRejected, ReferenceRejected: fivePairs.ReferenceChosen,
	}
	for _, l := range []loss.Loss{loss.DPO, loss.IPO, loss.SLiC} {
		hard := mustOf(t, l, fivePairs, l.Beta, 5)
		sure := mustOf(t, l, soft(fivePairs, 1), l.Beta, 5)
		if sure.Loss != hard.Loss || !slices.Equal(sure.GradChosen, hard.GradChosen) ||
			!slices.Equal(sure.GradRejected, hard.GradRejected) {
			t.Errorf("%s: with targets of 1 %+v, without %+v", l.Kind, sure, hard)
		}
		other := mustOf(t, l, swapped, l.Beta, 5)
		wrong := mustOf(t, l, soft(fivePairs, 0), l.Beta, 5)
		if wrong.Loss != other.Loss || !slices.Equal(wrong.GradChosen, other.GradRejected) {
			t.Errorf("%s: with targets of 0 %+v, swapped %+v", l.Kind, wrong, other)
		}
	}
}

// TestSoftGradientAgainstDifferences: each pair with a target of its own, against central
// differences of the formula in float64.
func TestSoftGradientAgainstDifferences(t *testing.T) {
	formula := map[string]func(h, beta float64) float64{
		"dpo":  func(h, beta float64) float64 { return math.Log1p(math.Exp(-beta * h)) },
		"ipo":  func(h, beta float64) float64 { return math.Pow(h-1/(2*beta), 2) },
		"slic": func(h, beta float64) float64 { return math.Max(0, 1-beta*h) },
	}
	lp := fivePairs
	lp.Targets = []float64{.5, .6, .75, .9, 1}
	for _, l := range []loss.Loss{loss.DPO, loss.IPO, loss.SLiC} {
		r := mustOf(t, l, lp, 0.37, 5)
		want := 0.0
		for i, p := range lp.Targets {
			h := (lp.PolicyChosen[i] - lp.ReferenceChosen[i]) -
				(lp.PolicyRejected[i] - lp.ReferenceRejected[i])
			f := func(h float64) float64 {
				return (p*formula[l.Kind](h, 0.37) + (1-p)*formula[l.Kind](-h, 0.37)) / 5
			}
			const d = 1e-4
			slope := (f(h+d) - f(h-d)) / (2 * d)
			near(t, l.Kind+" gradient of the chosen", float64(r.GradChosen[i]), slope, 1e-6)
			near(t, l.Kind+" gradient of the rejected", float64(r.GradRejected[i]), -slope, 1e-6)
			want += f(h)
		}
		near(t, l.Kind+" loss", r.Loss, want, 1e-6)
	}
}

// TestTargetRefusals names what was wrong.
func TestTargetRefusals(t *testing.T) {
	for _, c := range []struct {
		targets []float64
		want    string
	}{
		{[]float64{}, "there are 0 targets for 1 pairs"},
		{[]float64{.5, .5}, "there are 2 targets for 1 pairs"},
		{[]float64{-.1}, "target 0 is -0.1"},
		{[]float64{1.1}, "target 0 is 1.1"},
		{[]float64{math.NaN()}, "target 0 is NaN"},
	} {
		lp := onePair
		lp.Targets = c.targets
		_, err := of(t, loss.DPO, lp, 0.1, 1)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error is %v, want one with %q", err, c.want)
		}
	}
}
