package annotator

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/stats"
)

// calibrationBins is the number of rows of a reliability table, maxReasons that of reasons that a
// Report names, and maxReason the length in characters of one of them.
const (
	calibrationBins = 10
	maxReasons      = 5
	maxReason       = 200
)

// Evidence is what a Report is made of: annotated pairs, what is known of them, and what they cost.
type Evidence struct {
	File, Kind string // of the annotator, for the reader
	Prefs      []oaif.Preference
	// Labels has one entry per preference, "a", "b" or "" for none, or is nil.
	Labels    []string
	Calls     []Call
	LMPrompts int64
	Used      *Usage // nil where the annotator does not count it
}

// Report is what a set of annotated pairs says about its annotator. Shares have 95 % intervals.
type Report struct {
	Annotator string `json:"annotator"` // its file
	Kind      string `json:"kind"`

	Pairs int `json:"pairs"`
	A     int `json:"a"` // verdicts for a
	B     int `json:"b"` // verdicts for b
	// Tie, Identical and Invalid are shares of Pairs: found equal, not asked about because both
	// texts are the same, and without a verdict that could be read.
	Tie       stats.Share `json:"tie"`
	Identical stats.Share `json:"identical"`
	Invalid   stats.Share `json:"invalid"`
	// Bounded counts pairs whose P(a) is of bounds, as only one of the two labels was seen.
	Bounded int `json:"bounded"`
	// Text counts pairs whose verdict was read from what the annotator wrote, which has no P(a).
	Text int `json:"text"`
	// Reasons says why verdicts are invalid, the commonest first, at most five.
	Reasons []Reason `json:"reasons"`

	Labelled int `json:"labelled"` // pairs with a label
	// Agreement is the share of labelled pairs with verdict a or b whose verdict is the label.
	Agreement stats.Share `json:"agreement"`
	// Position is nil when no pair was judged in both orders, as with a pointwise annotator.
	Position *Position `json:"position"`
	// Calibration is of P(a) as the forecast that a is the label, over labelled pairs that were
	// asked about and have a verdict that is no Text, ties included; nil without any.
	Calibration *stats.Calibration `json:"calibration"`

	Latency Latency `json:"latency"`
	// LMPrompts is the number of prompts put to the language model, 0 for annotators without.
	LMPrompts int64  `json:"lm_prompts"`
	Usage     *Usage `json:"usage"`
	// Warning is Health's.
	Warning string `json:"warning,omitempty"`
}

// Reason is why verdicts are invalid.
type Reason struct {
	Text  string `json:"text"`
	Pairs int    `json:"pairs"`
}

// Latency is how long an annotator took. A call judges several pairs.
type Latency struct {
	Calls         int     `json:"calls"`
	PairsPerCall  float64 `json:"pairs_per_call"` // mean
	MeanSeconds   float64 `json:"mean_seconds"`   // of a call, as are the next two
	MedianSeconds float64 `json:"median_seconds"`
	P95Seconds    float64 `json:"p95_seconds"`
	Seconds       float64 `json:"seconds"` // of all calls together
	// PairsPerSecond is pairs over Seconds, 0 when that is 0.
	PairsPerSecond float64 `json:"pairs_per_second"`
}

// NewReport returns the Report of e.
func NewReport(e Evidence) (Report, error) {
	if err := e.checkLabels(); err != nil {
		return Report{}, err
	}
	var h Health
	h.Add(e.Prefs...)
	r := Report{
		Annotator: e.File, Kind: e.Kind,
		Pairs: h.Pairs, A: h.A, B: h.B, Tie: stats.NewShare(h.Tie, h.Pairs),
		Identical: stats.NewShare(h.Identical, h.Pairs),
		Invalid:   stats.NewShare(h.Invalid, h.Pairs),
		Bounded:   count(e.Prefs, isBounded), Text: count(e.Prefs, isText),
		Reasons: reasons(e.Prefs), Position: e.position(&h), Latency: latency(e.Calls),
		LMPrompts: e.LMPrompts, Usage: e.Used, Warning: h.Warning(),
	}
	r.Labelled, r.Agreement = e.agreement()
	var err error
	if r.Calibration, err = stats.Calibrate(e.forecasts(), calibrationBins); err != nil {
		return Report{}, fmt.Errorf("annotator: P(a): %w", err)
	}
	return r, nil
}

