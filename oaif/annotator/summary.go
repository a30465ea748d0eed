package annotator

import (
	"fmt"
	"strings"

	"github.com/oaif/oaif/oaif"
)

// Summary is what a set of annotated pairs says about its annotator.
type Summary struct {
	Pairs     int `json:"pairs"`
	A         int `json:"a"`
	B         int `json:"b"`
	Tie       int `json:"tie"`
	Identical int `json:"identical"`
	Invalid   int `json:"invalid"`
	// Labelled counts pairs with a label, Decided those of them with verdict a or b, Agreed those
	// of Decided whose verdict is the label.
	Labelled int `json:"labelled"`
	Decided  int `json:"decided"`
	Agreed   int `json:"agreed"`
	// Agreement is Agreed/Decided in [0,1], nil without decided labelled pairs.
	Agreement *float64 `json:"agreement"`
	// SamePositionRate is Health's, nil for a pointwise annotator.
	SamePositionRate *float64 `json:"same_position_rate"`
	// LMPrompts is the number of prompts put to the language model.
	LMPrompts int64 `json:"lm_prompts"`
	// Warning is Health's.
	Warning string `json:"warning,omitempty"`
}

// Summarize sums preferences up. labels has one entry per preference, "a", "b" or "" for none, or
// is nil.
func Summarize(prefs []oaif.Preference, labels []string, lmPrompts int64) (Summary, error) {
	var h Health
	h.Add(prefs...)
	s := Summary{Pairs: h.Pairs, A: h.A, B: h.B, Tie: h.Tie, Identical: h.Identical,
		Invalid: h.Invalid, LMPrompts: lmPrompts, Warning: h.Warning()}
	if rate, ok := h.SamePositionRate(); ok {
		s.SamePositionRate = &rate
	}
	if labels != nil && len(labels) != len(prefs) {
		return s, fmt.Errorf("annotator: %d labels for %d preferences", len(labels), len(prefs))
	}
	for i, label := range labels {
		if label == "" {
			continue
		}
		if label != string(oaif.VerdictA) && label != string(oaif.VerdictB) {
			return s, oaif.DataError(
				fmt.Sprintf("label %q of pair %d is neither \"a\" nor \"b\"", label, i+1))
		}
		s.addLabel(oaif.Verdict(label), prefs[i].Verdict)
	}
	if s.Decided > 0 {
		agreement := float64(s.Agreed) / float64(s.Decided)
		s.Agreement = &agreement
	}
	return s, nil
}

func (s *Summary) addLabel(label, verdict oaif.Verdict) {
	s.Labelled++
	if verdict != oaif.VerdictA && verdict != oaif.VerdictB {
		return
	}
	s.Decided++
	if verdict == label {
		s.Agreed++
	}
}

// String returns the summary as lines of text for a terminal.
func (s Summary) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%d pairs: %d a, %d b, %d ties, %d identical, %d invalid; %d LM prompts\n",
		s.Pairs, s.A, s.B, s.Tie, s.Identical, s.Invalid, s.LMPrompts)
	if s.Agreement != nil {
		fmt.Fprintf(&out, "agreement with labels: %.1f %% "+
			"(%d of %d decided; %d of %d labelled pairs undecided)\n",
			100**s.Agreement, s.Agreed, s.Decided, s.Labelled-s.Decided, s.Labelled)
	}
	if s.SamePositionRate != nil {
		fmt.Fprintf(&out, "same slot preferred in both orders: %.1f %%\n", 100**s.SamePositionRate)
	}
	if s.Warning != "" {
		fmt.Fprintf(&out, "warning: %s\n", s.Warning)
	}
	return out.String()
}
