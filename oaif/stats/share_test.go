package stats_test

import (
	"math"
	"testing"

	"github.com/oaif/oaif/oaif/stats"
)

// TestNewShare has Wilson's interval in its closed form, (k + z^2/2 +- z sqrt(k(n-k)/n + z^2/4)) /
// (n + z^2): 81 of 263 is the worked example of R. G. Newcombe, Statist. Med. 17, 857-872 (1998),
// table I, as are 15 of 148, 0 of 20 and 1 of 29.
func TestNewShare(t *testing.T) {
	for _, test := range []struct {
		k, n   int
		lo, hi float64
	}{
		{81, 263, .2553, .3662},
		{15, 148, .0624, .1605},
		{0, 20, 0, .1611},
		{1, 29, .0061, .1718},
	} {
		got := stats.NewShare(test.k, test.n)
		if math.Abs(got.CI95[0]-test.lo) > 5e-5 || math.Abs(got.CI95[1]-test.hi) > 5e-5 {
			t.Errorf("%d of %d: %.5f, want [%v %v]", test.k, test.n, got.CI95, test.lo, test.hi)
		}
		if want := float64(test.k) / float64(test.n); got.Rate == nil || *got.Rate != want {
			t.Errorf("%d of %d: rate %v", test.k, test.n, got.Rate)
		}
	}
}

// TestNewShareEdges: nothing is known of nothing; one item says little; the ends are exact.
func TestNewShareEdges(t *testing.T) {
	if got := stats.NewShare(0, 0); got.Rate != nil || got.CI95 != [2]float64{0, 1} {
		t.Errorf("0 of 0: %+v", got)
	}
	// 1/(1+z^2) = .206549 for one of one, and its mirror image for none of one.
	for k, want := range [][2]float64{{0, .793451}, {.206549, 1}} {
		got := stats.NewShare(k, 1).CI95
		if math.Abs(got[0]-want[0]) > 1e-6 || math.Abs(got[1]-want[1]) > 1e-6 {
			t.Errorf("%d of 1: %v, want %v", k, got, want)
		}
	}
	for _, n := range []int{1, 2, 7, 100, 1e9} {
		none, all := stats.NewShare(0, n).CI95, stats.NewShare(n, n).CI95
		if none[0] != 0 || math.Abs(all[1]-1) > 1e-15 {
			t.Errorf("n = %d: none %v, all %v", n, none, all)
		}
		if math.Abs(none[1]+all[0]-1) > 1e-12 || none[1] <= 0 || all[0] >= 1 {
			t.Errorf("n = %d: %v is not the mirror image of %v", n, none, all)
		}
	}
}

// TestWilson95Solves: both ends of the interval solve the equation that defines it.
func TestWilson95Solves(t *testing.T) {
	for _, test := range []struct {
		m, scale float64
		n        int
	}{{.5, 1, 10}, {.3, .4, 25}, {.999, 1, 1000}, {1e-6, 1, 2000000}} {
		for _, mu := range stats.Wilson95(test.m, test.scale, test.n) {
			left := (test.m - mu) * (test.m - mu)
			right := stats.Z95 * stats.Z95 * test.scale * mu * (1 - mu) / float64(test.n)
			if math.Abs(left-right) > 1e-9*right {
				t.Errorf("%+v: end %v: %v, want %v", test, mu, left, right)
			}
		}
	}
}
