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
//
// What else a configuration may depart in is off by default, and stands beside this file: soft
// labels and pairs left out (labels.go), more answers than two and which of them make a pair
// (pairing.go, rank.go), and answers sampled one step ahead (ahead.go).
func (t *Trainer) step(ctx context.Context, n int) (err error) {
	w := newWatch()

	// Line 1: x ~ D_X, prompts without their answers.
	prompts := t.batch(n)

	// Line 2: y1, y2 ~ pi_t(.|x), independently, from the weights as they are now. Line 3 begins
	// with it, where the annotator can judge a pair while others are sampled.
	judging := t.newJudging(ctx, w, n, len(prompts))
	defer func() { err = judging.end(err) }()
	if _, err := t.sample(judging.ctx, n, prompts, judging.hear); err != nil {
		return err
	}
	w.lap("sample")
	pairs, err := judging.pair()
	if err != nil {
		return err
	}

	// log pi_0 of every answer: the frozen reference that all three losses measure against,
	// computed while verdicts are awaited.
	ref, err := t.referenceLogprobs(judging.ctx, pairs)
	if err != nil {
		return err
	}
	w.lap("reference")

	// Not in the paper, and off by default: y1, y2 of the next step, from the same weights.
	if err := t.sampleAhead(judging.ctx, n+1); err != nil {
		return err
	}
	w.lap("sample")

	// Line 3: the annotator says which is y+ and which y-. Verdicts are on disk before use.
	prefs, err := judging.verdicts()
	if err != nil {
		return err
	}

	// Line 4: the gradient of l(x, y+, y-, theta_t), on exactly the sampled tokens, each pair
	// used once.
	kept := t.keep(pairs, prefs, ref)
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

	return t.record(n, judging, ref, grad)
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
