package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/oaif/oaif/oaif/eval"
	"github.com/oaif/oaif/oaif/prompts"
	"github.com/oaif/oaif/oaif/trainer"
)

// printOutcome writes what a finished run came to: a table, a few answers, and where the report is.
func printOutcome(w io.Writer, run string) error {
	var s trainer.Summary
	if err := readJSON(filepath.Join(run, "summary.json"), &s); err != nil {
		return err
	}
	before, after, err := readEvals(filepath.Join(run, "metrics.jsonl"))
	if err != nil {
		return err
	}
	items, err := readItems(filepath.Join(run, "eval", fmt.Sprintf("step-%d.jsonl", s.Steps)), 3)
	if err != nil {
		return err
	}
	text := &strings.Builder{}
	o := outcome{"before", "after", before, after, &after.KL, s.Checks}
	if err := o.table(text); err != nil {
		return err
	}
	if err := writeAnswers(text, "before", "after", items); err != nil {
		return err
	}
	fmt.Fprintf(text, "\n%d steps in %.1f s, peak memory %.2f GB, %d tokens sampled for training\n",
		s.Steps, s.Seconds, float64(s.PeakRSS)/1e9, s.Tokens)
	fmt.Fprintf(text, "model   %s\n", filepath.Join(run, "model"))
	fmt.Fprintf(text, "report  %s\n", filepath.Join(run, "report.html"))
	_, err = io.WriteString(w, text.String())
	return err
}

// outcome compares the starting model with the trained one, or a baseline with a model.
type outcome struct {
	wasName, isName string // head their columns
	before, after   eval.Record
	kl              *float64 // nats an answer; nil where the two have different tokens
	checks          eval.Checks
}

// table writes a row for each thing that is compared.
func (o outcome) table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, was, is string) {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\n", name, was, is) // Flush says what failed
	}
	row("held-out prompts", o.wasName, o.isName)
	for _, j := range o.after.Judges {
		row("win rate by "+j.Judge, "0.50",
			fmt.Sprintf("%.2f  (95 %%: %.2f to %.2f; %d won, %d tied, %d lost)",
				j.WinRate, j.CI95[0], j.CI95[1], j.Win, j.Tie, j.Loss))
	}
	if words := o.checks.Lexicon.Words; len(words) > 0 {
		row("win rate by vader without its words", "0.50",
			fmt.Sprintf("%.2f  (%s)", o.checks.Lexicon.WinRate, strings.Join(words, ", ")))
	}
	if o.kl != nil {
		row("KL from it in nats", "0", fmt.Sprintf("%.1f", *o.kl))
	}
	row("tokens of an answer", fmt.Sprintf("%.1f", o.after.BaselineMeanTokens),
		fmt.Sprintf("%.1f", o.after.MeanTokens))
	row("ended by themselves", fmt.Sprintf("%.0f %%", 100*o.before.EOSRate),
		fmt.Sprintf("%.0f %%", 100*o.after.EOSRate))
	row("distinct bigrams", fmt.Sprintf("%.2f", o.after.BaselineDistinct2),
		fmt.Sprintf("%.2f", o.after.Distinct2))
	return t.Flush()
}

// writeAnswers shows both models' answers to a few prompts.
func writeAnswers(w io.Writer, wasName, isName string, items []eval.Item) error {
	quote := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	for _, it := range items {
		_, err := fmt.Fprintf(w, "\n%-8s  %s\n%-8s  %s\n%-8s  %s\n", "prompt", quote(it.Prompt),
			wasName, quote(it.Baseline), isName, quote(it.Answer))
		if err != nil {
			return err
		}
	}
	return nil
}

func readJSON(path string, v any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return dataErrorf("%s: %v", path, cause(err))
	}
	if err := json.Unmarshal(text, v); err != nil {
		return dataErrorf("%s: %v", path, err)
	}
	return nil
}

// readEvals returns the first and the last evaluation of a run.
func readEvals(path string) (first, last eval.Record, err error) {
	seen := false
	err = eachLine(path, func(line prompts.Line) (bool, error) {
		var r struct {
			Eval *eval.Record `json:"eval"`
		}
		if err := line.Decode(&r); err != nil {
			return false, err
		}
		if r.Eval == nil {
			return true, nil
		}
		if !seen {
			first, seen = *r.Eval, true
		}
		last = *r.Eval
		return true, nil
	})
	return first, last, err
}

// readItems returns the first n items of an evaluation.
func readItems(path string, n int) (items []eval.Item, err error) {
	err = eachLine(path, func(line prompts.Line) (bool, error) {
		var it eval.Item
		err := line.Decode(&it)
		items = append(items, it)
		return len(items) < n, err
	})
	return items, err
}
