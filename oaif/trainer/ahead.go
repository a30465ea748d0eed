package trainer

import (
	"context"

	"github.com/oaif/oaif/oaif"
)

// ahead is a step's answers that were sampled during the step before, an option.
type ahead struct {
	step    int
	groups  []oaif.Group
	updates int // of the weights that they were sampled from
}

// sample returns the completions of step n's prompts and tells ended of them as they end. Those
// that were sampled ahead have all ended.
func (t *Trainer) sample(
	ctx context.Context, n int, prompts []*oaif.Prompt, ended func([]oaif.Group),
) ([]oaif.Group, error) {
	if a := t.ahead; a != nil && a.step == n {
		t.ahead, t.sampledAt = nil, a.updates
		ended(a.groups)
		return a.groups, nil
	}
	t.sampledAt = t.state.Updates
	return t.sampler.Sample(ctx, n, prompts, ended)
}

// sampleAhead samples step n's answers while step n-1 is still to be learned from, with
// train.async. It does not where a checkpoint comes between the two: what is resumed from it has no
// answers, and must sample what the run that was not stopped did.
func (t *Trainer) sampleAhead(ctx context.Context, n int) error {
	if !t.cfg.Train.Async || t.checkpointAfter(n-1) {
		return nil
	}
	groups, err := t.sampler.Sample(ctx, n, t.batch(n), nil)
	if err != nil {
		return err
	}
	t.ahead = &ahead{n, groups, t.state.Updates}
	return nil
}

// checkpointAfter says whether a checkpoint is due after step n.
func (t *Trainer) checkpointAfter(n int) bool {
	every := t.cfg.Train.CheckpointEvery
	return n == t.cfg.Train.Steps || every > 0 && n%every == 0
}
