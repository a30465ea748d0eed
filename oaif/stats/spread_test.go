package stats_test

import (
	"math"
	"slices"
	"testing"

	"github.com/oaif/oaif/oaif/stats"
)

func TestNewSpread(t *testing.T) {
	for _, test := range []struct {
		name   string
		values []float64
		want   stats.Spread
	}{
		{"nothing", nil, stats.Spread{}},
		{"one", []float64{3}, stats.Spread{N: 1, Sum: 3, Mean: 3, Median: 3, P95: 3}},
		{"two", []float64{4, 2}, stats.Spread{N: 2, Sum: 6, Mean: 3, Median: 3, P95: 3.9}},
		// 0 to 20: the 95 % quantile is value number .95 * 20 = 19, exactly.
		{"21", twentyOne(), stats.Spread{N: 21, Sum: 210, Mean: 10, Median: 10, P95: 19}},
		// Between number 3 and 4 of 0 to 4, at .95 * 4 = 3.8: 1 + .8 * (11 - 1) = 9.
		{"one outlier", []float64{1, 11, 1, 1, 1},
			stats.Spread{N: 5, Sum: 15, Mean: 3, Median: 1, P95: 9}},
	} {
		before := slices.Clone(test.values)
		got := stats.NewSpread(test.values)
		if got.N != test.want.N || off(got.Sum, test.want.Sum) || off(got.Mean, test.want.Mean) ||
			off(got.Median, test.want.Median) || off(got.P95, test.want.P95) {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
		if !slices.Equal(before, test.values) {
			t.Errorf("%s: the caller's values were changed to %v", test.name, test.values)
		}
	}
}

// twentyOne are the numbers 20 to 0.
func twentyOne() (values []float64) {
	for i := range 21 {
		values = append(values, float64(20-i))
	}
	return values
}

func off(got, want float64) bool { return math.Abs(got-want) > 1e-12 }
