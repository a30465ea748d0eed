package trainer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/loss"
)

// Run trains to the last step, evaluates, and writes model/ and summary.json. When ctx is cancelled
// it stops between two units of work and returns oaif.ErrInterrupted; the run can be resumed.
func (t *Trainer) Run(ctx context.Context) error {
	err := t.loop(ctx)
	step := t.state.Step
	var unwritable *json.UnsupportedValueError
	switch {
	case errors.Is(err, context.Canceled):
		return oaif.InterruptedError(fmt.Sprintf("stopped after step %d of %d; --resume %s",
			step, t.cfg.Train.Steps, t.afterStop()))
	case errors.Is(err, oaif.ErrUnavailable):
		return t.unavailable(err)
	case errors.As(err, &unwritable): // JSON has no NaN and no infinity
		return diverged("after step %d a result is %s", step, unwritable.Str)
	case errors.Is(err, loss.ErrNotFinite):
		return diverged("the loss of step %d is not finite", step+1)
	}
	return err
}

// diverged is the error of a run whose weights were driven to where numbers end.
func diverged(format string, args ...any) error {
	return oaif.DataError(fmt.Sprintf("training has diverged: "+format+
		"; start again with a lower optimizer.learning_rate", args...))
}

// unavailable ends a run whose annotator cannot be asked any more: what was trained is kept.
func (t *Trainer) unavailable(why error) error {
	// What was sampled ahead is in no checkpoint: one that is not due would change what comes
	// after.
	if t.state.Step > t.saved && !t.cfg.Train.Async {
		if err := t.save(); err != nil {
			return errors.Join(why, err)
		}
	}
	return oaif.UnavailableError(fmt.Sprintf("%v; stopped after step %d of %d; --resume %s",
		why, t.state.Step, t.cfg.Train.Steps, t.afterStop()))
}

// afterStop says where a run that stops now goes on: an interrupt writes no checkpoint.
func (t *Trainer) afterStop() string {
	if t.saved == 0 {
		return "starts at step 1 again: there is no checkpoint yet"
	}
	return fmt.Sprintf("goes on from step %d, the last checkpoint", t.saved)
}

// loop alternates evaluation, step and checkpoint in an order that makes every checkpoint a clean
// cut: what comes after it, an evaluation of the same step included, is done again after a resume.
func (t *Trainer) loop(ctx context.Context) error {
	if err := t.prepareBaseline(ctx); err != nil {
		return err
	}
	steps := t.cfg.Train.Steps
	for {
		if err := t.evaluateIfDue(ctx); err != nil {
			return err
		}
		if t.state.Step == steps {
			return t.finish()
		}
		if err := t.step(ctx, t.state.Step+1); err != nil {
			return err
		}
		t.state.Step++
		if t.checkpointAfter(t.state.Step) {
			if err := t.save(); err != nil {
				return err
			}
		}
	}
}

// evaluateIfDue evaluates on all held-out prompts before the first and after the last step, and on
// the first few of them every Eval.Every steps.
func (t *Trainer) evaluateIfDue(ctx context.Context) error {
	n, e := t.state.Step, t.cfg.Eval
	switch {
	case n > 0 && n == t.state.Evaluated: // before the checkpoint that the run went on from
		return nil
	case n == 0 || n == t.cfg.Train.Steps:
		return t.evaluate(ctx, len(t.heldout))
	case e.Every > 0 && n%e.Every == 0:
		live := len(t.heldout)
		if e.LivePrompts > 0 { // 0 is all
			live = min(e.LivePrompts, live)
		}
		return t.evaluate(ctx, live)
	}
	return nil
}
