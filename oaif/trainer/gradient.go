package trainer

import (
	"context"
	"math"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/loss"
	"github.com/oaif/oaif/oaif/model"
)

// preferred is a pair that is trained on.
type preferred struct {
	prompt           []int32
	chosen, rejected oaif.Completion
	refChosen        float64 // summed log-probs under the reference, nats
	refRejected      float64
	recChosen        int // the completions' entries in the sampler's recording
	recRejected      int
	target           float64 // the probability that chosen is the better one, see target
}

// keep returns the pairs that are not skipped, chosen first.
func (t *Trainer) keep(
	pairs []oaif.Pair, prefs []oaif.Preference, ref [][2]float64,
) []preferred {
	var out []preferred
	for i, p := range pairs {
		if t.skipped(prefs[i]) != "" {
			continue
		}
		first := i * t.cfg.Sampler.Samples
		k := preferred{p.Prompt.IDs, p.A, p.B, ref[i][0], ref[i][1],
			first + p.Drawn[0], first + p.Drawn[1], t.target(prefs[i])}
		if prefs[i].Verdict == oaif.VerdictB {
			k.chosen, k.rejected = k.rejected, k.chosen
			k.refChosen, k.refRejected = k.refRejected, k.refChosen
			k.recChosen, k.recRejected = k.recRejected, k.recChosen
		}
		out = append(out, k)
	}
	return out
}

// gradient is what a step's kept pairs add up to. The gradients themselves lie in the policy's
// buffers.
type gradient struct {
	kept               int
	loss               float64
	margin, accuracy   float64
	entropySum         float64 // nats, over tokens
	tokens             int
	gapSum, gapMax     float64 // |sampler's - trainer's log-prob| of the same token, nats
	staleness          int     // optimizer steps since the weights that the sampler had
	learningRate, norm float64 // filled in by update
}

