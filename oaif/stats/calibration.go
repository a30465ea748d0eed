package stats

import (
	"fmt"
	"math"
)

// Forecast is a probability that was given to an event, in [0,1], and whether it came about.
type Forecast struct {
	P        float64
	Happened bool
}

// Bin is one row of a reliability table: the forecasts with From <= P < To (P <= 1 in the last).
type Bin struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
	// MeanP is the mean of P, nil in an empty bin. Calibrated forecasts come about as often.
	MeanP *float64 `json:"mean_p"`
	// Happened is the share of the bin's forecasts that came about.
	Happened Share `json:"happened"`
}

// Calibration says how far probabilities can be taken at their word.
type Calibration struct {
	// N is the number of forecasts, at least 1.
	N int `json:"n"`
	// Brier is the mean of (P - y)^2, y = 1 for what came about and else 0, in [0,1] (G. W. Brier,
	// Mon. Weather Rev. 78, 1-3, 1950, for one of two outcomes: half of his sum over both). 0 is
	// perfect, and P = 1/2 for all gives .25.
	Brier float64 `json:"brier"`
	// Error is the mean over forecasts of |mean P - share that came about| of their bin, in [0,1]:
	// the expected calibration error (Naeini et al., AAAI 2015). It is above 0 by chance alone
	// where bins hold few.
	Error float64 `json:"error"`
	// Bins are of equal width, in order.
	Bins []Bin `json:"bins"`
}

// Calibrate measures forecasts, in so many bins >= 1. It returns nil without forecasts, and an
// error for one that is no probability.
func Calibrate(forecasts []Forecast, bins int) (*Calibration, error) {
	if len(forecasts) == 0 {
		return nil, nil
	}
	sums, counts, happened := make([]float64, bins), make([]int, bins), make([]int, bins)
	c := &Calibration{N: len(forecasts)}
	for i, f := range forecasts {
		if !(f.P >= 0 && f.P <= 1) {
			return nil, fmt.Errorf("forecast %d is %v, not a probability", i+1, f.P)
		}
		bin, y := binOf(f.P, bins), 0.0
		if f.Happened {
			y = 1
			happened[bin]++
		}
		sums[bin] += f.P
		counts[bin]++
		c.Brier += (f.P - y) * (f.P - y)
	}
	n := float64(c.N)
	c.Brier /= n
	for i, count := range counts {
		b := Bin{From: edge(i, bins), To: edge(i+1, bins), Happened: NewShare(happened[i], count)}
		if count > 0 {
			mean := sums[i] / float64(count)
			b.MeanP = &mean
			c.Error += math.Abs(sums[i]-float64(happened[i])) / n
		}
		c.Bins = append(c.Bins, b)
	}
	return c, nil
}

// edge is where bin number i of so many begins.
func edge(i, bins int) float64 { return float64(i) / float64(bins) }

// binOf compares with the edges themselves, so that rounding in P*bins moves nothing.
func binOf(p float64, bins int) int {
	i := 0
	for i+1 < bins && p >= edge(i+1, bins) {
		i++
	}
	return i
}