func (e *Evidence) checkLabels() error {
	if e.Labels != nil && len(e.Labels) != len(e.Prefs) {
		return fmt.Errorf("annotator: %d labels for %d preferences", len(e.Labels), len(e.Prefs))
	}
	for i, label := range e.Labels {
		if label != "" && label != string(oaif.VerdictA) && label != string(oaif.VerdictB) {
			return oaif.DataError(
				fmt.Sprintf("label %q of pair %d is neither \"a\" nor \"b\"", label, i+1))
		}
	}
	return nil
}

// labelled calls use with each preference that has a label.
func (e *Evidence) labelled(use func(label oaif.Verdict, p oaif.Preference)) {
	for i, label := range e.Labels {
		if label != "" {
			use(oaif.Verdict(label), e.Prefs[i])
		}
	}
}

// agreement returns the number of labelled pairs, and how many of those with a verdict have the
// label's.
func (e *Evidence) agreement() (labelled int, agreed stats.Share) {
	decided, right := 0, 0
	e.labelled(func(label oaif.Verdict, p oaif.Preference) {
		labelled++
		if p.Verdict == oaif.VerdictA || p.Verdict == oaif.VerdictB {
			decided++
			if p.Verdict == label {
				right++
			}
		}
	})
	return labelled, stats.NewShare(right, decided)
}

// forecasts are the P(a) of labelled pairs, each with whether a is the label. What was not asked
// about, or has no verdict, or no probability, is no forecast.
func (e *Evidence) forecasts() (all []stats.Forecast) {
	e.labelled(func(label oaif.Verdict, p oaif.Preference) {
		if p.Verdict != oaif.VerdictInvalid && p.Reason != ReasonIdentical && !p.Text {
			all = append(all, stats.Forecast{P: p.PA, Happened: label == oaif.VerdictA})
		}
	})
	return all
}

func count(prefs []oaif.Preference, is func(oaif.Preference) bool) (pairs int) {
	for _, p := range prefs {
		if is(p) {
			pairs++
		}
	}
	return pairs
}

func isBounded(p oaif.Preference) bool {
	return slices.ContainsFunc(p.Orders, func(o oaif.Order) bool { return o.Bounded })
}

func isText(p oaif.Preference) bool { return p.Text }

// reasons counts why verdicts are invalid. Reasons can quote what a model said, of any length and
// with any characters: they are made lines.
func reasons(prefs []oaif.Preference) []Reason {
	counts := map[string]int{}
	for _, p := range prefs {
		if p.Verdict == oaif.VerdictInvalid {
			counts[oneLine(p.Reason)]++
		}
	}
	all := []Reason{}
	for text, pairs := range counts {
		all = append(all, Reason{text, pairs})
	}
	slices.SortFunc(all, func(x, y Reason) int {
		return cmp.Or(cmp.Compare(y.Pairs, x.Pairs), strings.Compare(x.Text, y.Text))
	})
	return all[:min(len(all), maxReasons)]
}

// latency sums calls up.
func latency(calls []Call) Latency {
	pairs, seconds := 0, make([]float64, len(calls))
	for i, c := range calls {
		pairs += c.Pairs
		seconds[i] = c.Seconds
	}
	s := stats.NewSpread(seconds)
	l := Latency{Calls: s.N, MeanSeconds: s.Mean, MedianSeconds: s.Median, P95Seconds: s.P95,
		Seconds: s.Sum}
	if s.N > 0 {
		l.PairsPerCall = float64(pairs) / float64(s.N)
	}
	if s.Sum > 0 {
		l.PairsPerSecond = float64(pairs) / s.Sum
	}
	return l
}
