package stats_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif/stats"
)

func calibrate(t *testing.T, forecasts []stats.Forecast, bins int) *stats.Calibration {
	t.Helper()
	c, err := stats.Calibrate(forecasts, bins)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCalibrate by hand: of four forecasts, .9 and .8 came about, .6 did not, .1 did not. Brier =
// (.01 + .04 + .36 + .01)/4 = .105. In two bins: [0,.5) has mean .1 and share 0; [.5,1] has sum
// 2.3 and 2 of 3: the error is (|.1 - 0| + |2.3 - 2|)/4 = .1.
func TestCalibrate(t *testing.T) {
	c := calibrate(t, []stats.Forecast{{.9, true}, {.6, false}, {.1, false}, {.8, true}}, 2)
	if c.N != 4 || off(c.Brier, .105) || off(c.Error, .1) || len(c.Bins) != 2 {
		t.Errorf("%+v", c)
	}
	low, high := c.Bins[0], c.Bins[1]
	if low.From != 0 || low.To != .5 || off(*low.MeanP, .1) || low.Happened.N != 1 ||
		low.Happened.K != 0 {
		t.Errorf("low: %+v", low)
	}
	if high.From != .5 || high.To != 1 || off(*high.MeanP, 2.3/3) || high.Happened.N != 3 ||
		high.Happened.K != 2 {
		t.Errorf("high: %+v", high)
	}
}

// TestCalibrateEdges: a P on an edge belongs to the bin above, 1 to the last, and the next smaller
// number to the bin below.
func TestCalibrateEdges(t *testing.T) {
	for i := range 10 {
		at := float64(i) / 10
		for p, want := range map[float64]int{
			at: i, math.Nextafter(at, 1): i, math.Nextafter(at, -1): i - 1, 1: 9,
		} {
			if p < 0 {
				continue
			}
			c := calibrate(t, []stats.Forecast{{P: p}}, 10)
			if n := c.Bins[want].Happened.N; n != 1 {
				t.Errorf("P = %.17g is not in bin %d: %+v", p, want, c.Bins)
			}
		}
	}
}

// TestCalibrateExtremes: certainty that is right costs nothing, certainty that is wrong all there
// is; one half for all is .25 whatever happens; nothing is null, and no number is not a number.
func TestCalibrateExtremes(t *testing.T) {
	for _, test := range []struct {
		name         string
		forecasts    []stats.Forecast
		brier, error float64
	}{
		{"right", []stats.Forecast{{1, true}, {0, false}}, 0, 0},
		{"wrong", []stats.Forecast{{0, true}, {1, false}}, 1, 1},
		{"half", []stats.Forecast{{.5, true}, {.5, false}}, .25, 0},
		{"one", []stats.Forecast{{.5, true}}, .25, .5},
		{"tiny", []stats.Forecast{{5e-324, false}, {1 - 1e-16, true}}, 0, 0},
	} {
		c := calibrate(t, test.forecasts, 10)
		if off(c.Brier, test.brier) || off(c.Error, test.error) {
			t.Errorf("%s: %+v", test.name, c)
		}
		if _, err := json.Marshal(c); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	if c := calibrate(t, nil, 10); c != nil {
		t.Errorf("of nothing: %+v", c)
	}
	for _, p := range []float64{-1e-9, 1 + 1e-9, math.NaN(), math.Inf(1)} {
		_, err := stats.Calibrate([]stats.Forecast{{P: .5}, {P: p}}, 10)
		if err == nil || !strings.Contains(err.Error(), "forecast 2 is") {
			t.Errorf("P = %v: %v", p, err)
		}
	}
}

// TestCalibratedForecastsAreFound: forecasts that come about as often as they say have a small
// error, and the Brier score of theory, the mean of p(1-p) = 1/6 for uniform p.
func TestCalibratedForecastsAreFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var honest, bold []stats.Forecast
	for range 20000 {
		p := rng.Float64()
		happened := rng.Float64() < p
		honest = append(honest, stats.Forecast{P: p, Happened: happened})
		bold = append(bold, stats.Forecast{P: math.Round(p), Happened: happened})
	}
	c := calibrate(t, honest, 10)
	if c.Error > .02 || math.Abs(c.Brier-1./6) > .005 {
		t.Errorf("honest: error %v, Brier %v", c.Error, c.Brier)
	}
	// Rounded to 0 and 1 they are wrong a quarter of the time, in both bins.
	c = calibrate(t, bold, 10)
	if math.Abs(c.Error-.25) > .02 || math.Abs(c.Brier-.25) > .02 {
		t.Errorf("bold: error %v, Brier %v", c.Error, c.Brier)
	}
}
