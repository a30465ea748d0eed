package trainer

import (
	"context"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/torch"
)

// Learned is what judged pairs add up to.
type Learned struct {
	Metrics   Metrics
	Tokens    int       // that were trained on
	Gradients []float32 // buffer by buffer
}

// References returns each pair's summed log-probs of a and b under the frozen reference.
func (t *Trainer) References(ctx context.Context, pairs []oaif.Pair) ([][2]float64, error) {
	return t.referenceLogprobs(ctx, pairs)
}

// Learn takes judged pairs through the loss and the backward pass, as a step does whose sampler has
// kept no activations, and takes no step.
func (t *Trainer) Learn(
	ctx context.Context, pairs []oaif.Pair, prefs []oaif.Preference, ref [][2]float64,
) (l Learned, err error) {
	g, err := t.gradient(ctx, t.keep(pairs, prefs, ref))
	if err != nil {
		return l, err
	}
	var sampled []oaif.Completion
	for _, p := range pairs {
		sampled = append(sampled, p.A, p.B)
	}
	l.Metrics, _ = t.measure(1, sampled, pairs, prefs, ref, g)
	l.Tokens = g.tokens
	err = t.dev.Do(func() { l.Gradients = t.read(torch.Grad) })
	return l, err
}

// Cut sets how later steps are cut into micro-batches and whether layers are run again.
func (t *Trainer) Cut(microBatch int, recompute bool) {
	t.cfg.Train.MicroBatch, t.cfg.Train.Recompute = microBatch, recompute
}

// Move adds scale*by to the policy's masters.
func (t *Trainer) Move(by []float32, scale float64) error {
	return t.dev.Do(func() {
		s := torch.NewScope()
		defer s.Close()
		at := 0
		for i := range t.policy.Buffers() {
			b := t.policy.Buffer(s, torch.Master, i)
			w := b.Float32()
			for k := range w {
				w[k] += float32(scale * float64(by[at+k]))
			}
			b.Write(w)
			at += len(w)
		}
		t.policy.Commit(false)
	})
}

// Logprob is that of one token after text, of the policy or its reference, from a forward pass of
// this one text.
func (t *Trainer) Logprob(reference bool, text []int32, id int32) (lp float64, err error) {
	m := t.policy
	if reference {
		m = t.reference
	}
	err = t.dev.Do(func() { lp = m.NextLogprobs([][]int32{text}, []int32{id})[0][0] })
	return lp, err
}

// DropGradients frees the gradients' memory as the end of a step does, before the next one samples:
// with kept activations they lie in the sampler's.
func (t *Trainer) DropGradients() error { return t.dev.Do(t.policy.DropGrad) }
