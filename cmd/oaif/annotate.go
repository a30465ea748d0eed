package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/lm"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/oaif/prompts"
	"github.com/oaif/oaif/oaif/remote"
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
being asked about. A summary goes to standard error: agreement with the labels,
same-position rate, ties, invalid verdicts, cost.

--model is the model of annotators that do not name their own.

Example:
  oaif annotate --annotator configs/annotators/positive.toml \
    --model model.gguf --in pairs.jsonl --out verdicts.jsonl`,
		Flags: flags([]cli.Flag{
			&cli.StringFlag{Name: "annotator", Usage: "`FILE` that describes the annotator"},
			&cli.StringFlag{Name: "cache",
				Usage: "`FILE` that keeps a remote annotator's answers"},
			&cli.BoolFlag{Name: "cache-only", Usage: "send nothing: every answer is in the cache"},
		},
			modelFlag(), ioFlags(), computeFlags(), threadsFlag()),
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
	path, err := required(c, "annotator")
	if err != nil {
		return err
	}
	spec, err := annotator.Load(path)
	if err != nil {
		return err
	}
	if spec.Remote != nil {
		return withOutput(c, func(out *lineWriter) error { return annotateRemotely(c, spec, out) })
	}
	modelPath := spec.Model
	if modelPath == "" {
		if modelPath, err = required(c, "model"); err != nil {
			return err
		}
	}
	return useModelFile(modelPath, nil, func(m *modelFile) error {
		if _, err := lm.Candidates(m.vocab, spec.Candidates()); err != nil {
			return err
		}
		return withOutput(c, func(out *lineWriter) error { return annotateLines(c, spec, m, out) })
	})
}

func annotateLines(c *cli.Context, spec *annotator.Spec, m *modelFile, out *lineWriter) error {
	requests, err := decodeLines(c, parseAnnotate)
	if err != nil {
		return err
	}
	digest, err := m.file.Digest()
	if err != nil {
		return err
	}
	return m.withWeights(c, func(weights *model.Model) error {
		local := annotator.Local(lm.New(weights, m.vocab, digest))
		return answerAll(c, spec, local, requests, out)
	})
}

// annotateRemotely is annotateLines for an annotator that asks an endpoint.
func annotateRemotely(c *cli.Context, spec *annotator.Spec, out *lineWriter) (err error) {
	requests, err := decodeLines(c, parseAnnotate)
	if err != nil {
		return err
	}
	llm, err := remote.Open(spec, c.String("cache"), c.Bool("cache-only"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, llm.Close()) }()
	if err := llm.Probe(c.Context, spec); err != nil {
		return err
	}
	return answerAll(c, spec, llm, requests, out)
}

// answerAll writes a verdict for each request, and what they say about the annotator.
func answerAll(
	c *cli.Context, spec *annotator.Spec, llm annotator.LM, requests []annotateRequest,
	out *lineWriter,
) error {
	meter := annotator.NewMeter(llm)
	judge, err := annotator.New(spec, meter)
	if err != nil {
		return err
	}
	prefs, err := judgeAll(c.Context, judge, requests)
	if err != nil {
		return err
	}
	for _, p := range prefs {
		if err := out.write(annotateAnswer(p)); err != nil {
			return err
		}
	}
	return summarize(c, requests, prefs, meter.Prompts())
}

// judgeAll asks about a bounded number of pairs at a time, so that an interrupt is soon obeyed.
func judgeAll(
	ctx context.Context, judge oaif.Annotator, requests []annotateRequest,
) ([]oaif.Preference, error) {
	const most = 32
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

// summarize writes what the verdicts say about the annotator to standard error.
func summarize(
	c *cli.Context, requests []annotateRequest, prefs []oaif.Preference, lmPrompts int64,
) error {
	labels := make([]string, len(requests))
	for i, r := range requests {
		labels[i] = r.label
	}
	summary, err := annotator.Summarize(prefs, labels, lmPrompts)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.App.ErrWriter, summary)
	return err
}
