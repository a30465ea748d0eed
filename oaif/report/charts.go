package report

import (
	"html/template"
	"maps"
	"math"
	"slices"
	"strings"
)

// chart is one figure of the page.
type chart struct {
	Title string
	Last  string // the newest value of the first curve, with its unit
	About string
	Label string // what a screen reader says in place of the image
	Image template.HTML
	Keys  []legend // empty for one curve
}

// legend is the entry of one curve: colour 1 to 7 of the style sheet.
type legend struct {
	Label  string
	Colour int
	Dashed bool
}

// source is a file that curves come from.
type source int

const (
	training source = iota // lines of metrics.jsonl
	heldout                // the evaluations in metrics.jsonl
	machine                // system.jsonl
)

// curve names one recorded number.
type curve struct {
	from  source
	key   string
	label string
	kind  kind
}

// design is what a chart shows.
type design struct {
	title, unit, about string
	curves             []curve
	axes               axes
}

var (
	free  = axes{math.NaN(), math.NaN(), math.NaN(), true}
	zero  = axes{0, math.NaN(), math.NaN(), true}
	share = axes{0, 1, math.NaN(), true}
)

var learning = []design{
	{"Loss", "", "Mean over the pairs that a step trained on.",
		[]curve{{training, "loss", "loss", solid}}, free},
	{"Reward margin", "", "How much further the chosen answers were raised above the frozen " +
		"reference than the rejected ones, on the step's fresh pairs.",
		[]curve{{training, "reward_margin", "margin", solid}}, free},
	{"Reward accuracy", "", "Share of pairs whose chosen answer has the larger reward; " +
		"one half is chance.",
		[]curve{{training, "reward_accuracy", "accuracy", solid}}, axes{0, 1, .5, true}},
	{"Annotator score", "", "What the annotator gave to the sampled answers, on average.",
		[]curve{{training, "annotator_score", "score", solid}}, free},
	{"KL to the reference", "nats", "Estimated from training samples, and exact over the " +
		"vocabulary on held-out prompts: how far the model has moved.",
		[]curve{{training, "kl_nats", "training, sampled", solid},
			{heldout, "kl_nats", "held out, exact", dots}}, zero},
	{"Entropy", "nats", "How open the choice of the next token is; a collapse shows here first.",
		[]curve{{training, "entropy_nats", "training", solid},
			{heldout, "entropy_nats", "held out", dots}}, zero},
}

var answers = []design{
	{"Tokens in an answer", "tokens", "Mean length, the end token included.",
		[]curve{{training, "completion_tokens", "training", solid},
			{heldout, "mean_tokens", "held out", dots},
			{heldout, "baseline_mean_tokens", "held out, starting model", dashed}}, zero},
	{"How answers end", "", "Share that ended by itself, and share that the limit on new " +
		"tokens cut off.",
		[]curve{{training, "eos_rate", "ended", solid},
			{training, "truncation_rate", "cut off", solid},
			{heldout, "eos_rate", "ended, held out", dots}}, share},
	{"Distinct-2", "", "Different word pairs among all of them; repetition lowers it.",
		[]curve{{training, "distinct2", "training", solid},
			{heldout, "distinct2", "held out", dots},
			{heldout, "baseline_distinct2", "held out, starting model", dashed}}, free},
}

var optimizing = []design{
	{"Gradient norm", "", "Before clipping, over all parameters.",
		[]curve{{training, "grad_norm", "norm", solid}}, zero},
	{"Learning rate", "", "As the schedule set it.",
		[]curve{{training, "learning_rate", "rate", solid}}, zero},
	{"Sampler-trainer gap", "nats", "Difference between the log-prob of a token when it was " +
		"sampled and when it was trained on; small in exact arithmetic.",
		[]curve{{training, "logprob_gap_mean", "mean", solid},
			{training, "logprob_gap_max", "largest", solid}}, zero},
}

var judging = []design{
	{"Same position", "", "Share of pairs in which the annotator chose the same slot in both " +
		"orders; high values mean that it answers by position.",
		[]curve{{training, "same_position_rate", "rate", solid}}, share},
	{"Pairs of a step", "pairs", "Sampled, trained on, and left out by reason.",
		[]curve{{training, "pairs", "sampled", solid}, {training, "kept", "trained on", solid},
			{training, "skipped_identical", "identical", solid},
			{training, "skipped_tie", "tie", solid},
			{training, "skipped_invalid", "unreadable", solid}}, zero},
}

