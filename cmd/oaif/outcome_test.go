package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/eval"
	"github.com/oaif/oaif/oaif/trainer"
)

// finished is a run folder as far as printOutcome reads it.
func finished(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{
		"summary.json": `{"steps": 2, "seconds": 12.34, "tokens": 480, "peak_rss_bytes": 2500000000,
			"checks": {"lexicon": {"words": ["great", "love"], "win_rate": 0.61}}}`,
		"metrics.jsonl": `{"step":0,"eval":{"judges":[],"eos_rate":0.25}}
{"step":1,"loss":0.69}
{"step":2,"eval":{"judges":[{"judge":"annotator","n":4,"win":3,"tie":0,"loss":1,"win_rate":0.75,` +
			`"ci95":[0.3,0.95]}],"kl_nats":3.21,"mean_tokens":20,"baseline_mean_tokens":24,` +
			`"distinct2":0.9,"baseline_distinct2":0.95,"eos_rate":0.5}}
`,
		"eval/step-2.jsonl": `{"index":0,"prompt":"A review.\n\nIt is",` +
			`"answer":" great\nfun","baseline":" long"}` + "\n",
	}
}

func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOutcome(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFiles(t, "run", finished(t))
	var out bytes.Buffer
	if err := printOutcome(&out, "run"); err != nil {
		t.Fatal(err)
	}
	want := `held-out prompts                     before  after
win rate by annotator                0.50    0.75  (95 %: 0.30 to 0.95; 3 won, 0 tied, 1 lost)
win rate by vader without its words  0.50    0.61  (great, love)
KL from it in nats                   0       3.2
tokens of an answer                  24.0    20.0
ended by themselves                  25 %    50 %
distinct bigrams                     0.95    0.90

prompt    A review. It is
before    long
after     great fun

2 steps in 12.3 s, peak memory 2.50 GB, 480 tokens sampled for training
model   run/model
report  run/report.html
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

// TestOutcomeShowsNoDivergence: a divergence of exactly 0 is shown, one that is not known is not.
func TestOutcomeShowsNoDivergence(t *testing.T) {
	zero := 0.0
	for kl, want := range map[*float64]bool{nil: false, &zero: true} {
		var out bytes.Buffer
		if err := (outcome{kl: kl}).table(&out); err != nil {
			t.Fatal(err)
		}
		row := regexp.MustCompile(`(?m)^KL from it in nats +0 +0\.0$`)
		if got := row.MatchString(out.String()); got != want {
			t.Errorf("KL is shown: %v, want %v:\n%s", got, want, out.String())
		}
	}
}

func TestOutcomeErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"summary.json": "{", "metrics.jsonl": "{\n", "eval/step-2.jsonl": "[]\n",
	} {
		files := finished(t)
		files[name] = text
		writeFiles(t, "run", files)
		var out bytes.Buffer
		err := printOutcome(&out, "run")
		if !errors.Is(err, oaif.ErrData) || out.Len() > 0 {
			t.Errorf("broken %s: %v, wrote %q", name, err, out.String())
		}
		writeFiles(t, "run", finished(t))
		if err := os.Remove(filepath.Join("run", name)); err != nil {
			t.Fatal(err)
		}
		if err := printOutcome(&out, "run"); !errors.Is(err, oaif.ErrData) || out.Len() > 0 {
			t.Errorf("missing %s: %v, wrote %q", name, err, out.String())
		}
	}
}

// TestProgressLines: without a terminal each event is one line, and the starting model's comparison
// with itself is none.
func TestProgressLines(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, 25)
	p.Stage("reading the models")
	record := eval.Record{KL: 1.5, Judges: []eval.Summary{
		{Judge: "annotator", WinRate: 0.75}, {Judge: "vader", WinRate: 0.625},
	}}
	p.Eval(0, record, true)
	p.Step(trainer.Metrics{Step: 1, Loss: 0.6931, RewardMargin: 0.01, KL: 0.5, Kept: 14, Pairs: 16},
		3.21)
	p.Warn("it answers by position")
	p.Eval(5, record, false)
	p.end()
	p.end()
	want := `reading the models
step 1/25: loss 0.6931, margin 0.010, KL 0.50 nats, 14 of 16 pairs kept, 3.2 s
warning: it answers by position
step 5/25: win rate against the starting model 0.75 by annotator, 0.62 by vader, KL 1.50 nats
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}
