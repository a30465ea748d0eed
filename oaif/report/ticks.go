package report

import (
	"math"

	"gonum.org/v1/plot"
)

// ticks places three to six round labels on an axis.
type ticks struct {
	whole bool // label whole numbers only
}

// Ticks implements plot.Ticker.
func (t ticks) Ticks(lo, hi float64) []plot.Tick {
	step := tickStep(hi - lo)
	if t.whole {
		step = max(1, step)
	}
	var list []plot.Tick
	first := math.Ceil(lo/step - 1e-9)
	for i := 0; i < 20; i++ {
		value := (first + float64(i)) * step
		if value > hi+1e-9*step {
			break
		}
		list = append(list, plot.Tick{Value: value, Label: tickLabel(value)})
	}
	return list
}

// tickStep returns 1, 2 or 5 times a power of ten that divides span into three to six parts or so.
func tickStep(span float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(span/3)))
	for _, m := range []float64{5, 2} {
		if m*power <= span/3 {
			return m * power
		}
	}
	return power
}

func tickLabel(value float64) string {
	abs := math.Abs(value)
	switch {
	case abs >= 1e9:
		return number(value/1e9) + "G"
	case abs >= 1e6:
		return number(value/1e6) + "M"
	case abs >= 1e4:
		return number(value/1e3) + "k"
	}
	return number(value)
}

// Numbers of points and of columns above which neighbours are averaged.
const (
	maxPoints = 400
	maxBars   = 60
)

// thin averages neighbouring points so that long runs keep a small report.
func thin(s series) series {
	limit := maxPoints
	if s.kind == bars {
		limit = maxBars
	}
	if len(s.x) <= limit {
		return s
	}
	size := (len(s.x) + limit - 1) / limit
	s.x, s.y, s.lo, s.hi = means(s.x, size), means(s.y, size), means(s.lo, size), means(s.hi, size)
	return s
}

func means(values []float64, size int) []float64 {
	var out []float64
	for start := 0; start < len(values); start += size {
		part := values[start:min(start+size, len(values))]
		var sum float64
		for _, v := range part {
			sum += v / float64(len(part))
		}
		out = append(out, sum)
	}
	return out
}
