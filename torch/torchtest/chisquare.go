package torchtest

import "math"

// ChiSquare returns Pearson's statistic of how often each outcome came, against how often it was
// expected to, and the bound that it exceeds in one of 10,000 cases where the expectation is right.
// Outcomes that were expected fewer than 5 times count as one; where an outcome was expected never
// and came, the statistic is +Inf.
func ChiSquare(counts, expected []float64) (statistic, bound float64) {
	const least = 5
	rareCount, rareExpected, bins := 0.0, 0.0, 0
	for i, e := range expected {
		switch {
		case e == 0 && counts[i] > 0:
			return math.Inf(1), 0
		case e < least:
			rareCount, rareExpected = rareCount+counts[i], rareExpected+e
		default:
			statistic += (counts[i] - e) * (counts[i] - e) / e
			bins++
		}
	}
	if rareExpected > 0 {
		d := rareCount - rareExpected
		statistic += d * d / rareExpected
		bins++
	}
	return statistic, chiSquareBound(bins - 1)
}

// chiSquareBound is the 99.99 % point of the distribution with that many degrees of freedom, in the
// approximation of Wilson and Hilferty (1931): 4 % too large for 3 degrees, better for more.
func chiSquareBound(degrees int) float64 {
	const z = 3.719 // the normal distribution's 99.99 % point
	v := 2 / (9 * float64(max(1, degrees)))
	return float64(max(1, degrees)) * math.Pow(1-v+z*math.Sqrt(v), 3)
}
