package report

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
)

// winRateChart shows each judge's win rate at each evaluation, nil without evaluations.
func (r *records) winRateChart() (*chart, error) {
	index := map[string]int{}
	var list []series
	for _, e := range r.evals {
		for _, j := range e.Judges {
			i, ok := index[j.Judge]
			if !ok {
				i = len(list)
				index[j.Judge] = i
				list = append(list, series{label: j.Judge, kind: dots, colour: i})
			}
			s := &list[i]
			s.x, s.y = append(s.x, float64(e.Step)), append(s.y, j.WinRate)
			s.lo, s.hi = append(s.lo, j.CI95[0]), append(s.hi, j.CI95[1])
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	c, err := newChart(design{"Win rate against the starting model", "",
		"On held-out prompts, by judge, with its 95 % interval; one half is a draw.",
		nil, axes{0, 1, .5, true}}, list)
	c.Keys = nil
	for _, s := range list {
		c.Keys = append(c.Keys, legend{Label: s.label, Colour: 1 + s.colour%palette})
	}
	return &c, err
}

// stageOrder is the order in which a step runs its stages.
var stageOrder = []string{
	"sample", "annotate", "reference", "train", "optimize", "eval", "checkpoint",
}

// stages returns the names of all recorded stages and the seconds spent in each.
func (r *records) stages() ([]string, map[string]float64) {
	total := map[string]float64{}
	for _, s := range r.system {
		for name, seconds := range s.StageSeconds {
			total[name] += seconds
		}
	}
	if len(total) == 0 && r.summary != nil {
		total = r.summary.StageSeconds
	}
	place := func(name string) int {
		if i := slices.Index(stageOrder, name); i >= 0 {
			return i
		}
		return len(stageOrder)
	}
	names := slices.SortedFunc(maps.Keys(total), func(a, b string) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b))
	})
	return names, total
}

// stageChart stacks the seconds of each step by stage, nil without any.
func (r *records) stageChart() (*chart, error) {
	names, _ := r.stages()
	rows := r.lastOfStep()
	if len(names) == 0 || len(rows) == 0 {
		return nil, nil
	}
	x, sum := make([]float64, len(rows)), make([]float64, len(rows))
	var list []series
	for colour, name := range names {
		s := series{label: name, kind: bars, colour: colour, x: x, y: make([]float64, len(rows))}
		for i, row := range rows {
			x[i] = float64(row.Step)
			sum[i] += row.StageSeconds[name]
			s.y[i] = sum[i]
		}
		list = append(list, s)
	}
	slices.Reverse(list) // the tallest first, the others over it
	about := "By stage, stacked in their order."
	c, err := newChart(design{"Seconds of a step", "s", about, nil, zero}, list)
	slices.Reverse(c.Keys)
	c.Label = "Seconds of each step by stage; the table below has the totals"
	return &c, err
}

// fact is a row of a table: a name, a value, and what it means.
type fact struct{ Name, Value, Note string }

func (r *records) stageFacts() []fact {
	names, total := r.stages()
	var all float64
	for _, seconds := range total {
		all += seconds
	}
	var facts []fact
	for _, name := range names {
		part := ""
		if all > 0 {
			part = number(100*total[name]/all) + " %"
		}
		facts = append(facts, fact{name, duration(total[name]), part})
	}
	if len(facts) > 0 {
		facts = append(facts, fact{"all stages", duration(all), ""})
	}
	return facts
}

// histogram shows p_a of all judged pairs, nil when there are none.
func (s *pairStats) histogram() (*chart, error) {
	if s.judged == 0 {
		return nil, nil
	}
	h := series{label: "pairs", kind: bars}
	for i, n := range s.hist {
		h.x, h.y = append(h.x, (float64(i)+.5)/bins), append(h.y, n)
	}
	c, err := newChart(design{"Preference for answer a", "pairs",
		"The annotator's probability that a is better. Mass at both ends means clear verdicts; " +
			"mass at one half means that the annotator sees no difference.", nil,
		axes{0, math.NaN(), math.NaN(), false}}, []series{h})
	c.Last = count(s.judged) + " pairs"
	c.Label = fmt.Sprintf("Histogram of the probability that answer a is better, over %s pairs",
		count(s.judged))
	return &c, err
}
