package stats

import (
	"math"
	"slices"
)

// Spread says how values of one unit are spread; all zero without values.
type Spread struct {
	N                 int
	Sum               float64
	Mean, Median, P95 float64
}

// NewSpread returns the Spread of values, which are finite.
func NewSpread(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	s := Spread{N: len(sorted), Median: quantile(sorted, .5), P95: quantile(sorted, .95)}
	for _, v := range sorted {
		s.Sum += v
	}
	s.Mean = s.Sum / float64(s.N)
	return s
}

// quantile interpolates linearly between the two nearest of sorted, which is not empty: definition
// 7 of R. J. Hyndman and Y. Fan, Am. Stat. 50, 361-365 (1996). Of few values the 95 % quantile is
// close to the largest.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	low := int(math.Floor(at))
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}
