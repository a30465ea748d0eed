package loss

import (
	"fmt"

	"github.com/wangkuiyi/gotorch"
)

// expect returns the loss that is to be expected of each pair when the chosen completion is the
// better one with probability p, and else the rejected one:
//
//	p*l(y+,y-) + (1-p)*l(y-,y+)
//
// where l(y-,y+) is l at -h. With p the annotator's own probability this is the loss of Online IPO
// (arXiv 2403.08635); with p = 1-epsilon it is label smoothing, for DPO the conservative DPO. Where
// both meet, p is the probability after a label was swapped with probability epsilon. What the
// gradient in h then seeks:
//
//	DPO   -beta*(p - sigmoid(beta*h)): beta*h is to be the logit of p, and no further
//	IPO   2*(h - (2p-1)/(2*beta)): the margin that is sought shrinks with the doubt
//	SLiC  -(2p-1)*beta while |beta*h| < 1: a doubtful pair pushes less
func (c *composer) expect(p []float64, right, swapped gotorch.Tensor) gotorch.Tensor {
	chosen, rejected := make([]float32, len(p)), make([]float32, len(p))
	for i, x := range p {
		chosen[i], rejected[i] = float32(x), float32(1-x)
	}
	return c.add(c.mul(right, c.vector(chosen)), c.mul(swapped, c.vector(rejected)))
}

// checkTargets refuses soft labels that are no probabilities of n pairs.
func checkTargets(p []float64, n int) error {
	if p == nil {
		return nil
	}
	if len(p) != n {
		return fmt.Errorf("there are %d targets for %d pairs", len(p), n)
	}
	for i, x := range p {
		if !(x >= 0 && x <= 1) {
			return fmt.Errorf("target %d is %g and must be in [0,1]", i, x)
		}
	}
	return nil
}
