package annotator_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
)

// orders is a preference judged in both orders with the given probabilities of slot 1.
func orders(v oaif.Verdict, p1, p2 float64) oaif.Preference {
	return oaif.Preference{Verdict: v, Orders: []oaif.Order{
		{First: "a", PFirst: p1}, {First: "b", PFirst: p2}}}
}

func repeat(p oaif.Preference, n int) []oaif.Preference {
	var prefs []oaif.Preference
	for range n {
		prefs = append(prefs, p)
	}
	return prefs
}

func TestHealthCounts(t *testing.T) {
	var h annotator.Health
	h.Add(orders("a", .9, .2), orders("b", .6, .7), orders("a", .3, .2),
		orders("tie", .9, .9), orders("tie", .5, .5),
		oaif.Preference{Verdict: oaif.VerdictTie, Reason: annotator.ReasonIdentical},
		oaif.Preference{Verdict: oaif.VerdictInvalid, Reason: "NaN"})
	want := annotator.Health{Pairs: 7, A: 2, B: 1, Tie: 2, Identical: 1, Invalid: 1,
		BothOrders: 5, FirstSlot: 2, SecondSlot: 1}
	if h != want {
		t.Errorf("%+v, want %+v", h, want)
	}
	if rate, ok := h.SamePositionRate(); !ok || rate != .6 {
		t.Errorf("SamePositionRate = %v, %v", rate, ok)
	}
	var pointwise annotator.Health
	pointwise.Add(repeat(oaif.Preference{Verdict: oaif.VerdictA, ScoreA: 1}, 20)...)
	if rate, ok := pointwise.SamePositionRate(); ok || pointwise.Warning() != "" {
		t.Errorf("pointwise: rate %v, %v, warning %q", rate, ok, pointwise.Warning())
	}
}

func TestPositionWarning(t *testing.T) {
	first, second, fair := orders("a", .9, .8), orders("a", .2, .1), orders("a", .9, .1)
	for _, test := range []struct {
		name                string
		first, second, fair int
		want                string
	}{
		{"all first", 8, 0, 0, "in 8 of 8 pairs it preferred the answer shown first"},
		{"too few", 7, 0, 0, ""},
		{"80 % second", 1, 8, 1, "in 8 of 10 pairs it preferred the answer shown second"},
		{"under 80 %", 7, 0, 2, ""},
		{"both slots, neither 80 %", 5, 5, 0, ""},
		{"fair", 0, 0, 30, ""},
	} {
		var h annotator.Health
		h.Add(repeat(first, test.first)...)
		h.Add(repeat(second, test.second)...)
		h.Add(repeat(fair, test.fair)...)
		got := h.Warning()
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) ||
			got != "" && !strings.HasPrefix(got, "this annotator answers by position") {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestSummarize(t *testing.T) {
	prefs := append(repeat(orders("a", .9, .8), 8), orders("b", .1, .9),
		oaif.Preference{Verdict: oaif.VerdictTie, Reason: annotator.ReasonIdentical},
		oaif.Preference{Verdict: oaif.VerdictInvalid})
	labels := []string{"a", "a", "a", "b", "", "", "", "", "b", "a", "b"}
	got, err := annotator.Summarize(prefs, labels, 20)
	if err != nil {
		t.Fatal(err)
	}
	agreement, same := .8, 8./9
	want := annotator.Summary{Pairs: 11, A: 8, B: 1, Identical: 1, Invalid: 1,
		Labelled: 7, Decided: 5, Agreed: 4,
		Agreement: &agreement, SamePositionRate: &same, LMPrompts: 20, Warning: got.Warning}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	text := "11 pairs: 8 a, 1 b, 0 ties, 1 identical, 1 invalid; 20 LM prompts\n" +
		"agreement with labels: 80.0 % (4 of 5 decided; 2 of 7 labelled pairs undecided)\n" +
		"same slot preferred in both orders: 88.9 %\n" +
		"warning: this annotator answers by position: in 8 of 9 pairs it preferred " +
		"the answer shown first"
	if !strings.HasPrefix(got.String(), text) {
		t.Errorf("String:\n%s\nwant:\n%s", got, text)
	}
}

func TestSummarizeLabels(t *testing.T) {
	prefs := repeat(oaif.Preference{Verdict: oaif.VerdictA}, 2)
	s, err := annotator.Summarize(prefs, nil, 4)
	if err != nil || s.Agreement != nil || s.SamePositionRate != nil ||
		strings.Count(s.String(), "\n") != 1 {
		t.Errorf("without labels: %+v, %v", s, err)
	}
	if _, err := annotator.Summarize(prefs, []string{"a", "1"}, 4); !errors.Is(err, oaif.ErrData) ||
		!strings.Contains(err.Error(), `label "1" of pair 2`) {
		t.Errorf("unreadable label: %v", err)
	}
	if _, err := annotator.Summarize(prefs, []string{"a"}, 4); err == nil {
		t.Error("one label for two pairs was accepted")
	}
}
