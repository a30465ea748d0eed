package trainer

import (
	"context"

	"github.com/oaif/oaif/oaif"
)

// step is Algorithm 1 of online AI feedback (arXiv 2402.04792) for a batch of prompts: n is the
// step's 1-based number, t in the paper. Departures from it, each with its reason:
//   - ties, identical answers and unreadable verdicts are not trained on: the paper does not say,
//     and a guess would be a wrong label;
//   - AdamW where the paper has Adafactor.
func (t *Trainer) step(ctx context.Context, n int) error {
	w := newWatch()

	// Line 1: x ~ D_X, prompts without their answers.
	prompts := t.batch(n)

	// Line 2: y1, y2 ~ pi_t(.|x), independently, from the weights as they are now.
	pairs, err := t.sampler.Sample(ctx, n, prompts)
	if err != nil {
		return err
	}
	w.lap("sample")

	// Line 3: the annotator says which is y+ and which y-. Verdicts are on disk before use.
	prefs, err := t.annotator.Annotate(ctx, questions(pairs))
	if err != nil {
		return err
	}
	w.lap("annotate")

	// log pi_0 of every answer: the frozen reference that all three losses measure against.
	ref, err := t.referenceLogprobs(ctx, pairs)
	if err != nil {
		return err
	}
	w.lap("reference")

	// Line 4: the gradient of l(x, y+, y-, theta_t), on exactly the sampled tokens, each pair
	// used once.
	kept := keep(pairs, prefs, ref)
	grad, err := t.gradient(ctx, kept)
	if err != nil {
		return err
	}
	w.lap("train")

	// theta_{t+1}: one optimizer step.
	if err := t.update(n, &grad); err != nil {
		return err
	}
	w.lap("optimize")

	return t.record(n, w, pairs, prefs, ref, grad)
}

// batch returns step n's prompts: the next ones in the seeded order, epoch after epoch.
func (t *Trainer) batch(n int) []*oaif.Prompt {
	size := t.cfg.Train.PromptsPerStep
	out := make([]*oaif.Prompt, size)
	for i := range out {
		out[i] = t.order.at((n-1)*size + i)
	}
	return out
}

func questions(pairs []oaif.Pair) []oaif.Question {
	qs := make([]oaif.Question, len(pairs))
	for i, p := range pairs {
		qs[i] = oaif.Question{Fields: p.Prompt.Fields, A: p.A.Text, B: p.B.Text}
	}
	return qs
}
