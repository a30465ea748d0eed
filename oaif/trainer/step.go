package trainer

import (
	"context"
	"errors"

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
	verdicts := t.askAnnotator(ctx, w, pairs)

	// log pi_0 of every answer: the frozen reference that all three losses measure against,
	// computed while a remote annotator is at work.
	ref, err := t.referenceLogprobs(ctx, pairs)
	w.lap("reference")
	prefs, unasked := verdicts()
	if err := errors.Join(err, unasked); err != nil {
		return err
	}

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

// askAnnotator begins to ask about the pairs and returns what waits for the verdicts, which must be
// called. An annotator on the device is done before it returns: it could only compete for it.
func (t *Trainer) askAnnotator(
	ctx context.Context, w *watch, pairs []oaif.Pair,
) func() ([]oaif.Preference, error) {
	var prefs []oaif.Preference
	var err error
	if !t.ai.Elsewhere() {
		prefs, err = t.annotator.Annotate(ctx, questions(pairs))
		w.lap("annotate")
		return func() ([]oaif.Preference, error) { return prefs, err }
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		prefs, err = t.annotator.Annotate(ctx, questions(pairs))
	}()
	return func() ([]oaif.Preference, error) {
		<-done
		w.lap("annotate") // what is left of the wait
		return prefs, err
	}
}

func questions(pairs []oaif.Pair) []oaif.Question {
	qs := make([]oaif.Question, len(pairs))
	for i, p := range pairs {
		qs[i] = oaif.Question{Fields: p.Prompt.Fields, A: p.A.Text, B: p.B.Text}
	}
	return qs
}
