package annotator_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
)

// shown is a report with one of everything.
func shown(t *testing.T) annotator.Report {
	t.Helper()
	once := judged(.8, .4)
	once.Orders[1].Bounded = true
	return report(t, annotator.Evidence{
		File: "my_judge.toml", Kind: annotator.Pairwise,
		Prefs: append(repeat(judged(.9, .8), 8), judged(.2, .94), identical, once,
			oaif.Preference{Verdict: oaif.VerdictInvalid, Reason: "it said <b>|1|</b>"}),
		Labels: []string{"a", "a", "a", "b", "", "", "", "", "b", "a", "", "b"},
		Calls:  []annotator.Call{{Pairs: 12, Seconds: 4}},
		Used: &annotator.Usage{
			Requests: 22, PromptTokens: 3000, CompletionTokens: 22, Cost: .00125},
		LMPrompts: 22,
	})
}

func TestReportText(t *testing.T) {
	want := `12 pairs: 9 a, 1 b, 0 ties, 1 identical, 1 invalid; 22 LM prompts
agreement with labels: 80.0 % (95 %: 37.6 to 96.4); 4 of 5 decided, 2 of 7 labelled pairs ` +
		`undecided
same slot preferred in both orders: 80.0 % (95 %: 49.0 to 94.3); the first in 8, the second in 0 ` +
		`of 10 pairs
agreement in one order, with the better answer first: 100.0 % (95 %: 56.6 to 100.0)
agreement in one order, with the better answer second: 20.0 % (95 %: 3.6 to 62.4)
calibration: Brier score 0.185 over 5 pairs (.25: one half for all), expected calibration ` +
		`error 0.186
P(a) from one label and a bound on the other: 1 pairs
invalid, 1 pairs: it said <b>|1|</b>
latency: 1 calls of 12.0 pairs, 4 s each (median 4, p95 4); 4 s in all, 3 pairs/s
used: 22 requests, 3000 prompt tokens, 22 completion tokens, cost 0.0013
    P(a)       pairs  mean P(a)  label a
    0.1 to 0.2     1      0.130  0.0 % (95 %: 0.0 to 79.3)
    0.5 to 0.6     4      0.550  75.0 % (95 %: 30.1 to 95.4)
warning: this annotator answers by position: in 8 of 10 pairs it preferred the answer shown first`
	got := shown(t).String()
	if head, _, _ := strings.Cut(got, ", whichever"); head != want {
		t.Error(cmp.Diff(want, head))
	}
}

func TestReportMarkdown(t *testing.T) {
	got := shown(t).Markdown()
	for _, want := range []string{
		"# Annotator report: my\\_judge.toml\n",
		"| pairs | 12 |\n",
		"| invalid | 1: 8.3 % (95 %: 1.5 to 35.4) |\n",
		"| invalid, 1 pairs | it said \\<b\\>\\|1\\|\\</b\\> |\n",
		"| 0.0 to 0.1 | 0 | - | - |\n",
		"| 0.1 to 0.2 | 1 | 0.130 | 0.0 % (95 %: 0.0 to 79.3) |\n",
		"**Warning**: this annotator answers by position",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}
