package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/checkpoint"
	"github.com/oaif/oaif/oaif/eval"
	"github.com/oaif/oaif/oaif/judge"
	"github.com/oaif/oaif/oaif/prompts"
)

func evalCommand() *cli.Command {
	return &cli.Command{
		Name:  "eval",
		Usage: "compare two models' answers to the same prompts",
		UsageText: "oaif eval --model A --baseline B --prompts FILE --annotator A.toml " +
			"--out DIR\n[--template TEXT | --chat]",
		Description: `Both models answer every prompt of FILE with the same noise. The annotator and
VADER, a lexicon that never trains, say which answer is better. Written to DIR:
items.jsonl, one line a prompt with both answers and each verdict, and
summary.json with win/tie/loss, 95 % intervals and lengths. An annotator that
names no model of its own asks the baseline.

Example:
  oaif eval --model runs/demo/model --baseline model.gguf \
    --prompts configs/prompts/film-heldout.jsonl --max-new-tokens 24 \
    --template $'Below is a movie review.\n\n{prompt}' \
    --annotator configs/annotators/positive.toml --out runs/compared`,
		Flags: flags(modelFlag(), []cli.Flag{
			&cli.StringFlag{Name: "baseline", Usage: "`MODEL` to compare with"},
			&cli.StringFlag{Name: "prompts", Usage: "`FILE` of prompts, JSON Lines"},
			&cli.StringFlag{Name: "out", Usage: "`DIR` to write to"},
			&cli.StringFlag{Name: "template",
				Usage: "`TEXT` around a prompt, which replaces {prompt}"},
			&cli.BoolFlag{Name: "chat", Usage: "put prompts through each model's chat template"},
		}, annotatorFlags(), samplingFlags(0.9), computeFlags(), threadsFlag()),
		Action: compare,
	}
}

func compare(c *cli.Context) error {
	if _, err := positionals(c, 0, 0, ""); err != nil {
		return err
	}
	if err := checkCompute(c); err != nil {
		return err
	}
	for _, name := range []string{"model", "baseline", "prompts", "annotator", "out"} {
		if _, err := required(c, name); err != nil {
			return err
		}
	}
	opt, err := samplingOptions(c)
	if err != nil {
		return err
	}
	spec, err := loadSpec(c)
	if err != nil {
		return err
	}
	open := func(asked *judge.Asked) (*judge.Judge, error) { return openJudge(c, spec, asked) }
	return withModelFile(c, "model", func(a *modelFile) error {
		return withModelFile(c, "baseline", func(b *modelFile) error {
			return compareModels(c, &comparison{opt: opt, spec: spec, open: open, a: a, b: b})
		})
	})
}

func compareModels(c *cli.Context, run *comparison) error {
	if dir := c.String("out"); holdsRun(dir) {
		return dataErrorf(
			"%s: holds a training run, whose summary would be lost; choose another --out", dir)
	}
	path := c.String("prompts")
	text, err := os.ReadFile(path) // once: it may be a pipe
	if err != nil {
		return dataErrorf("%s: %v", path, cause(err))
	}
	if run.promptsA, err = heldout(c, text, run.a, run); err != nil {
		return err
	}
	if run.promptsB, err = heldout(c, text, run.b, run); err != nil {
		return err
	}
	if err := withDevice(c, run.on(c.Context)); err != nil {
		return err
	}
	items, err := run.result.Lines()
	if err != nil {
		return err
	}
	summary, err := json.MarshalIndent(run.summary(), "", "  ")
	if err != nil {
		return err
	}
	dir := c.String("out")
	if err := checkpoint.WriteFile(filepath.Join(dir, "items.jsonl"), items); err != nil {
		return err
	}
	err = checkpoint.WriteFile(filepath.Join(dir, "summary.json"), append(summary, '\n'))
	if err != nil {
		return err
	}
	return printComparison(c, run, dir)
}

// heldout returns the prompts in a model's tokens.
func heldout(
	c *cli.Context, text []byte, m *modelFile, run *comparison,
) ([]*oaif.Prompt, error) {
	return prompts.Read(bytes.NewReader(text), c.String("prompts"), prompts.Format{
		Template: c.String("template"), Chat: c.Bool("chat"),
		MaxTokens: max(1, m.config.Context-run.opt.MaxNewTokens), Check: run.spec.CheckFields,
	}, m.vocab)
}

// printComparison writes the table and a few answers to standard output.
func printComparison(c *cli.Context, run *comparison, dir string) error {
	text := &bytes.Buffer{}
	r := run.result
	// At the same noise the baseline against itself would be all ties.
	before := eval.Record{EOSRate: eval.MeasureLengths(run.answersB).EOSRate}
	o := outcome{"baseline", "model", before, r.Record, run.kl(), run.checks}
	if err := o.table(text); err != nil {
		return err
	}
	err := writeAnswers(text, "baseline", "model", r.Items[:min(3, len(r.Items))])
	if err != nil {
		return err
	}
	fmt.Fprintf(text, "\nsummary  %s\n", filepath.Join(dir, "summary.json"))
	_, err = text.WriteTo(c.App.Writer)
	return err
}

// holdsRun reports whether dir is a run folder.
func holdsRun(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "config.toml"))
	return err == nil
}
