package trainer

import (
	"context"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/config"
	"github.com/oaif/oaif/torch"
)

// UseAnnotator puts a in the place of the configured annotator, in training and evaluation. id
// names it in the journal of verdicts.
func (t *Trainer) UseAnnotator(a oaif.Annotator, id string) {
	t.asked = a
	t.annotator = annotator.Journaled(a, id, t.journal)
}

// WatchAnnotator puts what watch makes of the configured annotator behind the journal of verdicts.
// Evaluation, which has no journal, goes on asking the configured one itself.
func (t *Trainer) WatchAnnotator(watch func(oaif.Annotator) oaif.Annotator) {
	t.annotator = annotator.Journaled(watch(t.asked), "watched", t.journal)
}

// Step takes training step n alone.
func (t *Trainer) Step(ctx context.Context, n int) error { return t.step(ctx, n) }

// Gradients returns what step n's kept pairs sum up to, buffer by buffer and not clipped, and takes
// no step.
func (t *Trainer) Gradients(ctx context.Context, n int) (all []float32, err error) {
	pairs, err := t.sampler.Sample(ctx, n, t.batch(n))
	if err != nil {
		return nil, err
	}
	prefs, err := t.annotator.Annotate(ctx, questions(pairs))
	if err != nil {
		return nil, err
	}
	ref, err := t.referenceLogprobs(ctx, pairs)
	if err != nil {
		return nil, err
	}
	if _, err := t.gradient(ctx, keep(pairs, prefs, ref)); err != nil {
		return nil, err
	}
	err = t.dev.Do(func() { all = t.read(torch.Grad) })
	return all, err
}

// Weights returns the policy's masters, buffer by buffer.
func (t *Trainer) Weights() (all []float32, err error) {
	err = t.dev.Do(func() { all = t.read(torch.Master) })
	return all, err
}

// read copies one of the policy's sets of buffers. Device goroutine only.
func (t *Trainer) read(set torch.Buffer) (all []float32) {
	s := torch.NewScope()
	defer s.Close()
	for i := range t.policy.Buffers() {
		all = append(all, t.policy.Buffer(s, set, i).Float32()...)
	}
	return all
}

// LearningRate returns the rate of step n under cfg.
func LearningRate(cfg *config.Config, n int) float64 { return (&Trainer{cfg: cfg}).learningRate(n) }

// Difference is how a resumed run's configuration is compared with the one that it was begun with.
func Difference(was, is string) (a, b string, differ bool) { return difference(was, is) }
