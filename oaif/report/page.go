package report

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// page is what the template shows.
type page struct {
	Name     string
	State    string // whether the run is finished
	Tiles    []fact
	Results  []result
	WinRate  *chart
	Checks   []fact
	Texts    *textTable
	Groups   []group
	Pairs    []fact
	Reasons  []fact
	Warning  string
	Judging  []chart
	Stages   []fact
	Running  []chart
	Config   string
	NoEval   bool
	NoSystem bool
}

// group is a titled grid of training curves.
type group struct {
	Title  string
	Charts []chart
}

// result is a formatted row of the result table.
type result struct {
	Judge, N, Win, Tie, Loss, Rate, Interval, Tokens string
}

func newPage(r *records) (*page, error) {
	p := &page{Name: name(r.dir), State: r.state(), Results: r.results(), Tiles: r.tiles(),
		Texts: r.textTable(), Stages: r.stageFacts(), Config: r.config,
		NoEval: len(r.evals) == 0, NoSystem: len(r.system) == 0}
	if r.summary != nil {
		p.Checks = flatten("", r.summary.Checks)
	}
	for _, fill := range []func(*records) error{p.drawCurves, p.drawJudging, p.drawRunning} {
		if err := fill(r); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// name is the run folder's own name, also when it was given as ".".
func name(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return filepath.Base(dir)
}

func (r *records) state() string {
	step := 0
	if n := len(r.metrics); n > 0 {
		step = r.metrics[n-1].step
	}
	if r.summary != nil {
		return fmt.Sprintf("Finished after %s steps.", count(r.summary.Steps))
	}
	return fmt.Sprintf("Not finished: step %s was the last when this report was written.",
		count(step))
}

// last returns the judgements of the run's end, or of its newest evaluation.
func (r *records) last() []judgement {
	if r.summary != nil && len(r.summary.Evals) > 0 {
		return r.summary.Evals
	}
	if n := len(r.evals); n > 0 {
		return r.evals[n-1].Judges
	}
	return nil
}

func (r *records) results() []result {
	var rows []result
	for _, j := range r.last() {
		row := result{j.Judge, count(j.N), count(j.Win), count(j.Tie), count(j.Loss),
			number(j.WinRate), number(j.CI95[0]) + " – " + number(j.CI95[1]), "–"}
		if j.MeanTokens > 0 {
			row.Tokens = number(j.BaselineMeanTokens) + " → " + number(j.MeanTokens)
		}
		rows = append(rows, row)
	}
	return rows
}

func (r *records) tiles() []fact {
	var tiles []fact
	for _, j := range r.last() {
		tiles = append(tiles, fact{"win rate by " + j.Judge, number(100*j.WinRate) + " %",
			fmt.Sprintf("95\u00a0%% interval %s\u00a0to\u00a0%s\u00a0%%, %s prompts",
				number(100*j.CI95[0]),
				number(100*j.CI95[1]), count(j.N))})
	}
	if r.summary != nil {
		s := r.summary
		return append(tiles,
			fact{"KL to the reference", number(s.KLNats) + " nats", "held-out prompts"},
			fact{"wall time", duration(s.Seconds), count(s.Steps) + " steps"},
			fact{"tokens", count(int(s.Tokens)),
				number(s.Tokens/max(s.Seconds, 1e-9)) + " a second"},
			fact{"peak memory", gigabytes(s.PeakRSSBytes), "resident"})
	}
	if _, y := r.values(training, "kl_nats"); len(y) > 0 {
		tiles = append(tiles, fact{"KL to the reference", number(y[len(y)-1]) + " nats",
			"sampled estimate"})
	}
	if len(r.system) > 0 {
		var seconds, peak float64
		for _, s := range r.system {
			seconds, peak = seconds+s.Seconds, max(peak, s.PeakRSSBytes)
		}
		tiles = append(tiles, fact{"wall time so far", duration(seconds), "all steps"},
			fact{"peak memory", gigabytes(peak), "resident"})
	}
	return tiles
}

func (p *page) drawCurves(r *records) (err error) {
	if p.WinRate, err = r.winRateChart(); err != nil {
		return err
	}
	for _, g := range []struct {
		title   string
		designs []design
	}{{"Learning", learning}, {"Answers", answers}, {"Optimizer", optimizing},
		{"Further metrics", r.furtherDesigns()}} {
		charts, err := r.draw(g.designs)
		if err != nil {
			return err
		}
		if len(charts) > 0 {
			p.Groups = append(p.Groups, group{g.title, charts})
		}
	}
	return nil
}

func (p *page) drawJudging(r *records) (err error) {
	if p.Judging, err = r.draw(judging); err != nil || r.pairs == nil {
		return err
	}
	p.Pairs, p.Warning = r.pairs.healthFacts(), r.pairs.health.Warning()
	for _, reason := range slices.Sorted(maps.Keys(r.pairs.reasons)) {
		p.Reasons = append(p.Reasons, fact{Name: reason, Value: count(r.pairs.reasons[reason])})
	}
	hist, err := r.pairs.histogram()
	if hist != nil {
		p.Judging = append([]chart{*hist}, p.Judging...)
	}
	return err
}

func (p *page) drawRunning(r *records) (err error) {
	if p.Running, err = r.draw(running); err != nil {
		return err
	}
	stages, err := r.stageChart()
	if stages != nil {
		p.Running = append([]chart{*stages}, p.Running...)
	}
	return err
}

// flatten lists the leaves of a JSON object, sorted by name.
func flatten(prefix string, object map[string]any) []fact {
	var facts []fact
	for _, key := range slices.Sorted(maps.Keys(object)) {
		label := strings.TrimPrefix(prefix+" · "+words(key), " · ")
		if inner, ok := object[key].(map[string]any); ok {
			facts = append(facts, flatten(label, inner)...)
			continue
		}
		facts = append(facts, fact{Name: label, Value: text(object[key])})
	}
	return facts
}

// text writes a JSON value for people.
func text(value any) string {
	switch v := value.(type) {
	case float64:
		return number(v)
	case bool:
		return map[bool]string{true: "yes", false: "no"}[v]
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = text(v[i])
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		var parts []string
		for _, f := range flatten("", v) {
			parts = append(parts, f.Name+" "+f.Value)
		}
		return strings.Join(parts, " ")
	case nil:
		return "–"
	}
	return cmp.Or(fmt.Sprint(value), "–")
}
