package annotator_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/stats"
)

// judged is a preference of a pairwise annotator that gave slot 1 p1 with a in it, and p2 with b in
// it.
func judged(p1, p2 float64) oaif.Preference {
	p := orders(oaif.VerdictTie, p1, p2)
	p.PA = .5 + (p1-p2)/2
	if p.PA != .5 {
		p.Verdict = oaif.VerdictB
		if p.PA > .5 {
			p.Verdict = oaif.VerdictA
		}
	}
	return p
}

var (
	identical = oaif.Preference{
		Verdict: oaif.VerdictTie, PA: .5, Reason: annotator.ReasonIdentical}
	unread = oaif.Preference{Verdict: oaif.VerdictInvalid, Reason: "it\nsaid  maybe"}
)

func report(t *testing.T, e annotator.Evidence) annotator.Report {
	t.Helper()
	r, err := annotator.NewReport(e)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestReport by hand. Six labelled pairs, of which one is unreadable, one identical and one a tie
// that was asked about: three are decided, two as labelled. P(a) of the four that count for
// calibration: .9 (a), .25 (b), .6 (b), .5 (a), so that Brier = (.01 + .0625 + .36 + .25)/4.
func TestReport(t *testing.T) {
	r := report(t, annotator.Evidence{
		File: "judge.toml", Kind: annotator.Pairwise,
		Prefs: []oaif.Preference{
			judged(.9, .1), judged(.2, .7), judged(.9, .7), judged(.3, .3), identical, unread,
			judged(.9, .9)},
		Labels: []string{"a", "b", "b", "a", "a", "b", ""},
		Calls:  []annotator.Call{{Pairs: 4, Seconds: 1}, {Pairs: 3, Seconds: 2.5}},
		Used:   &annotator.Usage{Requests: 12, PromptTokens: 3400, CompletionTokens: 12, Cost: .5},

		LMPrompts: 12,
	})
	counts := []int{r.Pairs, r.A, r.B, r.Tie.K, r.Identical.K, r.Invalid.K, r.Labelled, r.Bounded}
	if diff := cmp.Diff([]int{7, 2, 1, 2, 1, 1, 6, 0}, counts); diff != "" {
		t.Error(diff)
	}
	p := r.Position
	// One order alone: a in slot 1 got .9, .2, .9, .3; b in slot 1 got .1, .7, .7, .3.
	// With the label's answer in slot 1: .9 (a), .7 (b), .7 (b), .3 (a): 3 of 4 right. With it in
	// slot 2 it got .9 (a), .8 (b), .1 (b), .7 (a): 3 of 4.
	for name, test := range map[string]struct {
		got  stats.Share
		k, n int
	}{
		"agreement":     {r.Agreement, 2, 3},
		"tie":           {r.Tie, 2, 7},
		"same slot":     {p.SameSlot, 3, 5},
		"first slot":    {p.FirstSlot, 2, 5},
		"second slot":   {p.SecondSlot, 1, 5},
		"better first":  {p.BetterFirst, 3, 4},
		"better second": {p.BetterSecond, 3, 4},
	} {
		if diff := cmp.Diff(stats.NewShare(test.k, test.n), test.got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if c := r.Calibration; c.N != 4 || math.Abs(c.Brier-.6825/4) > 1e-12 {
		t.Errorf("calibration %+v", c)
	}
	want := annotator.Latency{Calls: 2, PairsPerCall: 3.5, MeanSeconds: 1.75, MedianSeconds: 1.75,
		P95Seconds: 2.425, Seconds: 3.5, PairsPerSecond: 2}
	if diff := cmp.Diff(want, r.Latency, near); diff != "" {
		t.Error(diff)
	}
}

// TestPositionOfABiasedAnnotator: one that always names slot 2 is right whenever the better answer
// stands there, and wrong otherwise.
func TestPositionOfABiasedAnnotator(t *testing.T) {
	r := report(t, annotator.Evidence{
		Prefs:  repeat(judged(.1, .2), 10),
		Labels: []string{"a", "b", "a", "b", "a", "b", "a", "b", "a", "b"},
	})
	p := r.Position
	if p.SecondSlot.K != 10 || p.FirstSlot.K != 0 || p.SameSlot.K != 10 ||
		p.BetterFirst.K != 0 || p.BetterSecond.K != 10 || p.BetterSecond.N != 10 {
		t.Errorf("%+v", p)
	}
	if !strings.Contains(r.String(), "warning: this annotator answers by position") {
		t.Errorf("no warning in\n%s", r)
	}
}

// TestReportEdges: nothing asked, nothing labelled, one pair, all ties, all unreadable, extreme
// probabilities. Every report is JSON and text, in which nothing is NaN.
func TestReportEdges(t *testing.T) {
	certain := oaif.Preference{Verdict: oaif.VerdictB, PA: 5e-324, ScoreA: -400, ScoreB: 345}
	wrong := oaif.Preference{Verdict: oaif.VerdictA, PA: 1}
	for name, test := range map[string]struct {
		e       annotator.Evidence
		agreed  stats.Share
		brier   float64 // -1: no calibration
		isThere string
	}{
		"nothing": {annotator.Evidence{}, stats.NewShare(0, 0), -1, "0 pairs: 0 a"},
		"no labels": {annotator.Evidence{Prefs: repeat(judged(.9, .1), 3)},
			stats.NewShare(0, 0), -1, "3 a"},
		"one pair": {annotator.Evidence{Prefs: repeat(certain, 1), Labels: []string{"b"}},
			stats.NewShare(1, 1), 0, "100.0 % (95 %: 20.7 to 100.0); 1 of 1 decided"},
		"certain and wrong": {annotator.Evidence{Prefs: repeat(wrong, 1), Labels: []string{"b"}},
			stats.NewShare(0, 1), 1, "Brier score 1.000 over 1 pairs"},
		"all ties": {
			annotator.Evidence{Prefs: repeat(judged(.7, .7), 2), Labels: []string{"a", "b"}},
			stats.NewShare(0, 0), .25, "agreement with labels: -; 0 of 0 decided, 2 of 2"},
		"identical": {annotator.Evidence{Prefs: repeat(identical, 2), Labels: []string{"a", "b"}},
			stats.NewShare(0, 0), -1, "2 identical"},
		"unreadable": {annotator.Evidence{Prefs: repeat(unread, 2), Labels: []string{"a", "b"}},
			stats.NewShare(0, 0), -1, "invalid, 2 pairs: it said maybe"},
		"in words": {annotator.Evidence{
			Prefs:  []oaif.Preference{{Verdict: oaif.VerdictA, PA: 1, Text: true}},
			Labels: []string{"b"},
		}, stats.NewShare(0, 1), -1, "read from text, without a probability: 1 pairs"},
		"half": {annotator.Evidence{Prefs: repeat(judged(.5, .5), 2), Labels: []string{"a", "b"}},
			stats.NewShare(0, 0), .25, "with the better answer first: -"},
	} {
		r := report(t, test.e)
		if diff := cmp.Diff(test.agreed, r.Agreement); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if (r.Calibration == nil) != (test.brier < 0) ||
			r.Calibration != nil && math.Abs(r.Calibration.Brier-test.brier) > 1e-12 {
			t.Errorf("%s: calibration %+v, want %v", name, r.Calibration, test.brier)
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		all := string(text) + r.String() + r.Markdown()
		if !strings.Contains(all, test.isThere) || strings.Contains(all, "NaN") {
			t.Errorf("%s: want %q in\n%s", name, test.isThere, all)
		}
	}
}

// TestReportReasons: the commonest first, made lines, at most five.
func TestReportReasons(t *testing.T) {
	var prefs []oaif.Preference
	for i := range 7 {
		reason := fmt.Sprintf("reason %d\x1b[31m\t%s", i, strings.Repeat("é", 50*i))
		prefs = append(prefs, repeat(oaif.Preference{
			Verdict: oaif.VerdictInvalid, Reason: reason}, 7-i%4)...)
	}
	r := report(t, annotator.Evidence{Prefs: prefs})
	if len(r.Reasons) != 5 || r.Invalid.K != len(prefs) {
		t.Fatalf("%d reasons for %d invalid verdicts", len(r.Reasons), r.Invalid.K)
	}
	var order []string
	for _, reason := range r.Reasons {
		order = append(order, reason.Text[:8])
		if strings.ContainsAny(reason.Text, "\x1b\t\n") || len([]rune(reason.Text)) > 200 {
			t.Errorf("reason %q", reason.Text)
		}
	}
	want := []string{"reason 0", "reason 4", "reason 1", "reason 5", "reason 2"}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Error(diff)
	}
}

func TestReportRefusesLabels(t *testing.T) {
	prefs := repeat(oaif.Preference{Verdict: oaif.VerdictA}, 2)
	_, err := annotator.NewReport(annotator.Evidence{Prefs: prefs, Labels: []string{"a", "1"}})
	if !errors.Is(err, oaif.ErrData) || !strings.Contains(err.Error(), `label "1" of pair 2`) {
		t.Errorf("unreadable label: %v", err)
	}
	_, err = annotator.NewReport(annotator.Evidence{Prefs: prefs, Labels: []string{"a"}})
	if err == nil {
		t.Error("one label for two pairs was accepted")
	}
	_, err = annotator.NewReport(annotator.Evidence{
		Prefs: []oaif.Preference{{Verdict: oaif.VerdictA, PA: 2}}, Labels: []string{"a"}})
	if err == nil || !strings.Contains(err.Error(), "2, not a probability") {
		t.Errorf("P(a) = 2: %v", err)
	}
}
