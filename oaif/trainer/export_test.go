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

// Gradients returns the last step's summed and clipped gradients, buffer by buffer.
func (t *Trainer) Gradients() ([]float32, error) { return t.read(torch.Grad) }

// Weights returns the policy's masters, buffer by buffer.
func (t *Trainer) Weights() ([]float32, error) { return t.read(torch.Master) }

func (t *Trainer) read(set torch.Buffer) (all []float32, err error) {
	err = t.dev.Do(func() {
		s := torch.NewScope()
		defer s.Close()
		for i := range t.policy.Buffers() {
			all = append(all, t.policy.Buffer(s, set, i).Float32()...)
		}
	})
	return all, err
}

// LearningRate returns the rate of step n under cfg.
func LearningRate(cfg *config.Config, n int) float64 { return (&Trainer{cfg: cfg}).learningRate(n) }
