package torchtest_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/oaif/oaif/torch/torchtest"
)

// The points are those of the tables: 99.99 % of cases are below.
func TestChiSquareBound(t *testing.T) {
	for degrees, want := range map[int]float64{3: 21.1, 7: 29.9, 24: 59.0, 99: 160.1} {
		even := make([]float64, degrees+1)
		for i := range even {
			even[i] = 10
		}
		statistic, bound := torchtest.ChiSquare(even, even)
		if statistic != 0 || math.Abs(bound-want) > .04*want {
			t.Errorf("%d degrees: %g under %g, want 0 under %g", degrees, statistic, bound, want)
		}
	}
}

func TestChiSquareTellsWrongFromRight(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	counts, expected, wrong := make([]float64, 10), make([]float64, 10), make([]float64, 10)
	for range 10000 {
		counts[rng.IntN(10)]++
	}
	for i := range expected {
		expected[i], wrong[i] = 1000, 1000
	}
	if statistic, bound := torchtest.ChiSquare(counts, expected); statistic > bound {
		t.Errorf("fair draws: %g, above %g", statistic, bound)
	}
	wrong[0], wrong[1] = 1150, 850
	if statistic, bound := torchtest.ChiSquare(counts, wrong); statistic < bound {
		t.Errorf("draws of another distribution: %g, below %g", statistic, bound)
	}
	expected[3] = 0
	if statistic, _ := torchtest.ChiSquare(counts, expected); !math.IsInf(statistic, 1) {
		t.Errorf("an impossible outcome: %g", statistic)
	}
}

// Outcomes too rare for the approximation count together: 3 + 3 + 2 expected, 2 + 0 + 6 seen.
func TestChiSquarePoolsTheRare(t *testing.T) {
	statistic, _ := torchtest.ChiSquare([]float64{100, 2, 0, 6}, []float64{100, 3, 3, 2})
	if statistic != 0 {
		t.Errorf("%g, want 0", statistic)
	}
}
