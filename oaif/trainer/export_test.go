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

// AskBeside has the annotator asked as one is that leaves the training device alone.
func (t *Trainer) AskBeside() { t.beside = true }

// WrapSampler puts what wrap makes of the sampler into its place, in training.
func (t *Trainer) WrapSampler(wrap func(oaif.Sampler) oaif.Sampler) { t.sampler = wrap(t.sampler) }

// Step takes training step n alone.
func (t *Trainer) Step(ctx context.Context, n int) error { return t.step(ctx, n) }

// Gradients returns what step n's kept pairs sum up to, buffer by buffer and not clipped, and takes
// no step.
func (t *Trainer) Gradients(ctx context.Context, n int) (all []float32, err error) {
	j := t.newJudging(ctx, newWatch(), n, len(t.batch(n)))
	defer func() { err = j.end(err) }()
	if _, err := t.sample(ctx, n, t.batch(n), j.hear); err != nil {
		return nil, err
	}
	pairs, err := j.pair()
	if err != nil {
		return nil, err
	}
	prefs, err := j.verdicts()
	if err != nil {
		return nil, err
	}
	ref, err := t.referenceLogprobs(ctx, pairs)
	if err != nil {
		return nil, err
	}
	if _, err := t.gradient(ctx, t.keep(pairs, prefs, ref)); err != nil {
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
