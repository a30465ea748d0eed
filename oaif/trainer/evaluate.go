package trainer

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/checkpoint"
	"github.com/oaif/oaif/oaif/eval"
	"github.com/oaif/oaif/oaif/prompts"
)

// evalRecord is an evaluation's line in metrics.jsonl.
type evalRecord struct {
	Step int         `json:"step"`
	Eval eval.Record `json:"eval"`
}

func evalFile(step int) string { return fmt.Sprintf("eval/step-%d.jsonl", step) }

// prepareBaseline gets the starting model's answers to the held-out prompts: from the policy before
// its first step, from the run folder later.
func (t *Trainer) prepareBaseline(ctx context.Context) (err error) {
	if t.state.Step > 0 {
		return t.readBaseline()
	}
	t.observer.Stage(fmt.Sprintf("the starting model answers %d held-out prompts", len(t.heldout)))
	w := newWatch()
	t.baseline, err = eval.Answers(ctx, t.answers, t.heldout)
	w.lap("eval")
	if err != nil {
		return err
	}
	_, err = t.system(0, w, 0)
	return err
}

// readBaseline reads the starting model's answers, as they were when the checkpoint was written.
func (t *Trainer) readBaseline() error {
	path := t.run.Path(evalFile(0))
	text, err := os.ReadFile(path)
	if err != nil {
		return oaif.DataError(fmt.Sprintf(
			"%s: the starting model's answers cannot be read: %v", path, err))
	}
	if digest(text) != t.state.Baseline {
		return oaif.DataError(path + ": has changed since the run began")
	}
	for line, err := range prompts.Lines(bytes.NewReader(text), path) {
		if err != nil {
			return err
		}
		var it eval.Item
		if err := line.Decode(&it); err != nil {
			return err
		}
		t.baseline = append(t.baseline,
			oaif.Completion{IDs: it.BaselineIDs, Text: it.Baseline, Finish: it.Finish})
	}
	return nil
}

// evaluate compares the policy with the starting model on the first n held-out prompts.
func (t *Trainer) evaluate(ctx context.Context, n int) error {
	step := t.state.Step
	w := newWatch()
	t.observer.Stage(fmt.Sprintf("evaluating on %d held-out prompts", n))
	held, baseline := t.heldout[:n], t.baseline[:n]
	policy := baseline // at the start they are the same model and the same noise
	if step > 0 {
		var err error
		if policy, err = eval.Answers(ctx, t.answers, held); err != nil {
			return err
		}
	}
	judges := []eval.Judge{
		{Name: "annotator", Annotator: t.asked},
		{Name: "vader", Annotator: t.vader},
	}
	r, err := eval.Compare(ctx, held, policy, baseline, judges)
	if err != nil {
		return err
	}
	if err := r.MeasureKL(ctx, t.policy, t.reference, held); err != nil {
		return err
	}
	if err := t.writeAnswers(step, r); err != nil {
		return err
	}
	if err := t.append(checkpoint.Metrics, evalRecord{step, r.Record}); err != nil {
		return err
	}
	w.lap("eval")
	if _, err := t.system(step, w, 0); err != nil {
		return err
	}
	t.state.Evaluated = step
	t.observer.Eval(step, r.Record, n == len(t.heldout))
	if step == t.cfg.Train.Steps {
		return t.conclude(held, policy, baseline, r)
	}
	return nil
}

// writeAnswers writes an evaluation's answers, and keeps the digest of those that later ones are
// compared with.
func (t *Trainer) writeAnswers(step int, r eval.Result) error {
	lines, err := r.Lines()
	if err != nil {
		return err
	}
	if step == 0 {
		t.state.Baseline = digest(lines)
	}
	return t.run.WriteFile(evalFile(step), lines)
}
