// Package loss turns the log-probs of preferred and other completions into a scalar loss and into
// its gradient with respect to those log-probs, which seeds the transformer's backward pass.
//
// Flowing in are four numbers for each pair, in nats: the log-probs of the chosen and the rejected
// completion under the policy and under the frozen reference, each summed over the completion's
// tokens at temperature 1; and, as an option, how sure it is that the chosen one is the better.
// Flowing out are the loss, its gradient and two metrics. The package
// knows no model, no tokens and no annotator.
//
// The losses are those of online AI feedback (arXiv 2402.04792), written in
//
//	h = (log pi(y+|x) - log pi0(y+|x)) - (log pi(y-|x) - log pi0(y-|x))
//
// What a completion gained against the reference, the difference in each bracket, is taken in
// double precision: fp32 tells a sum of 100 nats to 1e-5, and the gain to 1e-7. From there they are
// composed with gotorch on CPU vectors of [pairs] fp32. Every gotorch result is adopted by a
// torch.Scope as soon as it is made; gradients go through package torch, whose calls are guarded
// against C++ exceptions.
//
// Errors: every failure is returned as an error, a libtorch exception too; nothing panics.
// Concurrency: device goroutine only.
package loss

import (
	"errors"
	"fmt"
	"math"

	"github.com/wangkuiyi/gotorch"

	"github.com/oaif/oaif/torch"
)

// ErrNotFinite marks log-probs, a loss or a gradient that are NaN or infinite: what a diverged
// model gives.
var ErrNotFinite = errors.New("not finite")

// LogProbs are the summed log-probs of pairs in nats, one element a pair; all four are of the same
// length, which is at least one, and finite.
type LogProbs struct {
	PolicyChosen, PolicyRejected       []float64
	ReferenceChosen, ReferenceRejected []float64
	// Targets are the probabilities, in [0,1], that the chosen completion is the better one: soft
	// labels. nil stands for 1 in every pair, the hard labels of arXiv 2402.04792.
	Targets []float64
}

// Result is what one batch of pairs adds to a step. All sums are divided by the step's divisor, so
// that the results of a step's micro-batches add up to the result of one whole batch.
type Result struct {
	// Loss is the sum of the pairs' losses over the divisor.
	Loss float64
	// GradChosen and GradRejected are dLoss/dlogp of the policy, [pairs].
	GradChosen, GradRejected []float32
	// RewardMargin is the sum of beta*h over the divisor: how much more the chosen completions
	// gained against the reference than the rejected ones, in units of the implicit reward.
	RewardMargin float64
	// RewardAccuracy is the number of pairs with h > 0 over the divisor, so 0 to 1 for a step.
	RewardAccuracy float64
}

// Loss is a direct alignment loss with the strength that its users give it in the paper. "beta" is
// not the same quantity in each of them.
type Loss struct {
	// Kind is the name in a configuration: "dpo", "ipo" or "slic".
	Kind string
	// Beta is the paper's value (arXiv 2402.04792).
	Beta float64
	// compose returns the loss of each pair, [pairs], of h, [pairs]. Device goroutine only.
	compose func(c *composer, h gotorch.Tensor, beta float32) gotorch.Tensor
}

// ByKind returns the loss named kind.
func ByKind(kind string) (Loss, error) {
	for _, l := range []Loss{DPO, IPO, SLiC} {
		if l.Kind == kind {
			return l, nil
		}
	}
	return Loss{}, fmt.Errorf("loss %q is none of dpo, ipo, slic", kind)
}

// Of computes the loss of the pairs. beta is over 0; divisor is the number of pairs in the whole
// step, over 0. It returns an error for anything else, for log-probs of unequal lengths, and
// ErrNotFinite for numbers that are not finite. Device goroutine only.
func (l Loss) Of(lp LogProbs, beta float64, divisor int) (r Result, err error) {
	if err := check(lp, beta, divisor); err != nil {
		return Result{}, fmt.Errorf("loss %s: %w", l.Kind, err)
	}
	if e := torch.Catch(func() { r, err = l.of(lp, beta, divisor) }); e != nil {
		err = e
	}
	if err != nil {
		return Result{}, fmt.Errorf("loss %s: %w", l.Kind, err)
	}
	return r, nil
}

// of is Of behind its checks; libtorch's exceptions come as panics.
func (l Loss) of(lp LogProbs, beta float64, divisor int) (Result, error) {
	c := newComposer(len(lp.PolicyChosen))
	defer c.close()

	chosen := c.leaf(gains(lp.PolicyChosen, lp.ReferenceChosen))
	rejected := c.leaf(gains(lp.PolicyRejected, lp.ReferenceRejected))
	h := c.sub(chosen, rejected)
	pairLosses := l.compose(c, h, float32(beta))
	if lp.Targets != nil {
		swapped := l.compose(c, c.sub(rejected, chosen), float32(beta))
		pairLosses = c.expect(lp.Targets, pairLosses, swapped)
	}
	total := c.sum(c.mul(pairLosses, c.constant(1/float32(divisor))))

	torch.FromGotorch(total).Backward()
	r := Result{
		Loss:         float64(c.read(total)[0]),
		GradChosen:   c.grad(chosen), // the reference is constant: dgain = dlogp
		GradRejected: c.grad(rejected),
	}
	for _, x := range c.read(h) {
		r.RewardMargin += beta * float64(x) / float64(divisor)
		if x > 0 {
			r.RewardAccuracy += 1 / float64(divisor)
		}
	}
	return r, finite("the loss or its gradient",
		append(append([]float32{float32(r.Loss)}, r.GradChosen...), r.GradRejected...))
}

// gains returns log pi - log pi0 of each completion, nats.
func gains(policy, reference []float64) []float32 {
	out := make([]float32, len(policy))
	for i, p := range policy {
		out[i] = float32(p - reference[i])
	}
	return out
}

func check(lp LogProbs, beta float64, divisor int) error {
	n := len(lp.PolicyChosen)
	if n == 0 {
		return fmt.Errorf("there are no pairs")
	}
	if !(beta > 0) || math.IsInf(beta, 0) {
		return fmt.Errorf("beta is %g and must be over 0", beta)
	}
	if divisor <= 0 {
		return fmt.Errorf("the divisor is %d and must be over 0", divisor)
	}
	for _, v := range []struct {
		name string
		x    []float64
	}{
		{"policy log-probs of chosen completions", lp.PolicyChosen},
		{"policy log-probs of rejected completions", lp.PolicyRejected},
		{"reference log-probs of chosen completions", lp.ReferenceChosen},
		{"reference log-probs of rejected completions", lp.ReferenceRejected},
	} {
		if len(v.x) != n {
			return fmt.Errorf("there are %d %s for %d pairs", len(v.x), v.name, n)
		}
		if err := finite(v.name, v.x); err != nil {
			return err
		}
	}
	return checkTargets(lp.Targets, n)
}

func finite[T float32 | float64](what string, xs []T) error {
	for i, x := range xs {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return fmt.Errorf("element %d of %s is %g: %w", i, what, x, ErrNotFinite)
		}
	}
	return nil
}
