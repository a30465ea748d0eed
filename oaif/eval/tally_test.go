package eval_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/eval"
)

func TestCountLeavesInvalidVerdictsOut(t *testing.T) {
	got := eval.Count([]oaif.Preference{
		{Verdict: oaif.VerdictA}, {Verdict: oaif.VerdictB}, {Verdict: oaif.VerdictA},
		{Verdict: oaif.VerdictTie}, {Verdict: oaif.VerdictInvalid}, {},
	})
	if want := (eval.Tally{N: 4, Win: 2, Tie: 1, Loss: 1, Invalid: 2}); got != want {
		t.Errorf("Count = %+v, want %+v", got, want)
	}
	if got.WinRate() != .625 { // (2 + 1/2)/4
		t.Errorf("WinRate = %v, want .625", got.WinRate())
	}
}

// TestCI95 has Wilson's interval where there are no ties, and the extremes. The values come from
// solving the documented inequality for mu by bisection.
func TestCI95(t *testing.T) {
	for _, test := range []struct {
		win, tie, loss int
		lo, hi         float64
	}{
		{7, 0, 3, 0.396778, 0.892209},
		{10, 0, 0, 0.722467, 1}, // n/(n+z^2)
		{0, 0, 10, 0, 0.277533},
		{256, 0, 0, 0.985217, 1},
		{0, 0, 0, 0, 1},
		// All ties: k = 1/11, c = z^2/110 = .034922; half width sqrt(c/4 + c^2/4)/(1+c) = .091848.
		{0, 10, 0, 0.408152, 0.591848},
		// m = .625, mean of x^2 = .5625, k = (.5625 - .390625)/.234375 = .733333.
		{4, 2, 2, 0.343253, 0.841640},
	} {
		tally := eval.Tally{Win: test.win, Tie: test.tie, Loss: test.loss}
		tally.N = test.win + test.tie + test.loss
		got := tally.CI95()
		if math.Abs(got[0]-test.lo) > 1e-6 || math.Abs(got[1]-test.hi) > 1e-6 {
			t.Errorf("%+v: CI95 = %.6f, want [%v %v]", tally, got, test.lo, test.hi)
		}
	}
}

// TestCI95Coverage sums the exact multinomial probability of all results whose interval holds the
// true win rate: close to 95 %, for many ties, no ties, lopsided and small samples.
func TestCI95Coverage(t *testing.T) {
	for _, p := range [][3]float64{
		{.5, 0, .5}, {.4, .3, .3}, {.7, .2, .1}, {.1, .8, .1}, {.85, .1, .05},
	} {
		const n = 40
		truth, covered := p[0]+p[1]/2, 0.0
		for win := 0; win <= n; win++ {
			for tie := 0; win+tie <= n; tie++ {
				ci := eval.Tally{N: n, Win: win, Tie: tie, Loss: n - win - tie}.CI95()
				if ci[0] <= truth && truth <= ci[1] {
					covered += multinomial(p, [3]int{win, tie, n - win - tie})
				}
			}
		}
		if covered < .92 || covered > .98 {
			t.Errorf("p = %v: the interval holds the truth with probability %.3f", p, covered)
		}
	}
}

// multinomial is n!/(k1! k2! k3!) p1^k1 p2^k2 p3^k3.
func multinomial(p [3]float64, k [3]int) float64 {
	log, _ := math.Lgamma(float64(k[0]+k[1]+k[2]) + 1)
	for i := range k {
		if k[i] == 0 {
			continue
		}
		if p[i] == 0 {
			return 0
		}
		factorial, _ := math.Lgamma(float64(k[i]) + 1)
		log += float64(k[i])*math.Log(p[i]) - factorial
	}
	return math.Exp(log)
}

func TestSummaryRecord(t *testing.T) {
	got, err := json.Marshal(eval.Summarize("vader", eval.Tally{N: 10, Win: 10}))
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(got, &fields); err != nil {
		t.Fatal(err)
	}
	lo := fields["ci95"].([]any)[0].(float64)
	want := map[string]any{"judge": "vader", "n": 10., "win": 10., "tie": 0., "loss": 0.,
		"win_rate": 1., "ci95": []any{lo, 1.}}
	if diff := cmp.Diff(want, fields); diff != "" || lo < .72 || lo > .73 {
		t.Errorf("lower end %v; %s", lo, diff)
	}
}
