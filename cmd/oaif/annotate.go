package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/judge"
	"github.com/oaif/oaif/oaif/prompts"
	"github.com/oaif/oaif/oaif/remote"
	"github.com/oaif/oaif/torch"
)

func annotateCommand() *cli.Command {
	return &cli.Command{
		Name:      "annotate",
		Usage:     "ask an annotator which of two answers is better",
		UsageText: "oaif annotate --annotator A.toml [--model M] [--in FILE] [--out FILE]",
		Description: `Reads {"prompt","a","b"}, optionally with "label" ("a" or "b") and with
further fields that the annotator's template shows. Writes {"p_a","verdict"}
with what the annotator saw: "orders" (pairwise) or "score_a" and "score_b"
(pointwise).
The verdict is "a", "b", "tie" or "invalid"; identical answers are a tie without
being asked about.

A report on the annotator goes to standard error, and with --report into a file:
agreement with the labels, what position decides, ties, invalid verdicts, how
far its probabilities can be believed, how long it took and what it cost.

--model is the model of annotators that do not name their own. One at an
endpoint needs none; --cache keeps its answers, so that a question is paid once,
and --dry-run says what the pairs would cost.

Example:
  oaif annotate --annotator configs/annotators/positive.toml \
    --model model.gguf --in pairs.jsonl --out verdicts.jsonl \
    --report report.json`,
		Flags: flags(annotatorFlags(), []cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "say what it would cost, and ask nothing"},
			reportFlag(),
		}, modelFlag(), ioFlags(), computeFlags(), threadsFlag()),
		Action: annotate,
	}
}

// annotateRequest is one input line of annotate.
type annotateRequest struct {
	line     prompts.Line
	question oaif.Question
	label    string // "a", "b" or "" for none
}

func parseAnnotate(line prompts.Line) (r annotateRequest, err error) {
	var raw map[string]json.RawMessage
	if err := line.Decode(&raw); err != nil {
		return r, err
	}
	r.line = line
	r.question.Fields = map[string]string{}
	for key, value := range raw {
		var text string
		if json.Unmarshal(value, &text) == nil && string(value) != "null" {
			r.question.Fields[key] = text
		}
	}
	for key, to := range map[string]*string{"a": &r.question.A, "b": &r.question.B} {
		text, ok := r.question.Fields[key]
		if !ok {
			return r, line.Errorf("wants %q, a string", key)
		}
		*to = text
		delete(r.question.Fields, key)
	}
	if _, ok := r.question.Fields["prompt"]; !ok {
		return r, line.Errorf(`wants "prompt", a string`)
	}
	r.label = r.question.Fields["label"]
	if _, given := raw["label"]; given && r.label != "a" && r.label != "b" {
		return r, line.Errorf(`"label" is %s, wants "a" or "b"`, raw["label"])
	}
	return r, nil
}

func annotate(c *cli.Context) error {
	if _, err := positionals(c, 0, 0, ""); err != nil {
		return err
	}
	if err := checkCompute(c); err != nil {
		return err
	}
	if err := checkReports(c); err != nil {
		return err
	}
	spec, err := loadSpec(c)
	if err != nil {
		return err
	}
	if c.Bool("dry-run") {
		return estimateAnnotate(c, spec)
	}
	if !spec.OnDevice() {
		return withOutput(c, func(out *lineWriter) error {
			none := func(use func(*judge.Asked) error) error { return use(nil) }
			return answerLines(c, none, spec, out)
		})
	}
	return withAskedFile(c, spec, func(m *modelFile) error {
		if err := judge.CheckVocab(spec, m.vocab); err != nil {
			return err
		}
		load := func(use func(*judge.Asked) error) error {
			return withDevice(c, func(dev *torch.Device, dtype torch.DType) error {
				return m.ask(dev, dtype, use)
			})
		}
		return withOutput(c, func(out *lineWriter) error { return answerLines(c, load, spec, out) })
	})
}

