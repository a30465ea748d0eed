package eval

import (
	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/stats"
)

// Tally counts a judge's verdicts on policy answers (a) against baseline answers (b). Invalid
// verdicts are counted apart: they are neither in N nor in the win rate.
type Tally struct {
	N       int `json:"n"` // Win + Tie + Loss
	Win     int `json:"win"`
	Tie     int `json:"tie"`
	Loss    int `json:"loss"`
	Invalid int `json:"-"`
}

// Count returns the Tally of verdicts in which a is the policy's answer.
func Count(prefs []oaif.Preference) Tally {
	var t Tally
	for _, p := range prefs {
		t.Add(p.Verdict)
	}
	return t
}

// Add counts one verdict.
func (t *Tally) Add(v oaif.Verdict) {
	switch v {
	case oaif.VerdictA:
		t.Win++
	case oaif.VerdictB:
		t.Loss++
	case oaif.VerdictTie:
		t.Tie++
	default:
		t.Invalid++
		return
	}
	t.N++
}

// WinRate returns (Win + Tie/2)/N in [0,1], a tie counting as half a win, and 0.5 when N is 0.
func (t Tally) WinRate() float64 {
	if t.N == 0 {
		return .5
	}
	return (float64(t.Win) + float64(t.Tie)/2) / float64(t.N)
}

// CI95 returns a 95 % interval of the win rate, within [0,1]. Each item is worth x = 1, 1/2 or 0;
// with m the mean of x, the interval holds every true mean mu with
//
//	(m - mu)^2 <= z^2 k mu (1-mu) / n,   k = (mean of x^2 - m^2) / (m (1-m)), z = 1.96:
//
// Wilson's score interval with the Bernoulli variance mu(1-mu) scaled by k, the share of it that is
// observed. Without ties k = 1 and this is Wilson's interval exactly; ties make it narrower (k <
// 1). When every item is a win (or a loss) k is undefined and taken as 1, and when every item is a
// tie as 1/(n+1), what one decided item more would make of it, so that the interval never closes to
// a point. For N = 0 it is [0,1].
func (t Tally) CI95() [2]float64 {
	if t.N == 0 {
		return [2]float64{0, 1}
	}
	n, m := float64(t.N), t.WinRate()
	k := 1.0
	if bernoulli := m * (1 - m); bernoulli > 0 {
		observed := (float64(t.Win)+float64(t.Tie)/4)/n - m*m
		k = max(observed/bernoulli, 1/(n+1))
	}
	return stats.Wilson95(m, k, t.N)
}

// Summary is one judge's line in metrics.jsonl: {"judge","n","win","tie","loss","win_rate","ci95"}.
type Summary struct {
	Judge string `json:"judge"`
	Tally
	WinRate float64    `json:"win_rate"`
	CI95    [2]float64 `json:"ci95"`
}

// Summarize returns the record of a judge's Tally.
func Summarize(judge string, t Tally) Summary {
	return Summary{Judge: judge, Tally: t, WinRate: t.WinRate(), CI95: t.CI95()}
}
