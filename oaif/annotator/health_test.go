package annotator_test

import (
	"strings"
	"testing"

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