// withAskedFile calls use with the model that the annotator names, or else with --model.
func withAskedFile(c *cli.Context, spec *annotator.Spec, use func(*modelFile) error) error {
	if spec.Model != "" {
		return withOwnModel(spec, use)
	}
	path, err := required(c, "model")
	if err != nil {
		return err
	}
	return useModelFile(path, nil, use)
}

// estimateAnnotate says what the input's pairs would cost, and asks nothing.
func estimateAnnotate(c *cli.Context, spec *annotator.Spec) error {
	requests, err := decodeLines(c, parseAnnotate)
	if err != nil {
		return err
	}
	if spec.Remote == nil {
		_, err = fmt.Fprintf(c.App.Writer, "%d pairs: no endpoint is asked\n", len(requests))
		return err
	}
	var all []annotator.Prompt
	for _, r := range requests {
		if r.question.A == r.question.B { // not asked about
			continue
		}
		two, err := spec.Prompts(r.question)
		if err != nil {
			return err
		}
		all = append(all, two[:]...)
	}
	_, err = fmt.Fprintf(c.App.Writer, "%d pairs: %s\n", len(requests),
		estimateText(spec, remote.Estimate(spec, all)))
	return err
}

// answerLines writes a verdict for each input line, and what they say about the annotator. The
// lines are read before load calls what it is given with the loaded model, nil where none is asked.
func answerLines(
	c *cli.Context, load func(use func(*judge.Asked) error) error, spec *annotator.Spec,
	out *lineWriter,
) error {
	requests, err := decodeLines(c, parseAnnotate)
	if err != nil {
		return err
	}
	return load(func(asked *judge.Asked) (err error) {
		j, err := openJudge(c, spec, asked)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, j.Close()) }()
		return withReports(c, func(write func(annotator.Evidence) error) error {
			watch := annotator.NewStopwatch(j)
			prefs, err := judgeAll(c.Context, watch, requests, batchOf(spec))
			if err != nil {
				return err
			}
			for _, p := range prefs {
				if err := out.write(annotateAnswer(p)); err != nil {
					return err
				}
			}
			return write(annotator.Evidence{
				File: spec.Path(), Kind: spec.Kind, Prefs: prefs, Labels: labelsOf(requests),
				Calls: watch.Calls(), LMPrompts: j.Prompts(), Used: j.Usage(),
			})
		})
	})
}

// batchOf is how many pairs an annotator is asked about at a time: few enough for an interrupt to
// be soon obeyed on a device, and for an endpoint enough to keep all its requests under way.
func batchOf(spec *annotator.Spec) int {
	const pairs = 32
	if spec.Remote == nil {
		return pairs
	}
	return max(pairs, 4*spec.Remote.Concurrency)
}

// judgeAll asks about at most so many pairs at a time.
func judgeAll(
	ctx context.Context, judge oaif.Annotator, requests []annotateRequest, most int,
) ([]oaif.Preference, error) {
	var all []oaif.Preference
	for first := 0; first < len(requests); first += most {
		prefs, err := judgeSome(ctx, judge, requests[first:min(first+most, len(requests))])
		if err != nil {
			return nil, err
		}
		all = append(all, prefs...)
	}
	return all, nil
}

// judgeSome asks about one batch. When the data is at fault it asks again, pair by pair, to name
// the line.
func judgeSome(
	ctx context.Context, judge oaif.Annotator, some []annotateRequest,
) ([]oaif.Preference, error) {
	questions := make([]oaif.Question, len(some))
	for i, r := range some {
		questions[i] = r.question
	}
	prefs, err := judge.Annotate(ctx, questions)
	if !errors.Is(err, oaif.ErrData) {
		return prefs, err
	}
	for _, r := range some {
		_, err := judge.Annotate(ctx, []oaif.Question{r.question})
		if errors.Is(err, oaif.ErrData) {
			return nil, r.line.Errorf("%v", err)
		}
	}
	return nil, err
}

// annotateAnswer is one output line of annotate.
type annotateAnswer oaif.Preference