var running = []design{
	{"Speed", "tokens/s", "Sampled tokens a second, over whole steps.",
		[]curve{{machine, "tokens_per_second", "speed", solid}}, zero},
	{"Memory", "GB", "Resident memory of the process, and its peak.",
		[]curve{{machine, "rss_gb", "resident", solid}, {machine, "peak_rss_gb", "peak", dashed}},
		zero},
	{"Live tensor handles", "", "Handles open after a step; a rising curve is a leak.",
		[]curve{{machine, "live_handles", "handles", solid}}, zero},
}

// values returns the recorded points of a key, by step.
func (r *records) values(from source, key string) (x, y []float64) {
	add := func(step int, values map[string]float64) {
		if value, ok := values[key]; ok {
			x, y = append(x, float64(step)), append(y, value)
		}
	}
	switch from {
	case training:
		for _, m := range r.metrics {
			add(m.step, m.values)
		}
	case heldout:
		for _, e := range r.evals {
			add(e.Step, e.values)
		}
	case machine:
		for _, s := range r.lastOfStep() {
			add(s.Step, map[string]float64{"tokens_per_second": s.TokensPerSecond,
				"rss_gb": s.RSSBytes / 1e9, "peak_rss_gb": s.PeakRSSBytes / 1e9,
				"live_handles": s.LiveHandles})
		}
	}
	return x, y
}

// lastOfStep returns system rows by step; of a step that was run again after a resume, the last.
func (r *records) lastOfStep() []system {
	byStep := map[int]system{}
	for _, s := range r.system {
		byStep[s.Step] = s
	}
	var rows []system
	for _, step := range slices.Sorted(maps.Keys(byStep)) {
		rows = append(rows, byStep[step])
	}
	return rows
}

// draw makes the charts of the designs for which the run recorded something.
func (r *records) draw(designs []design) ([]chart, error) {
	var charts []chart
	for _, d := range designs {
		var list []series
		for _, c := range d.curves {
			if x, y := r.values(c.from, c.key); len(x) > 0 {
				list = append(list,
					series{label: c.label, kind: c.kind, colour: len(list), x: x, y: y})
			}
		}
		if len(list) == 0 {
			continue
		}
		c, err := newChart(d, list)
		if err != nil {
			return nil, err
		}
		charts = append(charts, c)
	}
	return charts, nil
}

func newChart(d design, list []series) (chart, error) {
	image, err := svg(list, d.axes)
	if err != nil {
		return chart{}, err
	}
	c := chart{Title: d.title, About: d.about, Image: image}
	var said []string
	for _, s := range list {
		first, last := withUnit(s.y[0], d.unit), withUnit(s.y[len(s.y)-1], d.unit)
		said = append(said, s.label+" from "+first+" to "+last)
		if len(list) > 1 {
			c.Keys = append(c.Keys, legend{s.label, 1 + s.colour%palette, s.kind == dashed})
		}
	}
	c.Label = d.title + ": " + strings.Join(said, "; ")
	c.Last = withUnit(list[0].y[len(list[0].y)-1], d.unit)
	return c, nil
}

func withUnit(value float64, unit string) string {
	return strings.TrimSuffix(number(value)+" "+unit, " ")
}

// furtherDesigns are charts for recorded numbers that no other chart shows.
func (r *records) furtherDesigns() []design {
	shown := map[string]bool{}
	for _, group := range [][]design{learning, answers, optimizing, judging} {
		for _, d := range group {
			for _, c := range d.curves {
				shown[c.key] = true
			}
		}
	}
	found := map[string]source{}
	for _, m := range r.metrics {
		for key := range m.values {
			found[key] = training
		}
	}
	for _, e := range r.evals {
		for key := range e.values {
			found[key] = heldout
		}
	}
	var designs []design
	for _, key := range slices.Sorted(maps.Keys(found)) {
		if !shown[key] {
			designs = append(designs, design{words(key), "", "As recorded in metrics.jsonl.",
				[]curve{{found[key], key, words(key), solid}}, free})
		}
	}
	return designs
}
