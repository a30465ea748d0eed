package trainer

import (
	"encoding/json"
	"os"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/checkpoint"
	"github.com/oaif/oaif/oaif/eval"
	"github.com/oaif/oaif/oaif/prompts"
)

// Summary is summary.json: what a finished run came to.
type Summary struct {
	Steps   int                `json:"steps"`
	Seconds float64            `json:"seconds"` // of all work, repeated after a resume included
	Tokens  int                `json:"tokens"`  // sampled for training
	PeakRSS int64              `json:"peak_rss_bytes"`
	KL      float64            `json:"kl_nats"` // mean per held-out answer, exact
	Stages  map[string]float64 `json:"stage_seconds"`
	Evals   []judged           `json:"evals"` // on all held-out prompts, after the last step
	Skipped skips              `json:"skipped"`
	Checks  eval.Checks        `json:"checks"`
}

type judged struct {
	eval.Summary
	MeanTokens         float64 `json:"mean_tokens"`
	BaselineMeanTokens float64 `json:"baseline_mean_tokens"`
}

type skips struct {
	Identical int `json:"identical"`
	Tie       int `json:"tie"`
	Invalid   int `json:"invalid"`
	Margin    int `json:"margin,omitempty"` // with train.min_margin
}

// conclude sums the run up after its last evaluation.
func (t *Trainer) conclude(
	held []*oaif.Prompt, policy, baseline []oaif.Completion, r eval.Result,
) error {
	s := Summary{Steps: t.cfg.Train.Steps, KL: r.Record.KL, Stages: map[string]float64{}}
	for _, j := range r.Record.Judges {
		s.Evals = append(s.Evals, judged{j, r.Record.MeanTokens, r.Record.BaselineMeanTokens})
	}
	var err error
	if s.Checks, err = eval.Check(t.vader, held, policy, baseline); err != nil {
		return err
	}
	if err := t.sumLogs(&s); err != nil {
		return err
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	// The summary says that the run has ended: what it sums up is on the disk before.
	if err := t.run.Sync(); err != nil {
		return err
	}
	return t.run.WriteFile(summaryFile, append(text, '\n'))
}

// sumLogs adds up the run's own logs, so that a resumed run counts all of its work.
func (t *Trainer) sumLogs(s *Summary) error {
	err := eachLine(t.run.Path(checkpoint.System), func(l prompts.Line) error {
		var r systemRecord
		if err := l.Decode(&r); err != nil {
			return err
		}
		s.Seconds += r.Seconds
		s.Tokens += r.Tokens
		s.PeakRSS = max(s.PeakRSS, r.PeakRSS)
		for stage, sec := range r.Stages {
			s.Stages[stage] += sec
		}
		return nil
	})
	if err != nil {
		return err
	}
	return eachLine(t.run.Path(checkpoint.Metrics), func(l prompts.Line) error {
		var m Metrics
		if err := l.Decode(&m); err != nil {
			return err
		}
		s.Skipped.Identical += m.SkippedIdentical
		s.Skipped.Tie += m.SkippedTie
		s.Skipped.Invalid += m.SkippedInvalid
		s.Skipped.Margin += m.SkippedMargin
		return nil
	})
}

func eachLine(path string, use func(prompts.Line) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read from
	for line, err := range prompts.Lines(f, path) {
		if err != nil {
			return err
		}
		if err := use(line); err != nil {
			return err
		}
	}
	return nil
}