// referenceLogprobs returns each pair's summed log-probs of a and b under the frozen reference.
func (t *Trainer) referenceLogprobs(ctx context.Context, pairs []oaif.Pair) ([][2]float64, error) {
	out := make([][2]float64, 0, len(pairs))
	for _, part := range split(pairs, t.cfg.Train.MicroBatch) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		seqs := make([]model.Sequence, 0, 2*len(part))
		for _, p := range part {
			seqs = append(seqs, model.Sequence{Prompt: p.Prompt.IDs, Completion: p.A.IDs},
				model.Sequence{Prompt: p.Prompt.IDs, Completion: p.B.IDs})
		}
		err := t.dev.Do(func() {
			s := t.reference.Score(seqs)
			for i := range part {
				out = append(out, [2]float64{s[2*i].Sum(), s[2*i+1].Sum()})
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// gradient sums the loss's gradient over micro-batches. Its divisor is the number of kept pairs of
// the whole step, so that micro-batches give the gradient of one batch.
func (t *Trainer) gradient(ctx context.Context, kept []preferred) (gradient, error) {
	g := gradient{kept: len(kept), staleness: t.state.Updates - t.sampledAt}
	err := t.dev.Do(func() {
		// blocked weights, if any, served sampling; their memory goes to the gradients
		t.policy.Unpack()
		t.policy.ZeroGrad()
	})
	if err != nil {
		return g, err
	}
	parts := split(kept, t.cfg.Train.MicroBatch)
	for i, part := range parts {
		if err := ctx.Err(); err != nil {
			return g, err
		}
		var failed error
		err := t.dev.Do(func() { failed = t.backward(part, i == len(parts)-1, &g) })
		if err != nil {
			return g, err
		}
		if failed != nil {
			return g, failed
		}
	}
	return g, nil
}

// backward runs one micro-batch, the step's last one or not. Device goroutine only.
func (t *Trainer) backward(part []preferred, last bool, g *gradient) error {
	seqs := make([]model.Sequence, 0, 2*len(part))
	var lp loss.LogProbs
	for _, p := range part {
		seqs = append(seqs, model.Sequence{Prompt: p.prompt, Completion: p.chosen.IDs},
			model.Sequence{Prompt: p.prompt, Completion: p.rejected.IDs})
		lp.ReferenceChosen = append(lp.ReferenceChosen, p.refChosen)
		lp.ReferenceRejected = append(lp.ReferenceRejected, p.refRejected)
		if t.softens() {
			lp.Targets = append(lp.Targets, p.target)
		}
	}
	pass := t.pass(part, seqs, last)
	defer pass.Close()
	for i, p := range part {
		lp.PolicyChosen = append(lp.PolicyChosen, pass.Score[2*i].Sum())
		lp.PolicyRejected = append(lp.PolicyRejected, pass.Score[2*i+1].Sum())
		g.observe(p.chosen, pass.Score[2*i])
		g.observe(p.rejected, pass.Score[2*i+1])
	}
	r, err := t.loss.Of(lp, t.cfg.Loss.Beta, g.kept)
	if err != nil {
		return err
	}
	g.loss += r.Loss
	g.margin += r.RewardMargin
	g.accuracy += r.RewardAccuracy
	seed := make([]float32, 0, len(seqs))
	for i := range part {
		seed = append(seed, r.GradChosen[i], r.GradRejected[i])
	}
	pass.Backward(seed)
	return nil
}

// pass scores a micro-batch with the weights as they are now. They are those that sampled it, so
// where the sampler kept its activations nothing is computed twice. Device goroutine only.
func (t *Trainer) pass(part []preferred, seqs []model.Sequence, last bool) *model.Pass {
	rec := t.recorded()
	if rec == nil {
		return t.policy.ForwardPass(seqs, t.segment())
	}
	which := make([]int, 0, len(seqs))
	for _, p := range part {
		which = append(which, p.recChosen, p.recRejected)
	}
	return t.policy.RecordedPass(seqs, rec, which, last)
}

// observe compares what the sampler and the trainer said of the same tokens.
func (g *gradient) observe(c oaif.Completion, s model.Scored) {
	for i, l := range s.Logprobs {
		gap := math.Abs(float64(l) - float64(c.Logprobs[i]))
		g.gapSum += gap
		g.gapMax = max(g.gapMax, gap)
		g.entropySum += float64(s.Entropy[i])
	}
	g.tokens += len(s.Logprobs)
}

// update takes one optimizer step if there is anything to learn from, and makes the weights ready
// for sampling. n is the step's 1-based number.
func (t *Trainer) update(n int, g *gradient) error {
	g.learningRate = t.learningRate(n)
	if g.kept > 0 {
		if err := t.dev.Do(func() { g.norm = t.policy.GradNorm() }); err != nil {
			return err
		}
		if math.IsNaN(g.norm) || math.IsInf(g.norm, 0) {
			return diverged("the gradient of step %d is not finite", n)
		}
		t.state.Updates++
	}
	return t.dev.Do(func() {
		if g.kept > 0 {
			t.descend(g)
		}
		t.policy.DropGrad() // sampling needs the memory
		t.policy.Commit(true)
	})
}

// descend clips the gradient and steps along it. Device goroutine only.
func (t *Trainer) descend(g *gradient) {
	scale := 1.0
	if c := t.cfg.Optimizer.ClipNorm; c > 0 && g.norm > c {
		scale = c / (g.norm + 1e-6)
	}
	t.optimizer.Step(g.learningRate, scale, t.state.Updates)
}

// recorded returns the activations of this step's sampling; nil when the forward pass is to be run
// again.
func (t *Trainer) recorded() *model.Recorded { return t.answers.Recorded() }

// segment is the number of layers whose activations are kept at a time.
func (t *Trainer) segment() int {
	if t.cfg.Train.Recompute {
		return 1
	}
	return t.policy.Config.Layers
}

// split cuts s into parts of at most size elements; 0 means one part.
func split[T any](s []T, size int) [][]T {
	if size <= 0 {
		size = max(1, len(s))
	}
	var out [][]T
	for at := 0; at < len(s); at += size {
		out = append(out, s[at:min(at+size, len(s))])
	}
	return out
}
