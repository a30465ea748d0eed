// Package stats holds the statistics that reports are made of: shares with their intervals,
// quantiles, and how well probabilities are calibrated.
//
// Plain numbers go in and come out; the package knows nothing of annotators, judges or files. All
// functions are pure and safe for concurrent use. What is not defined, such as a share of nothing,
// is nil or said at its place, never NaN.
package stats

import "math"

// Z95 is the 97.5 % point of the standard normal distribution.
const Z95 = 1.959963984540054

// Share is how many of a number of items have a property, with a 95 % interval of the share that a
// larger sample would show.
type Share struct {
	K int `json:"k"` // items with the property, 0 <= K <= N
	N int `json:"n"` // all items
	// Rate is K/N in [0,1], nil when N is 0.
	Rate *float64 `json:"rate"`
	// CI95 is Wilson's interval, within [0,1]; [0,1] itself when N is 0.
	CI95 [2]float64 `json:"ci95"`
}

// NewShare returns the share that k of n items are, 0 <= k <= n.
func NewShare(k, n int) Share {
	if n == 0 {
		return Share{CI95: [2]float64{0, 1}}
	}
	rate := float64(k) / float64(n)
	return Share{K: k, N: n, Rate: &rate, CI95: Wilson95(rate, 1, n)}
}

// Wilson95 returns the 95 % score interval (E. B. Wilson, J. Am. Stat. Assoc. 22, 209-212, 1927) of
// a mean that was found to be m in [0,1], over n > 0 items in [0,1] whose variance is scale times
// that of items that are 0 or 1. It holds every mu in [0,1] with
//
//	(m - mu)^2 <= z^2 scale mu (1-mu) / n,   z = Z95.
//
// With scale = 1 it is Wilson's interval of a share; unlike m +- z sqrt(m (1-m) / n) it does not
// close to a point at m = 0 or 1, nor leave [0,1].
func Wilson95(m, scale float64, n int) [2]float64 {
	c := Z95 * Z95 * scale / float64(n)
	center := (m + c/2) / (1 + c)
	half := math.Sqrt(c*m*(1-m)+c*c/4) / (1 + c)
	return [2]float64{max(0, center-half), min(1, center+half)}
}
